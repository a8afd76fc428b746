"""The content freeze is announced: five, two and one business days ahead, then daily until it is (BR-46)."""

from tracker.domain.reminders.ladder import OVERDUE_DAILY, Ladder, days_before

LADDER = Ladder((days_before(5), days_before(2), days_before(1)), OVERDUE_DAILY, climbs=True)
