"""Book work on its budget, and carry an entry through submission, approval, rejection and reversal.

There is one booking path for every door. A cap is taken by one conditional update, never by reading and then writing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from tracker.catalog.loader import pinned
from tracker.domain.access import Actor, Permission
from tracker.domain.budget import (
    DRAWS_ON,
    PAID_AS,
    BudgetExceeded,
    BudgetKind,
    Part,
    WorkKind,
    rooms_for,
    spread,
    ways_on,
)
from tracker.domain.catalogue import Catalogue
from tracker.domain.errors import FieldError, Guard, Invalid, NotAllowed, UnlistedSite
from tracker.domain.lifecycle import advance
from tracker.domain.site import WORKABLE
from tracker.domain.time_entry import ENTRY_LIFECYCLE, PS_KIND_OF_A_SPLIT, REASON_LENGTH, Work, read_remark
from tracker.domain.workday import Calendar
from tracker.store import audit
from tracker.store import budget as budgets
from tracker.store import engagement as engagements
from tracker.store import site as sites
from tracker.store import time_entry as entries
from tracker.store.budget import Budget, Draw
from tracker.store.database import AnySession
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry


@dataclass(frozen=True)
class Booked:
    """One entry and what it drew."""

    entry: TimeEntry
    draws: list[Draw]


def book(session: AnySession, actor: Actor, work: Work, *, split: bool = False, now: datetime) -> list[Booked]:
    """Book work on the budget its kind names; the first of the result is the entry itself, the others what was split off.

    Raises NotFound, NotAllowed, UnlistedSite (BR-01), Invalid at the field, and BudgetExceeded with what is left and
    the lawful moves (BR-03..BR-07). With `split`, what does not fit goes on along the draw order; no minute is lost.
    """
    site, engagement = sites.get_with_engagement(session, actor, work.site_id)
    actor.must(Permission.LOG_TIME)
    if site.listed_in_version is None and engagement.type == "self_service":
        raise UnlistedSite("This is a guided self-service migration: no hours come with it, so none can be logged.")
    if site.listed_in_version is None:
        raise UnlistedSite("This site is not in the agreed requirements, so no work can be logged on it.")
    if site.stage not in WORKABLE or engagement.status != "active":
        raise Guard("This site or its engagement is closed, on hold or withdrawn; no work can be logged.", rule="workable")
    agreement = engagements.agreement_of(session, engagement.id)
    today = Calendar(actor.time_zone, frozenset()).local_date(now)
    work = work.checked(today=today, signed_on=agreement.signed_on if agreement else None)
    _check_known_issue(work, site, pinned(agreement.catalogue_version if agreement else None))
    kind = DRAWS_ON[work.kind]
    if kind is None:
        return [_write(session, actor, engagement.id, work, [], now)]
    payers = budgets.of_site(session, engagement.id, site.id)
    if kind not in payers:
        raise Invalid([FieldError("kind", "This site has no Premium extra hours. Log work on its Premium option as included.")])
    draws = budgets.take(session, payers[kind], work.minutes)
    if draws is not None:
        return [_write(session, actor, engagement.id, work, draws, now)]
    return _beyond(session, actor, work, payers, kind, split, now)


def _check_known_issue(work: Work, site: Site, known: Catalogue) -> None:
    """Raises Invalid at `known_issue_id` for an issue that the engagement's catalogue does not have for this system."""
    if work.known_issue_id is None:
        return
    found = known.issues.get(work.known_issue_id)
    if found is None:
        message = f"There is no such known issue in catalogue {known.version}. Look it up under Catalogue, and copy its id."
        raise Invalid.at("known_issue_id", message)
    if found.cms != site.cms:
        raise Invalid.at("known_issue_id", "That known issue is of another system than this site's.")


def _beyond(
    session: AnySession,
    actor: Actor,
    work: Work,
    payers: dict[BudgetKind, Budget],
    kind: BudgetKind,
    split: bool,
    now: datetime,
) -> list[Booked]:
    """The work does not fit its own budget: refuse with the ways on, or spread it over them."""
    candidates = [room.kind for room in rooms_for(kind, dict.fromkeys(payers, 0))]
    left = {each: budgets.hold(session, payers[each]) for each in candidates}
    rooms = rooms_for(kind, left)
    # Somebody may have given minutes back since the first try: then it fits after all.
    parts = spread(work.minutes, rooms) if split or left[kind] >= work.minutes else None
    if parts is None:
        raise BudgetExceeded(kind, left[kind], ways_on(work.minutes, rooms))
    booked: list[Booked] = []
    for part in parts:
        draws = budgets.take(session, payers[part.kind], part.minutes)
        assert draws is not None, "the rows are held"
        first = booked[0].entry.id if booked else None
        booked.append(_write(session, actor, payers[kind].engagement_id, _share(work, part), draws, now, split_from=first))
    return booked


def _share(work: Work, part: Part) -> Work:
    """The part of some work that one budget pays for."""
    paid_as = PAID_AS[part.kind]
    ps_kind = (work.ps_kind or PS_KIND_OF_A_SPLIT) if paid_as is WorkKind.PS else work.ps_kind
    return replace(work, minutes=part.minutes, kind=paid_as, ps_kind=ps_kind)


