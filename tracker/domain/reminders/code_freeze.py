"""The code freeze: three and one business day ahead, on the day, then weekly while it is on (BR-10)."""

from tracker.domain.reminders.ladder import WEEKLY_WHILE_ON, Ladder, days_before

LADDER = Ladder((days_before(3), days_before(1), days_before(0)), WEEKLY_WHILE_ON)
