"""The kick-off: five and one business day ahead."""

from tracker.domain.reminders.ladder import Ladder, days_before

LADDER = Ladder((days_before(5), days_before(1)))
