"""Writes a date as somebody entered or moved it, with what follows from it. Use cases share it; no edge calls it."""

from datetime import datetime
from uuid import UUID

from tracker.domain.access import Actor
from tracker.domain.deadline import KINDS, Dates, DeadlineKind, complete, following
from tracker.domain.errors import Invalid
from tracker.domain.freeze import KIND_OF_DATE, FreezeKind
from tracker.domain.text import TextError, read_line, read_text
from tracker.services.freezing import must_override
from tracker.services.planning import Ground, ground_of, place_following, say_due
from tracker.store import audit
from tracker.store import deadline as deadlines
from tracker.store import freeze as freezes
from tracker.store.database import AnySession
from tracker.store.deadline import Deadline
from tracker.store.engagement import Engagement

REASON_LENGTH = 500


def enter(
    session: AnySession,
    actor: Actor,
    engagement: Engagement,
    kind: DeadlineKind,
    entered: Dates,
    *,
    site_id: UUID | None,
    now: datetime,
    title: str | None = None,
    reason: str | None = None,
    owner_id: UUID | None = None,
    override_reason: str | None = None,
) -> Deadline:
    """Write a date that is not there yet, or that was only counted so far. The caller holds the dates, and plans anew.

    Raises Invalid at `kind` where somebody has set it already, and as `Dates.check` does; Guard for a freeze that is on.
    """
    facts = KINDS[kind]
    existing = None if kind is DeadlineKind.CUSTOM else deadlines.one(session, engagement.id, site_id, kind)
    if existing is not None and (existing.source == "manual" or existing.done_at is not None):
        raise Invalid.at("kind", f"{facts.title} is set already. Move that date instead.")
    anchor_day = entered.due_on or entered.opens_on or (entered.due_at or now).date()
    ground = ground_of(session, engagement, around=[anchor_day])
    dates = complete(kind, checked_year(entered), ground.windows, ground.calendar)
    dates.check(ground.calendar)
    _check_freezes(session, actor, kind, site_id, dates, override_reason, ground, now)
    deadline = existing or Deadline(engagement_id=engagement.id, site_id=site_id, kind=kind, created_at=now)
    deadline.title, deadline.owner_id = title or facts.title, owner_id
    _put(deadline, dates, reason, ground)
    if existing is not None:
        # It was counted from another date so far; from now on it is what somebody entered.
        existing.version += 1
    session.add(deadline)
    session.flush()
    place_following(session, deadline, ground, now=now)
    audit.record(session, actor, engagement.id, "deadline.set", ("deadline", deadline.id), say(deadline))
    return deadline


def move(
    session: AnySession,
    actor: Actor,
    engagement: Engagement,
    deadline: Deadline,
    asked: Dates,
    reason: str | None,
    *,
    override_reason: str | None,
    now: datetime,
) -> None:
    """Write a date anew, with what follows from it. The caller holds the dates, notes the change and plans anew.

    Raises Invalid at `reason` where none is given, and as `Dates.check` does; Guard for a freeze that is on.
    """
    if not reason:
        raise Invalid.at("reason", "Say why the date moves; the customer reads it.")
    entered = checked_year(asked)
    ground = ground_of(session, engagement, around=[entered.due_on or entered.opens_on or (entered.due_at or now).date()])
    entered = _keeping_the_start(deadline, entered, ground)
    kind = DeadlineKind(deadline.kind)
    dates = complete(kind, entered, ground.windows, ground.calendar)
    dates.check(ground.calendar)
    _check_freezes(session, actor, kind, deadline.site_id, dates, override_reason, ground, now)
    _put(deadline, dates, reason, ground)
    session.flush()
    place_following(session, deadline, ground, now=now)


def _check_freezes(
    session: AnySession,
    actor: Actor,
    kind: DeadlineKind,
    site_id: UUID | None,
    dates: Dates,
    override_reason: str | None,
    ground: Ground,
    now: datetime,
) -> None:
    """A freeze that is on moves only with a typed reason, also where its date would only follow another."""
    if site_id is None or kind not in (*KIND_OF_DATE, DeadlineKind.DNS_CUTOVER):
        return
    follows = {each: day for each, (_offset, day) in following(kind, dates, ground.windows, ground.calendar).items()}
    for row in freezes.open_of_site(session, site_id):
        own = row.deadline.kind == kind
        followed = row.deadline.kind in follows and row.deadline.source == "computed" and row.deadline.done_at is None
        moved = dates if own else Dates(due_on=follows[DeadlineKind(row.deadline.kind)]) if followed else row.deadline.dates
        if moved != row.deadline.dates:
            begins = say_due(moved, ground.calendar, ground.engagement.time_zone)
            what = f"The {FreezeKind(row.freeze.kind).label.lower()} begins anew: {begins}"
            must_override(session, actor, [row], what, override_reason, now=now)


def _put(deadline: Deadline, dates: Dates, reason: str | None, ground: Ground) -> None:
    """Write a date as somebody entered it."""
    deadline.due_on, deadline.due_at, deadline.opens_on = dates.due_on, dates.due_at, dates.opens_on
    deadline.day = dates.day(ground.calendar)
    deadline.source, deadline.anchor, deadline.offset_days = "manual", None, None
    deadline.reason = reason


def _keeping_the_start(deadline: Deadline, entered: Dates, ground: Ground) -> Dates:
    """Who moves only the end of a window leaves its first day where it was, as far as that still comes before."""
    names_the_end = entered.due_on is not None or entered.due_at is not None
    if entered.opens_on is not None or not names_the_end or deadline.opens_on is None:
        return entered
    kept = deadline.opens_on if deadline.opens_on <= entered.day(ground.calendar) else None
    return Dates(entered.due_on, entered.due_at, kept)


def read(field: str, text: str | None, longest: int = REASON_LENGTH) -> str | None:
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


def say(deadline: Deadline) -> dict[str, object]:
    """A date as the audit trail keeps it."""
    return {
        "kind": deadline.kind,
        "due": deadline.due_at or deadline.due_on,
        "opens_on": deadline.opens_on,
        "reason": deadline.reason,
        "done": deadline.done_at is not None,
    }
