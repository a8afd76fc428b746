"""UAT: when the window opens, at its midpoint, two and one business day before its end, then daily (BR-15)."""

from tracker.domain.reminders.ladder import AT_MIDPOINT, AT_OPENING, OVERDUE_DAILY, Ladder, days_before

LADDER = Ladder((AT_OPENING, days_before(2), days_before(1), AT_MIDPOINT), OVERDUE_DAILY, climbs=True)
