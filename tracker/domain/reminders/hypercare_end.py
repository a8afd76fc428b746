"""The end of hypercare: a business day ahead, to the team."""

from tracker.domain.reminders.ladder import Ladder, days_before

LADDER = Ladder((days_before(1),))
