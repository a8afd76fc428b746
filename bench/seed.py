"""Fills a migrated database of ours with many engagements, in plain rows that keep every constraint and every kept sum.

Each engagement has what the program would have made of one that has been at work for a year: agreement, requirements, sites
with scope, budgets and their postings, dates, duties, people. Caps are far off, so that no load is ever refused; on the last
site of each they are the real ones. Audit chains are empty, and nothing waits in the outbox.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from bench import rows
from bench.rows import Row
from bench.shape import (
    ENTRIES,
    ITEMS,
    MANAGERS,
    SITES,
    SMALL_CUSTOMER,
    STAFF,
    Shape,
    crew_of,
    manager_of,
    minutes_of,
)
from tracker.domain.access import Role
from tracker.domain.budget import ALLOWANCE_MINUTES, MAX_BLOCK_MINUTES, PREMIUM_EXTRA_MINUTES
from tracker.domain.deadline import KINDS, DeadlineKind
from tracker.domain.duty import DUTIES, OF_ENGAGEMENT, OF_SITE
from tracker.store.audit import GENESIS, AuditChain
from tracker.store.budget import Budget, Posting, PsBlock
from tracker.store.database import Base
from tracker.store.deadline import Deadline
from tracker.store.duty import Duty
from tracker.store.engagement import Agreement, Customer, Engagement, Member
from tracker.store.identity import new_id
from tracker.store.person import TOKEN_PREFIX, ApiToken, LoginSession, Person, digest
from tracker.store.requirements import ProjectRequirements, Signature, document_digest
from tracker.store.scope import ScopeItem
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry

BATCH = 200  # engagements in one transaction
FAR_OFF = 1_000_000  # minutes: more than a load will ever book on one site
CAPPED_SITE = SITES - 1  # the site with the real allowance, on which no load books
UNSIGNED_EVERY, LATE_EVERY, PS_EVERY = 8, 10, 7
DRAFT_DAYS, SUBMITTED_DAYS = 7, 14  # what was worked so lately is not handed in, or not approved yet
# Dates of a site by how many days before its cutover they lie.
BEFORE_CUTOVER = {
    DeadlineKind.ACCESS: 45,
    DeadlineKind.CODE_FREEZE: 30,
    DeadlineKind.UAT: 15,
    DeadlineKind.CONTENT_FREEZE_NOTICE: 7,
    DeadlineKind.CONTENT_FREEZE: 2,
    DeadlineKind.DNS_CUTOVER: 0,
    DeadlineKind.HYPERCARE_END: -10,
}
FREEZES = (DeadlineKind.CODE_FREEZE, DeadlineKind.CONTENT_FREEZE)
DECISIONS = ("included", "included", "included", "out_of_scope")
# The order in which the tables refer to each other.
ORDER: tuple[type[Base], ...] = (
    Customer, Person, ApiToken, LoginSession, Engagement, Agreement, Member, Site, Budget, PsBlock, ScopeItem, TimeEntry, Posting,
    Deadline, Duty, ProjectRequirements, Signature, AuditChain,
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where a load may book: the sites of one engagement, and who works on it."""

    engagement_id: UUID
    site_ids: tuple[UUID, ...]
    tokens: tuple[str, ...]


@dataclass
class World:
    """What was laid: where to book, and for each role the secret of somebody's session in a browser."""

    shape: Shape
    places: list[Place] = field(default_factory=list)
    sessions: dict[Role, str] = field(default_factory=dict)


@dataclass
class _Seed:
    """The rows that are not written yet, and the ids that further ones refer to."""

    shape: Shape
    now: datetime
    staff: list[UUID] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    customers: dict[int, tuple[UUID, UUID]] = field(default_factory=dict)
    rows: dict[type[Base], list[Row]] = field(default_factory=lambda: {model: [] for model in ORDER})

    def add(self, model: type[Base], **values: Any) -> UUID:
        """Keep a row and return its id."""
        key = new_id()
        self.rows[model].append({"id": key, **values})
        return key

    def take(self) -> dict[type[Base], list[Row]]:
        """Hand over what was kept."""
        taken = self.rows
        self.rows = {model: [] for model in ORDER}
        return taken


def fill(engine: Engine, shape: Shape, now: datetime) -> World:
    """Fill an empty, migrated database, and let it measure its tables."""
    seed, world = _Seed(shape, now), World(shape)
    _lay_staff(seed, world)
    _lay_customers(seed, world)
    rows.write(engine, seed.take())
    numbers = iter(range(shape.engagements))
    while batch := list(islice(numbers, BATCH)):
        world.places += [_lay_engagement(seed, number) for number in batch]
        rows.write(engine, seed.take())
    _settle(engine)
    return world


