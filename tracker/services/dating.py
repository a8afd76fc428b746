"""Writes a date as somebody entered or moved it. Deadlines and change requests share it; no edge calls it."""

from datetime import datetime

from tracker.domain.deadline import Dates, DeadlineKind, complete
from tracker.domain.errors import Invalid
from tracker.domain.text import TextError, read_line, read_text
from tracker.services.planning import Ground, ground_of, place_following
from tracker.store.database import AnySession
from tracker.store.deadline import Deadline
from tracker.store.engagement import Engagement

REASON_LENGTH = 500


def move_date(
    session: AnySession, deadline: Deadline, dates: Dates, reason: str | None, engagement: Engagement, *, now: datetime
) -> None:
    """Move a date by hand; what follows from it moves too. The caller holds it, and plans the reminders anew afterwards.

    Raises Invalid at `reason` where none is given, and at `due_on` and the like for dates that cannot stand.
    """
    said = read_words("reason", reason, REASON_LENGTH)
    if not said:
        raise Invalid.at("reason", "Say why the date moves; the customer reads it.")
    entered = checked_year(dates)
    ground = ground_of(session, engagement, around=[entered.due_on or entered.opens_on or (entered.due_at or now).date()])
    entered = keeping_the_start(deadline, entered, ground)
    moved = complete(DeadlineKind(deadline.kind), entered, ground.windows, ground.calendar)
    moved.check(ground.calendar)
    put_dates(deadline, moved, said, ground)
    session.flush()
    place_following(session, deadline, ground, now=now)


def put_dates(deadline: Deadline, dates: Dates, reason: str | None, ground: Ground) -> None:
    """Write a date as somebody entered it."""
    deadline.due_on, deadline.due_at, deadline.opens_on = dates.due_on, dates.due_at, dates.opens_on
    deadline.day = dates.day(ground.calendar)
    deadline.source, deadline.anchor, deadline.offset_days = "manual", None, None
    deadline.reason = reason


def read_words(field: str, text: str | None, longest: int) -> str | None:
    """Tidy what was typed. Raises Invalid at the field for characters that mislead, and for what looks like a secret."""
    try:
        return (read_line if field == "title" else read_text)(text, longest) or None if text else None
    except TextError as error:
        raise Invalid.at(field, str(error)) from None


def checked_year(dates: Dates) -> Dates:
    """Refuse absurd years before any arithmetic runs off the calendar."""
    for field, value in (("due_on", dates.due_on), ("due_at", dates.due_at), ("opens_on", dates.opens_on)):
        if value is not None and not 2000 <= value.year <= 2099:
            raise Invalid.at(field, f"The year {value.year:04d} is not plausible. Write a year from 2000 to 2099.")
    return dates


def keeping_the_start(deadline: Deadline, entered: Dates, ground: Ground) -> Dates:
    """Who moves only the end of a window leaves its first day where it was, as far as that still comes before."""
    names_the_end = entered.due_on is not None or entered.due_at is not None
    if entered.opens_on is not None or not names_the_end or deadline.opens_on is None:
        return entered
    kept = deadline.opens_on if deadline.opens_on <= entered.day(ground.calendar) else None
    return Dates(entered.due_on, entered.due_at, kept)


def say_state(deadline: Deadline) -> dict[str, object]:
    """What the audit trail keeps of a date."""
    return {
        "kind": deadline.kind,
        "due": deadline.due_at or deadline.due_on,
        "opens_on": deadline.opens_on,
        "reason": deadline.reason,
        "done": deadline.done_at is not None,
    }
