"""The one booking path: every door comes through it, and a cap is taken by one conditional update.

Use cases share it; no edge calls it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from tracker.catalog.loader import pinned
from tracker.domain.access import Actor, Permission
from tracker.domain.budget import DRAWS_ON, PAID_AS, BudgetExceeded, BudgetKind, Part, WorkKind, rooms_for, spread, ways_on
from tracker.domain.errors import Guard, Invalid, NotFound, UnlistedSite
from tracker.domain.move import no_premium_extra
from tracker.domain.ps_block import say_lapsed_since
from tracker.domain.site import WORKABLE
from tracker.domain.time_entry import PS_KIND_OF_A_SPLIT, Work, say_long_day
from tracker.domain.workday import Calendar
from tracker.services.budget_level import tell_levels
from tracker.services.ps_term import lapse
from tracker.store import audit
from tracker.store import budget as budgets
from tracker.store import person as people
from tracker.store import ps_block as blocks
from tracker.store import time_entry as entries
from tracker.store.budget import Budget, Draw, Taken
from tracker.store.database import AnySession
from tracker.store.time_entry import Place, TimeEntry


@dataclass(frozen=True)
class Booked:
    """One entry, what it drew, and what whoever typed it should look at again."""

    entry: TimeEntry
    draws: list[Draw]
    warning: str | None = None


@dataclass(frozen=True)
class Origin:
    """Where an entry comes from, if it was not typed: the entry it was moved from, or the row of a file."""

    moved_from: UUID | None = None
    import_key: str | None = None


TYPED = Origin()


def book(
    session: AnySession, actor: Actor, work: Work, *, split: bool = False, origin: Origin = TYPED, now: datetime
) -> list[Booked]:
    """Book work on the budget its kind names; the first of the result is the entry itself, the others what was split off.

    Raises NotFound, NotAllowed, UnlistedSite (BR-01), Guard for a day whose hours are closed, Invalid at the field, and
    BudgetExceeded with what is left and the lawful moves (BR-03..BR-07), always before anything is written. With `split`,
    what does not fit goes on along the draw order; no minute is lost.
    """
    person_id, time_zone = _whose(session, actor, work)
    place = entries.place_of(session, actor, work.site_id, person_id, work.worked_on)
    actor.must(Permission.LOG_TIME)
    check_place(place)
    work = work.checked(today=Calendar(time_zone, frozenset()).local_date(now), signed_on=place.signed_on)
    check_open_day(place.locked_through, work.worked_on)
    check_known_issue(work, place)
    desk = _Desk(session, actor, place, person_id, origin, now)
    kind = DRAWS_ON[work.kind]
    if kind is None:
        return [desk.write(work, None)]
    if kind is BudgetKind.PS:
        lapse(session, place.engagement_id, place.time_zone, now=now)
    taken = budgets.take(session, kind, place.engagement_id, place.site_id, work.minutes)
    if taken is not None:
        return [desk.write(work, taken)]
    return _beyond(desk, work, kind, split)


def _whose(session: AnySession, actor: Actor, work: Work) -> tuple[UUID, str]:
    """Whose work it is and the zone of their days. Raises Invalid, and NotAllowed for who may log their own only."""
    assert actor.person_id is not None
    if work.person_id is None or work.person_id == actor.person_id:
        return actor.person_id, actor.time_zone
    actor.must(Permission.APPROVE_TIME)
    try:
        person = people.get(session, work.person_id)
    except NotFound:
        raise Invalid.at("person_id", "There is nobody of that id.") from None
    if person.customer_id is not None:
        raise Invalid.at("person_id", "Hours are logged for people of the team.")
    return person.id, person.time_zone


def check_place(place: Place) -> None:
    """Raises UnlistedSite and Guard where no work can be logged."""
    if place.listed_in_version is None and place.type == "self_service":
        raise UnlistedSite("This is a guided self-service migration: no hours come with it, so none can be logged.")
    if place.listed_in_version is None:
        raise UnlistedSite("This site is not in the agreed requirements, so no work can be logged on it.")
    if place.stage not in WORKABLE or place.status != "active":
        raise Guard("This site or its engagement is closed, on hold or withdrawn; no work can be logged.", rule="workable")


def check_open_day(locked_through: date | None, *days: date) -> None:
    """Raises Guard for a day whose hours are closed."""
    if locked_through is not None and any(day <= locked_through for day in days):
        message = f"The hours up to {locked_through.isoformat()} are closed. An engagement manager can open them again."
        raise Guard(message, rule="hours_locked")


def check_known_issue(work: Work, place: Place) -> None:
    """Raises Invalid at `known_issue_id` for an issue that the engagement's catalogue does not have for this system."""
    if work.known_issue_id is None:
        return
    known = pinned(place.catalogue_version)
    found = known.issues.get(work.known_issue_id)
    if found is None:
        message = f"There is no such known issue in catalogue {known.version}. Look it up under Catalogue, and copy its id."
        raise Invalid.at("known_issue_id", message)
    if found.cms != place.cms:
        raise Invalid.at("known_issue_id", "That known issue is of another system than this site's.")