def _settle(engine: Engine) -> None:
    """Do what a database that has grown over a year has had done to it."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "sqlite":
            raw: Any = connection.connection.driver_connection
            raw.execute("ANALYZE")
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            connection.execute(sa.text("VACUUM ANALYZE"))


# --- people ----------------------------------------------------------------------------------------------------------


def _role_of(number: int) -> Role:
    if number == 0:
        return Role.ADMIN
    return Role.ENGAGEMENT_MANAGER if number <= MANAGERS else Role.ENGINEER


def _lay_person(seed: _Seed, name: str, role: Role, customer_id: UUID | None) -> UUID:
    email = f"{name.replace(' ', '.').lower()}@example.com"
    return seed.add(
        Person, email=email, name=name, name_key=name.casefold(), role=role, customer_id=customer_id, created_at=seed.now
    )


def _sign_in(seed: _Seed, world: World, role: Role, person_id: UUID) -> None:
    secret = f"bench-session-{role}"
    world.sessions[role] = secret
    until = seed.now + timedelta(days=14)
    seed.add(
        LoginSession,
        person_id=person_id,
        token_hash=digest(secret),
        user_agent="bench",
        created_at=seed.now,
        expires_at=until,
    )


def _lay_staff(seed: _Seed, world: World) -> None:
    """Everybody of the staff with a token; the first of each role has a browser open."""
    for number in range(STAFF):
        role, token = _role_of(number), f"{TOKEN_PREFIX}bench-{number}"
        person_id = _lay_person(seed, f"Staff {number}", role, None)
        seed.staff.append(person_id)
        seed.tokens.append(token)
        scope = "admin" if role is Role.ADMIN else "write"
        seed.add(ApiToken, person_id=person_id, token_hash=digest(token), hint=token[-4:], scope=scope, created_at=seed.now)
        if role not in world.sessions:
            _sign_in(seed, world, role, person_id)


def _lay_customers(seed: _Seed, world: World) -> None:
    """One large customer, who has a browser open, and many small ones; of each an approver and a viewer."""
    for number in sorted({_customer_of(seed.shape, each) for each in range(seed.shape.engagements)}):
        name = f"Customer {number}"
        customer_id = seed.add(Customer, name=name, name_key=name.casefold(), country=("DE", "US", None)[number % 3])
        approver = _lay_person(seed, f"Approver {number}", Role.CUSTOMER_APPROVER, customer_id)
        viewer = _lay_person(seed, f"Viewer {number}", Role.CUSTOMER_VIEWER, customer_id)
        seed.customers[number] = customer_id, approver
        if number == 0:
            _sign_in(seed, world, Role.CUSTOMER_APPROVER, approver)
            _sign_in(seed, world, Role.CUSTOMER_VIEWER, viewer)


def _customer_of(shape: Shape, engagement: int) -> int:
    small = engagement - shape.of_big_customer
    return 0 if small < 0 else 1 + small // SMALL_CUSTOMER


# --- one engagement --------------------------------------------------------------------------------------------------


def _lay_engagement(seed: _Seed, number: int) -> Place:
    customer_id, approver = seed.customers[_customer_of(seed.shape, number)]
    name = f"Migration {number * 7919 % 10_007:05}"
    key = new_id()
    sites = [_lay_site(seed, key, number, each) for each in range(SITES)]
    dates = [*_dates_of_engagement(seed, number), *(each for site in range(SITES) for each in _dates_of_site(seed, number, site))]
    seed.rows[Engagement].append(
        {
            "id": key, "customer_id": customer_id, "name": name, "name_key": name.casefold(), "type": "managed",
            "time_zone": "Europe/Berlin", "slack_channel": f"C{number:05}", "internal_slack_channel": None,
            "manager_id": seed.staff[manager_of(number)], "account_rep": None, "requirements_version": 1,
            "next_on": _next_on(seed, dates), "created_at": seed.now,
        }
    )  # fmt: skip
    seed.add(
        Agreement, engagement_id=key, reference=f"SOW-{number}", signed_on=seed.shape.signed_on, uat_business_days=5,
        cutover_business_days=2, hypercare_business_days=10, uat_silence="hold", catalogue_version=1,
    )  # fmt: skip
    # The first engineer is on every engagement, so that what grows with a person's assignments is seen.
    for member in sorted({1 + MANAGERS, *crew_of(number)[1:]}):
        seed.add(Member, engagement_id=key, person_id=seed.staff[member], joined_at=seed.now)
    _lay_hours(seed, key, number, sites)
    _lay_dates(seed, key, sites, dates, approver)
    _lay_requirements(seed, key, number, name, sites, approver)
    seed.rows[AuditChain].append({"chain": str(key), "seq": 0, "hash": GENESIS})
    return Place(key, tuple(sites[:CAPPED_SITE]), tuple(seed.tokens[each] for each in crew_of(number)))


def _lay_site(seed: _Seed, engagement_id: UUID, number: int, site: int) -> UUID:
    name, address = f"Shop {number} {site}", f"s{site}.e{number}.example.com"
    premium = "extra-hours-10" if site == 0 else None
    site_id = seed.add(
        Site, engagement_id=engagement_id, name=name, name_key=name.casefold(), url=f"https://{address}", url_key=address,
        cms=("wordpress", "drupal")[site % 2], plan="performance_m", package="premium" if premium else "standard",
        premium_option=premium, facts={}, fact_sources={}, stage=_stage(seed.shape.due_in(number, site)), listed_in_version=1,
        created_at=seed.now,
    )  # fmt: skip
    for item in range(ITEMS // SITES):
        decision = DECISIONS[item % len(DECISIONS)]
        seed.add(
            ScopeItem, engagement_id=engagement_id, site_id=site_id, item=f"item-{item}", title=f"Thing {item} of the offering",
            category="included" if decision == "included" else "out_of_scope", decision=decision, clause="Catalogue 1",
            source="offering", route=None, reason="Part of every migration.", decided_at=seed.now,
            work_state="done" if item == 0 else "planned", created_at=seed.now,
        )  # fmt: skip
    return site_id


def _stage(days_left: int) -> str:
    """How far a site is, by the days until its cutover; none is closed, for work is logged on all of them."""
    if days_left < 0:
        return "hypercare"
    return "uat_accepted" if days_left < 15 else "migrating" if days_left < 60 else "qualified"


def _lay_requirements(seed: _Seed, engagement_id: UUID, number: int, name: str, sites: list[UUID], approver: UUID) -> None:
    """The agreed list of sites; most customers have signed it."""
    kept = {each["id"]: each for each in seed.rows[Site][-SITES:]}
    fields = ("name", "url", "cms", "package", "premium_option")
    listed = [
        {
            "id": str(site),
            **{each: kept[site][each] for each in fields},
            "multisite_decision": None,
            "budgets": {"known_incompatibility": ALLOWANCE_MINUTES},
        }
        for site in sites
    ]
    document = {"engagement": name, "version": 1, "sites": listed}
    hashed, by = document_digest(document), seed.staff[manager_of(number)]
    seed.add(
        ProjectRequirements,
        engagement_id=engagement_id,
        version=1,
        document=document,
        hash=hashed,
        agreed_at=seed.now,
        agreed_by=by,
    )
    if number % UNSIGNED_EVERY:
        about = {"engagement_id": engagement_id, "site_id": None, "subject": "requirements", "hash": hashed}
        seed.add(Signature, **about, signed_by=approver, signed_at=seed.now)


# --- hours -----------------------------------------------------------------------------------------------------------


@dataclass
class _Counter:
    """A budget before it is written: what its postings will add up to."""

    id: UUID = field(default_factory=new_id)
    booked: int = 0
    approved: int = 0


def _lay_hours(seed: _Seed, engagement_id: UUID, number: int, sites: list[UUID]) -> None:
    """Thirty entries with their postings, and the counters that add up to them."""
    allowances, pool, block = [_Counter() for _ in sites], _Counter(), _Counter()
    for entry in range(ENTRIES):
        place = entry % SITES
        is_ps = entry % PS_EVERY == 0 and place != CAPPED_SITE
        minutes, state = minutes_of(number, entry), _state(seed, number, entry)
        entry_id = _lay_entry(seed, engagement_id, number, entry, sites[place], is_ps=is_ps, state=state)
        site_id, block_id = (None, block.id) if is_ps else (sites[place], None)
        moved = pool if is_ps else allowances[place]
        steps = [(minutes, 0), (0, minutes)] if state == "approved" else [(minutes, 0)]
        for booked, approved in steps:
            seed.add(
                Posting, engagement_id=engagement_id, entry_id=entry_id, site_id=site_id, budget_id=moved.id, block_id=block_id,
                minutes=booked, approved_minutes=approved, at=seed.now,
            )  # fmt: skip
            for counter in (moved, block) if is_ps else (moved,):
                counter.booked += booked
                counter.approved += approved
    for site, (site_id, counter) in enumerate(zip(sites, allowances, strict=True)):
        limit = ALLOWANCE_MINUTES if site == CAPPED_SITE else FAR_OFF
        _lay_budget(seed, engagement_id, site_id, "known_incompatibility", limit, counter)
    _lay_budget(seed, engagement_id, sites[0], "premium_extra", PREMIUM_EXTRA_MINUTES, _Counter())
    _lay_budget(seed, engagement_id, None, "ps", MAX_BLOCK_MINUTES, pool)
    seed.rows[PsBlock].append(
        {
            "id": block.id, "engagement_id": engagement_id, "limit_minutes": MAX_BLOCK_MINUTES, "booked": block.booked,
            "approved": block.approved, "reference": f"Q-{number}", "purchased_on": seed.shape.signed_on, "created_at": seed.now,
        }
    )  # fmt: skip


def _lay_budget(seed: _Seed, engagement_id: UUID, site_id: UUID | None, kind: str, limit: int, counter: _Counter) -> None:
    seed.rows[Budget].append(
        {
            "id": counter.id, "engagement_id": engagement_id, "site_id": site_id, "kind": kind, "limit_minutes": limit,
            "booked": counter.booked, "approved": counter.approved,
        }
    )  # fmt: skip


def _lay_entry(seed: _Seed, engagement_id: UUID, number: int, entry: int, site_id: UUID, *, is_ps: bool, state: str) -> UUID:
    crew = crew_of(number)
    decided = state != "draft"
    return seed.add(
        TimeEntry, engagement_id=engagement_id, site_id=site_id, person_id=seed.staff[crew[entry % len(crew)]],
        worked_on=seed.shape.worked_on(number, entry), minutes=minutes_of(number, entry),
        kind="ps" if is_ps else "known_incompatibility", activity=None if is_ps else "research",
        ps_kind="custom-upstream" if is_ps else None, note="Found the cause, wrote it down.", state=state, created_at=seed.now,
        decided_by=seed.staff[crew[0]] if decided else None, decided_at=seed.now if decided else None,
    )  # fmt: skip


def _state(seed: _Seed, number: int, entry: int) -> str:
    days_ago = (seed.shape.today - seed.shape.worked_on(number, entry)).days
    if days_ago <= DRAFT_DAYS:
        return "draft"
    return "submitted" if days_ago <= SUBMITTED_DAYS else "approved"


# --- dates and duties ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Date:
    """One date before it is written; `site` is its place in the list, None for the engagement's own."""

    site: int | None
    kind: DeadlineKind
    day: date
    done: bool


