"""What the days of the page tests begin with: a few people, an engagement with something to do for each, served."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from playwright.sync_api import Page, expect

from tests.conftest import migrated, settings_for
from tests.server import environment, serving
from tracker.app import create_app
from tracker.clock import utc_now
from tracker.domain.access import SYSTEM, Actor
from tracker.domain.budget import WorkKind
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.engagement import Windows
from tracker.domain.freeze import FreezeKind
from tracker.domain.time_entry import Work
from tracker.edge.password import hash_password
from tracker.edge.work import work
from tracker.services import change_request, deadline, engagement, freeze, person, question, requirements, time_entry, uat
from tracker.services.change_request import RequestSpec
from tracker.services.deadline import DateSpec
from tracker.services.engagement import AgreementSpec, EngagementSpec
from tracker.services.freeze import FreezeSpec
from tracker.services.listing import list_sites
from tracker.services.person import OwnChange, PersonSpec
from tracker.services.question import QuestionSpec
from tracker.store import person as people
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.site import Site

PASSWORD = "correct horse battery"
MANAGER, APPROVER, VIEWER = "jonas@example.com", "priya@harbour.example", "tom@harbour.example"
CUSTOMER = "Harbour Museum"


@dataclass(frozen=True)
class Day:
    """A running server, and where its engagement is."""

    address: str
    engagement_id: UUID

    @property
    def engagement(self) -> str:
        return f"{self.address}/engagements/{self.engagement_id}"


@contextmanager
def served_day(folder: Path, database_url: str | None, lay: Callable[[], UUID]) -> Iterator[Day]:
    """Lay what a day begins with into an empty database, and serve it."""
    settings = settings_for(folder, database_url)
    migrated(settings)
    app = create_app(settings)
    with app.app_context():
        engagement_id = lay()
        db.session.remove()
        db.engine.dispose()
    over = {"SECRET_KEY": "tests only"} | ({"DATABASE_URL": database_url} if database_url else {})
    with serving(folder, environ=environment(folder, **over)) as running:
        yield Day(running.address, engagement_id)


def lay_people() -> dict[str, Actor]:
    """The manager, and who of the customer signs and who only looks."""
    specs = (
        PersonSpec(MANAGER, "Jonas Weber", "engagement_manager"),
        PersonSpec(APPROVER, "Priya Nair", "customer_approver", CUSTOMER),
        PersonSpec(VIEWER, "Tom Baker", "customer_viewer", CUSTOMER),
    )
    hashed, found = hash_password(PASSWORD), {}
    for spec in specs:
        with work():
            found[spec.email] = people.actor_of(db.session, person.add_person(db.session, SYSTEM, spec, now=utc_now()))
            person.edit_self(db.session, found[spec.email], OwnChange(password_hash=hashed), now=utc_now())
    return found


def lay_engagement(manager: Actor, name: str, *sites: str) -> tuple[Engagement, list[Site]]:
    """An engagement of the museum, its kick-off past, its sites agreed."""
    now = utc_now()
    spec = EngagementSpec(
        name=name,
        customer=CUSTOMER,
        time_zone="Europe/London",
        agreement=AgreementSpec("SOW-7", now.date() - timedelta(days=40), Windows(uat=8, cutover=2, hypercare=10)),
        slack_channel="C0HARBOUR",
        account_rep="Lena Fischer",
    )
    with work():
        made = engagement.create_engagement(db.session, manager, spec, now=now)
        values = [{"name": each, "url": f"https://{each}.{made.id}.example", "cms": "wordpress"} for each in sites]
        listed = list_sites(db.session, manager, made, values, now=now)
        requirements.agree_requirements(db.session, manager, made.id, now=now)
    return made, listed


def lay_work(who: Actor, site: Site, minutes: int, *, approved: bool = False) -> None:
    """Hours on a site: held, or used where they are approved."""
    now = utc_now()
    with work():
        done = Work(site.id, now.date(), minutes, WorkKind.ALLOWANCE, activity="research", note="Slow imports")
        entry = time_entry.book(db.session, who, done, now=now)[0].entry
        if approved:
            time_entry.submit(db.session, who, entry.id, now=now)
            time_entry.approve(db.session, SYSTEM, entry.id, now=now)


def lay_date(who: Actor, made: Engagement, kind: DeadlineKind, site: Site, days: int) -> None:
    """A date of a site, so many days from today."""
    with work():
        spec = DateSpec(kind, Dates(due_on=utc_now().date() + timedelta(days=days)), site.id)
        deadline.set_date(db.session, who, made.id, spec, now=utc_now())


def managers_day() -> UUID:
    """An engagement that is late and nearly out of hours, beside one that is quiet."""
    manager = lay_people()[MANAGER]
    lay_engagement(manager, "Quiet move", "blog")
    made, (shop,) = lay_engagement(manager, "Harbour move", "shop")
    lay_date(manager, made, DeadlineKind.ACCESS, shop, -2)
    lay_date(manager, made, DeadlineKind.UAT, shop, 20)
    lay_work(manager, shop, 270)
    return made.id


def customers_day() -> UUID:
    """An engagement in which everything that can wait on a customer does."""
    who = lay_people()
    manager, now = who[MANAGER], utc_now()
    made, (shop, _blog) = lay_engagement(manager, "Harbour move", "shop", "blog")
    lay_date(manager, made, DeadlineKind.ACCESS, shop, 2)
    lay_date(manager, made, DeadlineKind.UAT, shop, 5)
    lay_work(manager, shop, 135, approved=True)
    lay_work(manager, shop, 60)
    with work():
        asked = QuestionSpec("Who may change your DNS records?", owner_id=who[APPROVER].person_id)
        question.ask(db.session, manager, made.id, asked, now=now)
        freeze.schedule(db.session, manager, shop.id, FreezeSpec(FreezeKind.CODE, now - timedelta(hours=1)), now=now)
    with work():
        more = {"kind": "add_site", "name": "tickets", "url": "https://tickets.harbour.example"}
        spec = RequestSpec([more], "The ticket shop moves too", "Its old host closes.", 120)
        raised = change_request.raise_request(db.session, manager, made.id, spec, now=now)
        change_request.approve(db.session, manager, raised.id, now=now)
    with work():
        # It came there before this day began; the steps on the way are tested with the site.
        db.session.get_one(Site, shop.id).stage = "in_uat"
    with work():
        uat.start(db.session, manager, shop.id, [{"name": "Ines Duarte", "email": ""}], now=now)
    return made.id


def see(page: Page, heading: str) -> None:
    """A page has come, and nothing of it is wider than the screen."""
    expect(page.get_by_role("heading", name=heading, level=1, exact=True)).to_be_visible()
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{page.url} is {wide} px wider than the screen"
