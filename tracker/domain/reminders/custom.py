"""A date of one's own: a business day ahead and on the day."""

from tracker.domain.reminders.ladder import Ladder, days_before

LADDER = Ladder((days_before(1), days_before(0)))
