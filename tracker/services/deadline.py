"""Set, move and finish dates. Every change plans the engagement's reminders anew, in the same transaction."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.deadline import KINDS, Dates, DeadlineKind, complete, may_finish
from tracker.domain.errors import EditedMeanwhile, Invalid, NotAllowed
from tracker.services.dating import REASON_LENGTH, checked_year, move_date, put_dates, read_words, say_state
from tracker.services.planning import ground_of, place_following, replan, take
from tracker.store import audit
from tracker.store import deadline as deadlines
from tracker.store import engagement as engagements
from tracker.store import person as people
from tracker.store import site as sites
from tracker.store.database import AnySession
from tracker.store.deadline import Deadline

TITLE_LENGTH = 200


@dataclass(frozen=True)
class DateSpec:
    """A date as somebody enters it."""

    kind: DeadlineKind
    dates: Dates
    site_id: UUID | None = None
    title: str | None = None
    reason: str | None = None
    owner_id: UUID | None = None


def set_date(session: AnySession, actor: Actor, engagement_id: UUID, spec: DateSpec, *, now: datetime) -> Deadline:
    """Enter a date that is not there yet; what follows from it is computed.

    Raises NotFound, NotAllowed, and Invalid at `kind`, `site_id`, `due_on` and the like.
    """
    engagement = engagements.get(session, actor, engagement_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    take(session, engagement)
    facts = KINDS[spec.kind]
    _check_site(session, actor, engagement_id, spec)
    title, reason = read_words("title", spec.title, TITLE_LENGTH), read_words("reason", spec.reason, REASON_LENGTH)
    existing = None if spec.kind is DeadlineKind.CUSTOM else deadlines.one(session, engagement_id, spec.site_id, spec.kind)
    if existing is not None and (existing.source == "manual" or existing.done_at is not None):
        raise Invalid.at("kind", f"{facts.title} is set already. Move that date instead.")
    if spec.kind is DeadlineKind.CUSTOM and not title:
        raise Invalid.at("title", "Say what this date is for.")
    if spec.owner_id is not None:
        people.get(session, spec.owner_id)
    anchor_day = spec.dates.due_on or spec.dates.opens_on or (spec.dates.due_at or now).date()
    ground = ground_of(session, engagement, around=[anchor_day])
    dates = complete(spec.kind, checked_year(spec.dates), ground.windows, ground.calendar)
    dates.check(ground.calendar)
    deadline = existing or Deadline(engagement_id=engagement_id, site_id=spec.site_id, kind=spec.kind, created_at=now)
    deadline.title, deadline.owner_id = title or facts.title, spec.owner_id
    put_dates(deadline, dates, reason, ground)
    if existing is not None:
        # It was counted from another date so far; from now on it is what somebody entered.
        existing.version += 1
    session.add(deadline)
    session.flush()
    place_following(session, deadline, ground, now=now)
    audit.record(session, actor, engagement_id, "deadline.set", ("deadline", deadline.id), say_state(deadline))
    replan(session, engagement, now=now)
    return deadline


def _check_site(session: AnySession, actor: Actor, engagement_id: UUID, spec: DateSpec) -> None:
    if spec.site_id is not None:
        if sites.get(session, actor, spec.site_id).engagement_id != engagement_id:
            raise Invalid.at("site_id", "That site belongs to another engagement.")
        if not KINDS[spec.kind].of_site and spec.kind is not DeadlineKind.CUSTOM:
            raise Invalid.at("site_id", f"{KINDS[spec.kind].title} is a date of the whole engagement. Leave the site empty.")
    elif KINDS[spec.kind].of_site:
        raise Invalid.at("site_id", f"{KINDS[spec.kind].title} is a date of one site. Choose which.")


@dataclass(frozen=True)
class DateChange:
    """What is to change about a date; what is None stays. `open_again` takes back that it was done."""

    version: int | None
    dates: Dates | None = None
    reason: str | None = None
    done_at: datetime | None = None
    open_again: bool = False

    @property
    def is_empty(self) -> bool:
        return self.dates is None and self.reason is None and self.done_at is None and not self.open_again


def change_date(session: AnySession, actor: Actor, deadline_id: UUID, change: DateChange, *, now: datetime) -> Deadline:
    """Move a date by hand, with a reason, or mark it done or open again.

    Raises NotFound, NotAllowed, EditedMeanwhile, and Invalid at `reason` where a date moves without one.
    """
    deadline = deadlines.get(session, actor, deadline_id)
    engagement = engagements.get(session, actor, deadline.engagement_id)
    take(session, engagement)
    session.refresh(deadline)
    _check_permitted(actor, deadline, change)
    if change.version is not None and change.version != deadline.version:
        raise EditedMeanwhile
    if change.is_empty:
        return deadline
    if change.dates is not None:
        move_date(session, deadline, change.dates, change.reason, engagement, now=now)
    elif change.reason is not None:
        deadline.reason = read_words("reason", change.reason, REASON_LENGTH)
    _finish(deadline, actor, change, now)
    deadline.version += 1
    session.flush()
    audit.record(session, actor, deadline.engagement_id, "deadline.changed", ("deadline", deadline.id), say_state(deadline))
    replan(session, engagement, now=now)
    return deadline


def _check_permitted(actor: Actor, deadline: Deadline, change: DateChange) -> None:
    """Managers change dates; who may say that one is done is a rule of its own."""
    if actor.may(Permission.EDIT_ENGAGEMENT):
        return
    kind, only_done = DeadlineKind(deadline.kind), change.dates is None and change.reason is None
    if not only_done or not may_finish(
        actor, kind, owner_id=deadline.owner_id, done_by=deadline.done_by, open_again=change.open_again
    ):
        raise NotAllowed


def _finish(deadline: Deadline, actor: Actor, change: DateChange, now: datetime) -> None:
    if change.done_at is not None and deadline.done_at is None:
        # Nothing is done in the future: a clock that is ahead of ours means now.
        deadline.done_at, deadline.done_by = min(change.done_at, now), actor.person_id
    elif change.open_again:
        deadline.done_at = deadline.done_by = None
