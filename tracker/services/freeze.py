"""Schedule a freeze, answer it as a named approver, and make exceptions from one that is on."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.deadline import EARLIEST_YEAR, LATEST_YEAR, Dates
from tracker.domain.errors import EditedMeanwhile, Guard, Invalid
from tracker.domain.freeze import ANSWERS, DATES, OVER_AT, RULES, FreezeAnswer, FreezeKind, FreezeState, ends_earlier
from tracker.domain.lifecycle import say_state
from tracker.domain.notice import Audience
from tracker.domain.workday import Calendar
from tracker.services import dating, freezing
from tracker.services.planning import replan, say_due, take
from tracker.services.telling import tell
from tracker.store import audit
from tracker.store import deadline as deadlines
from tracker.store import freeze as freezes
from tracker.store import site as sites
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.freeze import Freeze, FreezeOverride, FreezeRow
from tracker.store.site import Site

BY_FREEZE = "Set with the freeze."


@dataclass(frozen=True)
class FreezeSpec:
    """A freeze as somebody enters it. Without an end it holds to the launch, a content freeze to the verified cutover."""

    kind: FreezeKind
    starts_at: datetime
    ends_at: datetime | None = None
    reason: str | None = None
    override_reason: str | None = None


@dataclass(frozen=True)
class FreezeChange:
    """What is to change about a freeze; what is not named in `said` stays."""

    version: int | None
    said: frozenset[str]
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    reason: str | None = None
    override_reason: str | None = None


def schedule(session: AnySession, actor: Actor, site_id: UUID, spec: FreezeSpec, *, now: datetime) -> FreezeRow:
    """Set when a freeze of a site begins and ends; the date of its kind is made or moved.

    Raises NotFound, NotAllowed, Invalid at `starts_at` and `ends_at`, Guard for a site that is past it, and where the freeze
    is on already and no reason for an exception is given.
    """
    site, engagement = sites.get_with_engagement(session, actor, site_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    take(session, engagement)
    session.refresh(site)
    if site.stage in OVER_AT[spec.kind]:
        raise Guard(
            f"{site.name} is {say_state(site.stage)}: a {spec.kind.label.lower()} would have ended by now.",
            rule=RULES[spec.kind],
            missing=[],
        )
    _check_end(spec.starts_at, spec.ends_at)
    row = next((each for each in freezes.open_of_site(session, site_id) if each.freeze.kind == spec.kind), None)
    if row is not None and row.state(now) is not FreezeState.ENDED:
        change = FreezeChange(
            None, frozenset({"starts_at", "ends_at"}), spec.starts_at, spec.ends_at, spec.reason, spec.override_reason
        )
        return _change(session, actor, row, engagement, change, now)
    return _begin(session, actor, row.freeze if row else None, site, engagement, spec, now)


def _begin(
    session: AnySession, actor: Actor, past: Freeze | None, site: Site, engagement: Engagement, spec: FreezeSpec, now: datetime
) -> FreezeRow:
    """A freeze that was not there yet, or a further one after one whose end has come."""
    if past is not None:
        past.ended_at = past.ends_at
        session.flush()
    kind, asked = DATES[spec.kind], Dates(due_at=spec.starts_at)
    existing = deadlines.one(session, engagement.id, site.id, kind)
    if existing is None or existing.source == "computed":
        reason = dating.read("reason", spec.reason)
        date = dating.enter(session, actor, engagement, kind, asked, site_id=site.id, reason=reason, now=now)
    else:
        date = existing
        _move(session, actor, engagement, date.id, asked, spec.reason, None, now)
    freeze = Freeze(
        engagement_id=engagement.id, site_id=site.id, kind=spec.kind, deadline_id=date.id, ends_at=spec.ends_at, created_at=now
    )
    session.add(freeze)
    session.flush()
    _record(session, actor, freeze, "freeze.scheduled", {"starts_at": spec.starts_at, "ends_at": spec.ends_at})
    replan(session, engagement, now=now)
    return freezes.get(session, actor, freeze.id)


def change_freeze(session: AnySession, actor: Actor, freeze_id: UUID, change: FreezeChange, *, now: datetime) -> FreezeRow:
    """Move the start or the end of a freeze; one that is on needs the reason for an exception for it.

    Raises NotFound, NotAllowed, EditedMeanwhile, Guard for one that has ended, and Invalid at the field.
    """
    row = freezes.get(session, actor, freeze_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    take(session, row.engagement)
    session.refresh(row.freeze)
    if change.version is not None and change.version != row.freeze.version:
        raise EditedMeanwhile
    if row.state(now) is FreezeState.ENDED:
        raise Guard("This freeze has ended.", rule=RULES[FreezeKind(row.freeze.kind)], missing=[])
    return _change(session, actor, row, row.engagement, change, now)


def _change(
    session: AnySession, actor: Actor, row: FreezeRow, engagement: Engagement, change: FreezeChange, now: datetime
) -> FreezeRow:
    freeze = row.freeze
    ends_at = change.ends_at if "ends_at" in change.said else freeze.ends_at
    starts_at = change.starts_at if change.starts_at is not None else row.starts_at
    _check_end(starts_at, ends_at)
    if ends_earlier(freeze.ends_at, ends_at):
        zone = engagement.time_zone
        what = f"The {FreezeKind(freeze.kind).label.lower()} ends early: {say_due(Dates(due_at=ends_at), Calendar(zone), zone)}"
        freezing.must_override(session, actor, [row], what, change.override_reason, now=now)
    if starts_at != row.starts_at:
        asked = Dates(due_at=starts_at)
        _move(session, actor, engagement, freeze.deadline_id, asked, change.reason, change.override_reason, now)
    freeze.ends_at = ends_at
    freeze.version += 1
    session.flush()
    _record(session, actor, freeze, "freeze.changed", {"starts_at": starts_at, "ends_at": ends_at})
    replan(session, engagement, now=now)
    return freezes.get(session, actor, freeze.id)


def _move(
    session: AnySession,
    actor: Actor,
    engagement: Engagement,
    deadline_id: UUID,
    asked: Dates,
    reason: str | None,
    override_reason: str | None,
    now: datetime,
) -> None:
    """Move the date on which a freeze begins."""
    date = deadlines.get(session, actor, deadline_id)
    said = dating.read("reason", reason) or BY_FREEZE
    dating.move(session, actor, engagement, date, asked, said, override_reason=override_reason, now=now)
    # A freeze that begins anew is not over.
    date.done_at = date.done_by = None
    date.version += 1
    session.flush()
    audit.record(session, actor, engagement.id, "deadline.changed", ("deadline", date.id), dating.say(date))


def _check_end(starts_at: datetime, ends_at: datetime | None) -> None:
    """Raises Invalid at the field for absurd years and for an end that comes before the start."""
    for field, moment in (("starts_at", starts_at), ("ends_at", ends_at)):
        if moment is not None and not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
            raise Invalid.at(
                field, f"The year {moment.year:04d} is not plausible. Write a year from {EARLIEST_YEAR} to {LATEST_YEAR}."
            )
    if ends_at is not None and ends_at <= starts_at:
        raise Invalid.at("ends_at", "The end lies before the start.")


def acknowledge(
    session: AnySession,
    actor: Actor,
    freeze_id: UUID,
    said: FreezeAnswer,
    *,
    now: datetime,
    reason: str | None = None,
    version: int | None = None,
) -> FreezeRow:
    """Answer a freeze by name: freeze, or accept what follows from not freezing (BR-49, reading 7).

    The same again changes nothing; another answer than before needs a reason. Raises NotFound,
    NotAllowed, EditedMeanwhile, Guard for a freeze that has ended, and Invalid at `reason`.
    """
    row = freezes.get(session, actor, freeze_id)
    actor.must(Permission.SIGN)
    freeze, engagement = row.freeze, row.engagement
    take(session, engagement)
    session.refresh(freeze)
    if version is not None and version != freeze.version:
        raise EditedMeanwhile
    if row.state(now) is FreezeState.ENDED:
        raise Guard("This freeze has ended; there is nothing to answer.", rule="BR-49", missing=[])
    before = freeze.answer
    if before == said:
        return row
    why = None if before is None else freezing.read("reason", reason)
    freezing.answer(session, actor, freeze, row.site, said, now=now)
    session.flush()
    _record(session, actor, freeze, "freeze.answered", {"before": before, "answer": said, "reason": why})
    _tell(session, actor, row, said, now)
    replan(session, engagement, now=now)
    return freezes.get(session, actor, freeze_id)


def _tell(session: AnySession, actor: Actor, row: FreezeRow, said: FreezeAnswer, now: datetime) -> None:
    kind = FreezeKind(row.freeze.kind)
    tell(
        session,
        row.engagement,
        row.site,
        "freeze.answered",
        f"{row.freeze.id}:{row.freeze.version}",
        f"{actor.name} answered the {kind.label.lower()}",
        ANSWERS[kind][said],
        path=f"/sites/{row.site.id}/freezes#date-{row.freeze.deadline_id}",
        audience=Audience.INTERNAL,
        now=now,
    )


def override(
    session: AnySession, actor: Actor, freeze_id: UUID, what: str, reason: str, until: datetime | None, *, now: datetime
) -> FreezeOverride:
    """Make an exception from a freeze, with what may change and why; everybody reads it in the banner.

    Raises NotFound, NotAllowed, Guard for a freeze that has ended, and Invalid at the field.
    """
    row = freezes.get(session, actor, freeze_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    take(session, row.engagement)
    session.refresh(row.freeze)
    if row.state(now) is FreezeState.ENDED:
        raise Guard("This freeze has ended; it holds nobody up any more.", rule=RULES[FreezeKind(row.freeze.kind)], missing=[])
    if until is not None and not now < until <= now.replace(year=now.year + 1, day=min(now.day, 28)):
        raise Invalid.at("until", "Choose a moment within a year from now.")
    said, why = freezing.read("what", what), freezing.read("reason", reason)
    return freezing.add_override(session, actor, row.freeze, said, why, until, now=now)


def _record(session: AnySession, actor: Actor, freeze: Freeze, action: str, said: dict[str, object]) -> None:
    payload = {"kind": freeze.kind, "site_id": freeze.site_id} | said
    audit.record(session, actor, freeze.engagement_id, action, ("freeze", freeze.id), payload)
