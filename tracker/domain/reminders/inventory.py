"""The site inventory: ten, five and two business days before the kick-off, then daily until it is there (BR-08).

It is due on the business day before the kick-off, so that each lead here is one day shorter.
"""

from tracker.domain.reminders.ladder import OVERDUE_DAILY, Ladder, days_before

LADDER = Ladder((days_before(9), days_before(4), days_before(1)), OVERDUE_DAILY, climbs=True)