@dataclass(frozen=True)
class _Desk:
    """What every entry of one booking has in common."""

    session: AnySession
    actor: Actor
    place: Place
    person_id: UUID
    origin: Origin
    now: datetime

    def write(self, work: Work, taken: Taken | None, *, split_from: UUID | None = None) -> Booked:
        """Write an entry, what it drew, and what of it is told."""
        engagement_id = self.place.engagement_id
        entry = entries.insert(
            self.session,
            engagement_id=engagement_id,
            site_id=work.site_id,
            person_id=self.person_id,
            worked_on=work.worked_on,
            minutes=work.minutes,
            kind=work.kind.value,
            activity=work.activity,
            known_issue_id=work.known_issue_id,
            ps_kind=work.ps_kind,
            note=work.note,
            state="draft",
            split_from_id=split_from,
            # A part that was split off belongs to its first part, which says where all of it comes from.
            moved_from_id=None if split_from else self.origin.moved_from,
            import_key=None if split_from else self.origin.import_key,
            created_at=self.now,
        )
        draws = taken.draws if taken is not None else []
        budgets.post(self.session, engagement_id, entry.id, draws, self.now)
        payload = {"minutes": work.minutes, "kind": work.kind, "site_id": work.site_id, "worked_on": work.worked_on}
        if self.person_id != self.actor.person_id:
            payload["person_id"] = self.person_id
        audit.record(self.session, self.actor, engagement_id, "time_entry.booked", ("time_entry", entry.id), payload)
        if taken is not None:
            tell_levels(self.session, engagement_id, taken, now=self.now)
        return Booked(entry, draws, say_long_day(work.worked_on, self.place.day_minutes + work.minutes))


def _beyond(desk: _Desk, work: Work, kind: BudgetKind, split: bool) -> list[Booked]:
    """The work does not fit its own budget: refuse with the ways on, or spread it over them."""
    place = desk.place
    payers: Mapping[BudgetKind, Budget] = budgets.of_site(desk.session, place.engagement_id, place.site_id)
    if kind not in payers:
        raise no_premium_extra()
    candidates = [room.kind for room in rooms_for(kind, dict.fromkeys(payers, 0))]
    left = {each: _room(desk, payers[each]) for each in candidates}
    rooms = rooms_for(kind, left)
    # Somebody may have given minutes back since the first try: then it fits after all.
    parts = spread(work.minutes, rooms) if split or left[kind] >= work.minutes else None
    if parts is None:
        raise BudgetExceeded(kind, left[kind], ways_on(work.minutes, rooms), note=_lapsed_since(desk, work, kind))
    booked: list[Booked] = []
    for part in parts:
        taken = budgets.take(desk.session, part.kind, place.engagement_id, place.site_id, part.minutes)
        assert taken is not None, "the rows are held"
        first = booked[0].entry.id if booked else None
        booked.append(desk.write(_share(work, part), taken, split_from=first))
    return booked


def _room(desk: _Desk, budget: Budget) -> int:
    """What a budget has left, its row held for this unit. What has ended of a pool lapses first."""
    left = budgets.hold(desk.session, budget)
    if budget.kind != BudgetKind.PS:
        return left
    lapse(desk.session, desk.place.engagement_id, desk.place.time_zone, now=desk.now)
    return budgets.hold(desk.session, budget)


def _lapsed_since(desk: _Desk, work: Work, kind: BudgetKind) -> str:
    """What is said of work that a block could have paid for on its day, had it been logged before the block ended."""
    if kind is not BudgetKind.PS:
        return ""
    return say_lapsed_since(
        (block.reference, block.expires_on, block.lapsed_minutes)
        for block in blocks.lapsed_after(desk.session, desk.place.engagement_id, work.worked_on)
    )


def _share(work: Work, part: Part) -> Work:
    """The part of some work that one budget pays for."""
    paid_as = PAID_AS[part.kind]
    ps_kind = (work.ps_kind or PS_KIND_OF_A_SPLIT) if paid_as is WorkKind.PS else work.ps_kind
    return replace(work, minutes=part.minutes, kind=paid_as, ps_kind=ps_kind)
