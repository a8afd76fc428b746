"""A believable installation for browser tests and pictures: people, three engagements, hours near a cap, dates."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tracker.clock import utc_now
from tracker.domain.access import SYSTEM, Actor
from tracker.domain.budget import WorkKind
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.duty import DutyState
from tracker.domain.engagement import Windows
from tracker.domain.freeze import FreezeAnswer, FreezeKind
from tracker.domain.time_entry import Work
from tracker.domain.uat import DefectClass, DefectState
from tracker.edge.password import hash_password
from tracker.edge.work import work
from tracker.services import budget, deadline, duty, engagement, freeze, person, requirements, site, time_entry, uat
from tracker.services.budget import BlockSpec
from tracker.services.deadline import DateChange, DateSpec
from tracker.services.duty import DutyChange
from tracker.services.engagement import AgreementSpec, EngagementSpec
from tracker.services.freeze import FreezeSpec
from tracker.services.person import OwnChange, PersonSpec
from tracker.services.site import SiteChange
from tracker.services.uat import DefectChange
from tracker.store import deadline as deadlines
from tracker.store import duty as duties
from tracker.store import person as people
from tracker.store.database import db

PASSWORD = "correct horse battery"
ADMIN, MANAGER, ENGINEER, APPROVER, VIEWER = (
    "ada@example.com",
    "jonas@example.com",
    "mei@example.com",
    "priya@northwind.example",
    "tom@northwind.example",
)


@dataclass(frozen=True)
class Scene:
    """The ids a test needs to find its way."""

    engagement_id: UUID
    site_id: UUID
    draft_engagement_id: UUID
    deadline_id: UUID
    duty_id: UUID
    freeze_id: UUID
    round_id: UUID
    defect_id: UUID


def lay() -> Scene:
    """Lay the whole scene, as of today."""
    who = _people()
    museum = _museum(who)
    _bakery(who)
    draft = _draft(who)
    duties_of = _duties(who, museum[0], museum[1])
    return Scene(*museum[:2], draft, museum[2], *duties_of)


def _people() -> dict[str, Actor]:
    specs = (
        PersonSpec(ADMIN, "Ada Okafor", "admin", time_zone="Europe/Berlin"),
        PersonSpec(MANAGER, "Jonas Weber", "engagement_manager", time_zone="Europe/Berlin"),
        PersonSpec(ENGINEER, "Mei Lindqvist", "engineer", time_zone="Europe/Stockholm"),
        PersonSpec(APPROVER, "Priya Nair", "customer_approver", "Northwind Museums", "U7PRIYA", "Europe/London"),
        PersonSpec(VIEWER, "Tom Baker", "customer_viewer", "Northwind Museums"),
    )
    hashed = hash_password(PASSWORD)
    actors: dict[str, Actor] = {}
    for spec in specs:
        with work():
            added = person.add_person(db.session, SYSTEM, spec, now=utc_now())
            actors[spec.email] = people.actor_of(db.session, added)
            person.edit_self(db.session, actors[spec.email], OwnChange(password_hash=hashed), now=utc_now())
    return actors


def _spec(name: str, customer: str, **over: object) -> EngagementSpec:
    today = utc_now().date()
    values: dict[str, object] = {
        "name": name,
        "customer": customer,
        "time_zone": "Europe/London",
        "country": "GB",
        "agreement": AgreementSpec("SOW-2026-118", today - timedelta(days=60), Windows(uat=8, cutover=2, hypercare=10)),
        "slack_channel": "C0NORTHWIND",
        "internal_slack_channel": "C0MIGRATION",
        "kickoff_on": today - timedelta(days=17),
        "manager": MANAGER,
        "account_rep": "Lena Fischer",
    }
    return EngagementSpec(**(values | over))  # type: ignore[arg-type]


def _site(who: Actor, engagement_id: UUID, name: str, url: str, **over: object) -> UUID:
    values = {"name": name, "url": url, "cms": "wordpress", "cms_version": "6.7", "plan": "performance_m"} | over
    with work():
        return site.add_site(db.session, who, engagement_id, SiteChange(values), now=utc_now()).id


def _log(who: Actor, site_id: UUID, minutes: int, note: str, *, days_ago: int = 1, upto: str = "draft", **over: object) -> None:
    now = utc_now()
    said: dict[str, object] = {"kind": WorkKind.ALLOWANCE, "activity": "research"} | over
    stated = Work(site_id=site_id, worked_on=now.date() - timedelta(days=days_ago), minutes=minutes, note=note, **said)  # type: ignore[arg-type]
    with work():
        entry = time_entry.book(db.session, who, stated, now=now)[0].entry
        if upto in ("submitted", "approved"):
            time_entry.submit(db.session, who, entry.id, now=now)
        if upto == "approved":
            time_entry.approve(db.session, SYSTEM, entry.id, now=now)


def _dates(who: Actor, engagement_id: UUID, *specs: tuple[DeadlineKind, UUID | None, Dates]) -> list[UUID]:
    made = []
    for kind, site_id, dates in specs:
        with work():
            made.append(deadline.set_date(db.session, who, engagement_id, DateSpec(kind, dates, site_id), now=utc_now()).id)
    return made


def _museum(who: dict[str, Actor]) -> tuple[UUID, UUID, UUID]:
    manager, engineer = who[MANAGER], who[ENGINEER]
    with work():
        made = engagement.create_engagement(
            db.session, manager, _spec("Three-site migration", "Northwind Museums"), now=utc_now()
        )
        engagement.add_member(db.session, manager, made.id, engineer.person_id, now=utc_now())  # type: ignore[arg-type]
    www = _site(manager, made.id, "www", "https://www.northwind.example")
    shop = _site(manager, made.id, "shop", "https://shop.northwind.example", package="premium", premium_option="extra-hours-10")
    archive = _site(
        manager, made.id, "archive", "https://archive.northwind.example", cms="drupal", cms_version="10.3", plan="basic"
    )
    with work():
        agreed = requirements.agree_requirements(db.session, manager, made.id, now=utc_now())
        requirements.sign(db.session, who[APPROVER], made.id, "requirements", agreed.hash, now=utc_now())
    for kind in ("inventory", "kickoff"):
        _finish(manager, made.id, kind)
    for stage in ("qualified", "migrating", "migrated", "remediating", "ready_for_uat", "in_uat"):
        for each in (www, shop):
            with work():
                site.move_site(db.session, manager, each, stage, now=utc_now())
    with work():
        spec = BlockSpec(480, "Q-2210 cron module and S3", utc_now().date() - timedelta(days=9))
        budget.sell_block(db.session, manager, made.id, spec, now=utc_now())
    _hours(engineer, www, shop, archive)
    today = utc_now().date()
    cutover = datetime.combine(today + timedelta(days=19), datetime.min.time()).astimezone().replace(hour=16)
    (uat, *_rest) = _dates(
        manager,
        made.id,
        (DeadlineKind.UAT, www, Dates(due_on=today + timedelta(days=6))),
        (DeadlineKind.UAT, shop, Dates(due_on=today - timedelta(days=2))),
        (DeadlineKind.CODE_FREEZE, www, Dates(due_on=today - timedelta(days=8))),
        (DeadlineKind.DNS_CUTOVER, www, Dates(due_at=cutover)),
    )
    return made.id, shop, uat


def _finish(manager: Actor, engagement_id: UUID, kind: str) -> None:
    found = deadlines.one(db.session, engagement_id, None, kind)
    assert found is not None
    deadline_id = found.id
    with work():
        deadline.change_date(db.session, manager, deadline_id, DateChange(None, done_at=utc_now()), now=utc_now())


def _hours(engineer: Actor, www: UUID, shop: UUID, archive: UUID) -> None:
    _log(engineer, www, 135, "Yoast indexables stalled the import; found the known workaround", days_ago=6, upto="approved")
    _log(engineer, www, 60, "Redirect loop with the primary domain", days_ago=3, upto="submitted")
    solved = {"activity": "known_solution", "known_issue_id": "wp-accessally-protected-content"}
    _log(engineer, shop, 225, "Moved protected content into the uploads tree", days_ago=5, upto="approved", **solved)
    _log(engineer, shop, 60, "WooCommerce sessions behind the page cache", days_ago=2, upto="submitted")
    _log(engineer, archive, 90, "Which Solr schema is live? Compared both", days_ago=1)
    _log(
        engineer,
        shop,
        150,
        "Cron module for stock sync",
        days_ago=2,
        upto="approved",
        kind=WorkKind.PS,
        activity=None,
        ps_kind="cron-custom-module",
    )


def _bakery(who: dict[str, Actor]) -> None:
    manager = who[MANAGER]
    today = utc_now().date()
    spec = _spec(
        "Bakery relaunch", "Blé & Miel Boulangerie", time_zone="Europe/Paris", country="FR", kickoff_on=today + timedelta(days=12)
    )
    with work():
        made = engagement.create_engagement(db.session, manager, spec, now=utc_now())
    _site(manager, made.id, "Boutique", "https://boutique.ble-miel.example")
    with work():
        requirements.agree_requirements(db.session, manager, made.id, now=utc_now())


def _draft(who: dict[str, Actor]) -> UUID:
    spec = _spec(
        "مكتبة 📚 Digital library", "Al-Noor Library", time_zone="Asia/Dubai", country="AE", kickoff_on=None, slack_channel=None
    )
    with work():
        return engagement.create_engagement(db.session, who[MANAGER], spec, now=utc_now()).id


def _duties(who: dict[str, Actor], engagement_id: UUID, shop: UUID) -> tuple[UUID, UUID, UUID, UUID]:
    """A duty to be done, a code freeze that is on and answered, a round of UAT with what was found."""
    manager, approver, viewer = who[MANAGER], who[APPROVER], who[VIEWER]
    now = utc_now()
    with work():
        frozen = FreezeSpec(FreezeKind.CODE, now - timedelta(days=8))
        made = freeze.schedule(db.session, manager, shop, frozen, now=now).freeze.id
        freeze.acknowledge(db.session, approver, made, FreezeAnswer.ACCEPT_RESPONSIBILITY, now=now)
        until = now + timedelta(days=2)
        freeze.override(db.session, manager, made, "Prices of the winter sale", "The sale was announced before.", until, now=now)
    with work():
        testers = [{"name": "Tom Baker", "email": VIEWER}, {"name": "Ines Duarte", "email": ""}]
        tested = uat.start(db.session, manager, shop, testers, now=now).round.id
        found = [
            uat.report(db.session, viewer, shop, title, details, now=now).defect.id
            for title, details in (
                ("The search finds no membership", "Search for “membership”: no result. The old site shows four."),
                ("Basket is empty after signing in", ""),
                ("The old logo in the footer", "It is wrong on the old site as well."),
            )
        ]
        fixed = DefectChange(None, classification=DefectClass.MIGRATION_DEFECT, state=DefectState.FIXED)
        uat.change_defect(db.session, manager, found[1], fixed)
    with work():
        access = duties.one(db.session, engagement_id, shop, "source-access")
        channel = duties.one(db.session, engagement_id, None, "join-channel")
        assert access is not None
        assert channel is not None
        said = DutyChange(None, frozenset({"due_on"}), due_on=now.date() + timedelta(days=3))
        duty.change_duty(db.session, manager, access.id, said, now=now)
        done = DutyChange(None, frozenset({"state"}), DutyState.DONE, "Priya, Tom and Ines are in.")
        duty.change_duty(db.session, approver, channel.id, done, now=now)
        access_id = access.id
    return access_id, made, tested, found[0]
