"""The DNS cutover: a business day and an hour ahead, at its start, and when half of the window is used (BR-17)."""

from tracker.domain.reminders.ladder import AT_START, HALF_USED, Ladder, days_before, hours_before

LADDER = Ladder((days_before(1), hours_before(1), AT_START, HALF_USED), starts=True)
