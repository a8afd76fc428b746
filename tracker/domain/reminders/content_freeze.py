"""The content freeze: announced five, two and one business day ahead, and two hours before it starts (BR-46)."""

from tracker.domain.reminders.ladder import Ladder, days_before, hours_before

LADDER = Ladder((days_before(5), days_before(2), days_before(1), hours_before(2)), starts=True)
