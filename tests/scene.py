"""A believable installation for browser tests and pictures: people, three engagements, hours near a cap, dates."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tracker.clock import utc_now
from tracker.domain.access import SYSTEM, Actor
from tracker.domain.budget import WorkKind
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.engagement import Windows
from tracker.domain.time_entry import Work
from tracker.edge.password import hash_password
from tracker.edge.work import work
from tracker.services import budget, cover, deadline, engagement, person, requirements, site, time_entry
from tracker.services.budget import BlockSpec
from tracker.services.cover import CoverSpec
from tracker.services.deadline import DateChange, DateSpec
from tracker.services.engagement import AgreementSpec, EngagementSpec
from tracker.services.person import OwnChange, PersonSpec
from tracker.services.site import SiteChange
from tracker.store import deadline as deadlines
from tracker.store import person as people
from tracker.store.database import db
from tracker.store.scope import Question

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
    manager_id: UUID
    admin_id: UUID


def lay() -> Scene:
    """Lay the whole scene, as of today."""
    who = _people()
    museum = _museum(who)
    _bakery(who)
    draft = _draft(who)
    _team(who, museum[0])
    manager_id, admin_id = who[MANAGER].person_id, who[ADMIN].person_id
    assert manager_id is not None
    assert admin_id is not None
    return Scene(*museum[:2], draft, museum[2], manager_id, admin_id)


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


def _team(who: dict[str, Actor], engagement_id: UUID) -> None:
    """The engineer is away while an administrator covers, and the customer has a question to answer."""
    today = utc_now().date()
    away, stand_in = who[ENGINEER].person_id, who[ADMIN].person_id
    assert away is not None
    assert stand_in is not None
    with work():
        spec = CoverSpec(stand_in, today - timedelta(days=1), today + timedelta(days=4), "On leave")
        cover.arrange(db.session, who[ENGINEER], away, spec, now=utc_now())
        text = "Which of the museum’s sites use the Solr search?"
        db.session.add(Question(engagement_id=engagement_id, text=text, side="customer", asked_at=utc_now()))