def _dates_of_engagement(seed: _Seed, number: int) -> Iterable[_Date]:
    kickoff = seed.shape.signed_on + timedelta(days=14 + number % 10)
    for kind in (DeadlineKind.KICKOFF, DeadlineKind.INVENTORY, DeadlineKind.JOIN_CHANNEL):
        yield _Date(None, kind, kickoff, done=True)


def _dates_of_site(seed: _Seed, number: int, site: int) -> Iterable[_Date]:
    """What is past is done, but for a site here and there that is late with its acceptance test."""
    cutover = seed.shape.today + timedelta(days=seed.shape.due_in(number, site))
    is_late = (number + site) % LATE_EVERY == 0 and seed.shape.due_in(number, site) >= 0
    for kind, days in BEFORE_CUTOVER.items():
        day = cutover - timedelta(days=days)
        done = day < seed.shape.today and kind not in FREEZES and not (is_late and kind is DeadlineKind.UAT)
        yield _Date(site, kind, day, done or (seed.shape.due_in(number, site) < 0 and kind in FREEZES))


def _next_on(seed: _Seed, dates: list[_Date]) -> date | None:
    """The earliest open date; a freeze that has begun is none."""
    still_open = (each for each in dates if not each.done and not (each.kind in FREEZES and each.day < seed.shape.today))
    return min((each.day for each in still_open), default=None)


