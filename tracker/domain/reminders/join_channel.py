"""The channel is joined: one and three business days after the kick-off, until it is."""

from tracker.domain.reminders.ladder import Ladder, days_after

LADDER = Ladder((days_after(1), days_after(3)), climbs=True)
