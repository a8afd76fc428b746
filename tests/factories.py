"""Things that tests need, made by the use cases themselves, with defaults that a test need not name."""

from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from flask.testing import FlaskClient

from tracker.domain.access import SYSTEM, Actor, Role
from tracker.domain.budget import WorkKind
from tracker.domain.engagement import Windows
from tracker.domain.time_entry import Work
from tracker.services import cover as cover_service
from tracker.services import engagement as engagement_service
from tracker.services import person as person_service
from tracker.services import requirements as requirements_service
from tracker.services import sign_in as sign_in_service
from tracker.services import site as site_service
from tracker.services import token as token_service
from tracker.services.cover import CoverSpec
from tracker.services.engagement import AgreementSpec, EngagementSpec
from tracker.services.person import PersonSpec
from tracker.services.site import SiteChange
from tracker.store import person as people
from tracker.store.cover import Cover
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.person import Person
from tracker.store.requirements import ProjectRequirements
from tracker.store.scope import Question
from tracker.store.site import Site
from tracker.store.transaction import transaction

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
TODAY = NOW.date()
SIGNED_ON = date(2026, 1, 12)
_number = count(1)


def make_person(role: str = Role.ENGAGEMENT_MANAGER, *, customer: str | None = None, **over: Any) -> Person:
    """Somebody of a role; customer roles belong to Acme unless said otherwise."""
    number = next(_number)
    if role.startswith("customer") and customer is None:
        customer = "Acme"
    values: dict[str, Any] = {"email": f"person{number}@example.com", "name": f"Person {number}", "role": role}
    values["customer"] = customer
    with transaction(db.session, now=NOW):
        return person_service.add_person(db.session, SYSTEM, PersonSpec(**(values | over)), now=NOW)


def actor(person: Person, *, now: datetime | None = None) -> Actor:
    """The person as rules and queries take them; with `now` also what they cover then."""
    return people.actor_of(db.session, person, now=now)


def make_engagement(manager: Person | None = None, **over: Any) -> Engagement:
    """A managed engagement of Acme in Berlin, with its agreement; five, two and ten business days."""
    who = actor(manager or make_person())
    values: dict[str, Any] = {
        "name": f"Migration {next(_number)}",
        "customer": "Acme",
        "time_zone": "Europe/Berlin",
        "agreement": AgreementSpec("SOW-1", SIGNED_ON, Windows(uat=5, cutover=2, hypercare=10)),
        "slack_channel": "C1",
    }
    with transaction(db.session, now=NOW):
        return engagement_service.create_engagement(db.session, who, EngagementSpec(**(values | over)), now=NOW)


def make_site(engagement: Engagement, **over: Any) -> Site:
    """A WordPress site on the Standard package."""
    number = next(_number)
    values: dict[str, Any] = {"name": f"Shop {number}", "url": f"https://shop{number}.example.com", "cms": "wordpress"}
    with transaction(db.session, now=NOW):
        return site_service.add_site(db.session, SYSTEM, engagement.id, SiteChange(values | over), now=NOW)


def agree(engagement: Engagement) -> ProjectRequirements:
    """Lock the engagement's list of sites."""
    manager = actor(people.get(db.session, engagement.manager_id))
    with transaction(db.session, now=NOW):
        return requirements_service.agree_requirements(db.session, manager, engagement.id, now=NOW)


def make_agreed_site(**over: Any) -> Site:
    """A site on which work may be logged."""
    engagement = make_engagement()
    site = make_site(engagement, **over)
    agree(engagement)
    return site


def some_work(site: Site, minutes: int = 60, kind: WorkKind = WorkKind.ALLOWANCE, **over: Any) -> Work:
    """Research on a known incompatibility, unless said otherwise."""
    values: dict[str, Any] = {"activity": "research"} if kind is WorkKind.ALLOWANCE else {}
    if kind is WorkKind.PS:
        values["ps_kind"] = "custom-upstream"
    said: dict[str, Any] = {"site_id": site.id, "worked_on": TODAY, "minutes": minutes, "kind": kind} | values | over
    return Work(**said)


def make_token(person: Person, scope: str = "admin", **over: Any) -> str:
    """An API token of a person."""
    with transaction(db.session, now=NOW):
        return token_service.create_token(db.session, SYSTEM, person.id, scope, now=NOW, **over)


def sign_in(client: FlaskClient, person: Person) -> None:
    """Sign a person in, in a test's browser."""
    from tracker.clock import utc_now

    with transaction(db.session, now=NOW):
        secret = sign_in_service.start_session(db.session, person, "test", now=utc_now())
    with client.session_transaction() as session:
        session.clear()
        session["session"] = secret


def make_question(engagement: Engagement, text: str, **over: Any) -> Question:
    """An open question to the customer."""
    values: dict[str, Any] = {"engagement_id": engagement.id, "text": text, "side": "customer", "asked_at": NOW}
    with transaction(db.session, now=NOW):
        question = Question(**(values | over))
        db.session.add(question)
        db.session.flush()
    return question


def make_cover(person: Person, stand_in: Person, from_on: date, until_on: date, *, now: datetime = NOW) -> Cover:
    """Somebody covers while a person is away."""
    spec = CoverSpec(stand_in.id, from_on, until_on)
    with transaction(db.session, now=now):
        return cover_service.arrange(db.session, SYSTEM, person.id, spec, now=now)