def _lay_dates(seed: _Seed, engagement_id: UUID, sites: list[UUID], dates: list[_Date], approver: UUID) -> None:
    """Dates, and on those that are the customer's the duty that hangs on each."""
    ids: dict[tuple[int | None, DeadlineKind], UUID] = {}
    for each in dates:
        done_at = _noon(each.day) if each.done else None
        ids[each.site, each.kind] = seed.add(
            Deadline, engagement_id=engagement_id, site_id=None if each.site is None else sites[each.site], kind=each.kind,
            title=KINDS[each.kind].title, due_on=each.day, day=each.day, source="manual", done_at=done_at,
            done_by=approver if each.done else None, created_at=seed.now,
        )  # fmt: skip
    done = {(each.site, each.kind): each.day for each in dates if each.done}
    for site, kinds in ((None, OF_ENGAGEMENT), *((each, OF_SITE) for each in range(len(sites)))):
        for kind in kinds:
            hung_on = (site, DUTIES[kind].deadline)
            day = done.get(hung_on)
            seed.add(
                Duty, engagement_id=engagement_id, site_id=None if site is None else sites[site], kind=kind,
                title=KINDS[DUTIES[kind].deadline].title, owner_id=None, deadline_id=ids[hung_on],
                state="done" if day else "open", done_at=_noon(day) if day else None, done_by=approver if day else None,
                created_at=seed.now,
            )  # fmt: skip


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)
