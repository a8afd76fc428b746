"""Access to the source: five and two business days ahead, and on the day (BR-09)."""

from tracker.domain.reminders.ladder import Ladder, days_before

LADDER = Ladder((days_before(5), days_before(2), days_before(0)), climbs=True)
