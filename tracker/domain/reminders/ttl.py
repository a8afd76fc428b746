"""Lowering the TTLs: seven, five and three business days ahead (BR-22)."""

from tracker.domain.reminders.ladder import Ladder, days_before

LADDER = Ladder((days_before(7), days_before(5), days_before(3)), climbs=True)