def _write(
    session: AnySession,
    actor: Actor,
    engagement_id: UUID,
    work: Work,
    draws: Sequence[Draw],
    now: datetime,
    *,
    split_from: UUID | None = None,
) -> Booked:
    assert actor.person_id is not None
    entry = TimeEntry(
        engagement_id=engagement_id,
        site_id=work.site_id,
        person_id=actor.person_id,
        worked_on=work.worked_on,
        minutes=work.minutes,
        kind=work.kind,
        activity=work.activity,
        known_issue_id=work.known_issue_id,
        ps_kind=work.ps_kind,
        note=work.note,
        state="draft",
        split_from_id=split_from,
        created_at=now,
    )
    session.add(entry)
    session.flush()
    budgets.post(session, engagement_id, entry.id, draws, now)
    payload = {"minutes": work.minutes, "kind": work.kind, "site_id": work.site_id, "worked_on": work.worked_on}
    audit.record(session, actor, engagement_id, "time_entry.booked", ("time_entry", entry.id), payload)
    return Booked(entry, list(draws))


def submit(session: AnySession, actor: Actor, entry_id: UUID, *, now: datetime) -> TimeEntry:
    """Hand a draft in for approval. Raises NotFound, NotAllowed for somebody else's, Guard from another state."""
    entry = entries.get(session, actor, entry_id, for_update=True)
    actor.must(Permission.LOG_TIME)
    _check_own(actor, entry)
    return _step(session, actor, entry, "submitted", now, None)


def approve(session: AnySession, actor: Actor, entry_id: UUID, *, now: datetime) -> TimeEntry:
    """Accept a submitted entry: its minutes turn from held to used. Raises NotFound, NotAllowed, Guard."""
    entry = entries.get(session, actor, entry_id, for_update=True)
    actor.must(Permission.APPROVE_TIME)
    _step(session, actor, entry, "approved", now, None)
    drawn = budgets.drawn_by(session, [entry.id])[entry.id]
    _move(session, entry, [replace(draw, minutes=0, approved=draw.minutes) for draw in drawn], now)
    return entry


def reject(session: AnySession, actor: Actor, entry_id: UUID, reason: str, *, now: datetime) -> TimeEntry:
    """Turn a submitted entry down, with a reason: its minutes are free again. Raises NotFound, NotAllowed, Guard, Invalid."""
    entry = entries.get(session, actor, entry_id, for_update=True)
    actor.must(Permission.APPROVE_TIME)
    reason = read_remark("reason", reason, REASON_LENGTH)
    if not reason:
        raise Invalid.at("reason", "Say why, so that it can be logged right.")
    _step(session, actor, entry, "rejected", now, reason)
    drawn = budgets.drawn_by(session, [entry.id])[entry.id]
    _move(session, entry, [replace(draw, minutes=-draw.minutes, approved=0) for draw in drawn], now)
    return entry


def reverse(session: AnySession, actor: Actor, entry_id: UUID, reason: str | None, *, now: datetime) -> Booked:
    """Take an entry back by an entry of its own with the opposite minutes; its budget is as it was before.

    Whoever logged it may reverse it until it is approved, managers always. Raises NotFound, NotAllowed, Guard for an
    entry that is reversed, rejected or itself a reversal, Invalid at `reason`.
    """
    entry = entries.get(session, actor, entry_id, for_update=True)
    actor.must(Permission.LOG_TIME)
    if not actor.may(Permission.APPROVE_TIME):
        _check_own(actor, entry)
        if entry.state == "approved":
            raise NotAllowed("An approved entry is reversed by an engagement manager.")
    reason = read_remark("reason", reason or "", REASON_LENGTH) or None
    drawn = budgets.drawn_by(session, [entry.id])[entry.id]
    _step(session, actor, entry, "reversed", now, reason)
    back = [replace(draw, minutes=-draw.minutes, approved=-draw.approved) for draw in drawn]
    assert actor.person_id is not None
    reversal = TimeEntry(
        engagement_id=entry.engagement_id,
        site_id=entry.site_id,
        person_id=entry.person_id,
        worked_on=entry.worked_on,
        minutes=-entry.minutes,
        kind=entry.kind,
        activity=entry.activity,
        known_issue_id=entry.known_issue_id,
        ps_kind=entry.ps_kind,
        note=reason or f"Reverses the entry of {entry.worked_on.isoformat()}.",
        state="reversal",
        reverses_id=entry.id,
        created_at=now,
        decided_by=actor.person_id,
        decided_at=now,
    )
    session.add(reversal)
    session.flush()
    _move(session, reversal, back, now)
    return Booked(reversal, back)


def _check_own(actor: Actor, entry: TimeEntry) -> None:
    if entry.person_id != actor.person_id and not actor.may(Permission.APPROVE_TIME):
        raise NotAllowed("That entry is somebody else's.")


def _step(session: AnySession, actor: Actor, entry: TimeEntry, to: str, now: datetime, reason: str | None) -> TimeEntry:
    entry.state = advance(ENTRY_LIFECYCLE, entry.state, to)
    entry.decided_by, entry.decided_at, entry.decision_reason = actor.person_id, now, reason
    session.flush()
    audit.record(
        session,
        actor,
        entry.engagement_id,
        f"time_entry.{to}",
        ("time_entry", entry.id),
        {"reason": reason} if reason else {},
    )
    return entry


def _move(session: AnySession, entry: TimeEntry, draws: Sequence[Draw], now: datetime) -> None:
    budgets.move(session, draws)
    budgets.post(session, entry.engagement_id, entry.id, draws, now)
