"""Things that tests need, made by the use cases themselves, with defaults that a test need not name."""

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient

from tracker.domain.access import SYSTEM, Actor, Role
from tracker.domain.budget import WorkKind
from tracker.domain.duty import OF_ENGAGEMENT
from tracker.domain.engagement import Windows
from tracker.domain.freeze import FreezeKind
from tracker.domain.kickoff import Attendee
from tracker.domain.link import LinkKind
from tracker.domain.notice import Audience
from tracker.domain.time_entry import Work
from tracker.services import change_request as change_request_service
from tracker.services import comment as comment_service
from tracker.services import cover as cover_service
from tracker.services import engagement as engagement_service
from tracker.services import freeze as freeze_service
from tracker.services import kickoff as kickoff_service
from tracker.services import link as link_service
from tracker.services import person as person_service
from tracker.services import requirements as requirements_service
from tracker.services import scope as scope_service
from tracker.services import sign_in as sign_in_service
from tracker.services import site as site_service
from tracker.services import token as token_service
from tracker.services import uat as uat_service
from tracker.services import weekly_update as update_service
from tracker.services.change_request import RequestSpec
from tracker.services.comment import CommentSpec
from tracker.services.cover import CoverSpec
from tracker.services.engagement import AgreementSpec, EngagementSpec
from tracker.services.freeze import FreezeSpec
from tracker.services.kickoff import KickoffChange
from tracker.services.link import LinkSpec
from tracker.services.person import PersonSpec
from tracker.services.scope import ItemChange
from tracker.services.site import SiteChange
from tracker.store import duty as duties
from tracker.store import person as people
from tracker.store import scope as scopes
from tracker.store.change_request import ChangeRequest
from tracker.store.comment import Comment
from tracker.store.cover import Cover
from tracker.store.database import db
from tracker.store.duty import Duty
from tracker.store.engagement import Engagement
from tracker.store.freeze import Freeze
from tracker.store.link import EngagementLink
from tracker.store.person import Person
from tracker.store.question import Question
from tracker.store.requirements import ProjectRequirements
from tracker.store.scope import ScopeItem
from tracker.store.site import Site
from tracker.store.timer import UnplacedTime
from tracker.store.transaction import transaction
from tracker.store.uat import Defect, UatRound

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


def item_of(site: Site, item: str) -> ScopeItem:
    """One scope item of a site, by its name in the catalogue, as it is stored."""
    db.session.expire_all()
    return next(each for each in scopes.of_site(db.session, site.id) if each.item == item)


def change_item(item: ScopeItem, who: Actor = SYSTEM, version: int | None = None, **values: Any) -> ScopeItem:
    """Change a scope item as somebody."""
    with transaction(db.session, now=NOW):
        return scope_service.change_item(db.session, who, item.id, ItemChange(values, version), now=NOW)


def settle_scope(site: Site, who: Actor = SYSTEM) -> None:
    """Leave nothing in a site's scope for which the acceptance test would have to wait."""
    for item in scopes.holding_up_uat(db.session, site.id):
        values: dict[str, Any] = {"work_state": "not_needed", "work_reason": "Settled for the test."}
        if item.decision == "undecided":
            values |= {"decision": "not_applicable", "reason": "Settled for the test."}
        change_item(item, who, **values)


def make_duty(site: Site, kind: str = "source-access") -> Duty:
    """One of the duties that a site, or its engagement, has had since it was listed."""
    place = None if kind in OF_ENGAGEMENT else site.id
    found = duties.one(db.session, site.engagement_id, place, kind)
    assert found is not None
    return found


def make_freeze(site: Site, kind: str = "code", **over: Any) -> Freeze:
    """A freeze that began an hour before NOW, unless said otherwise."""
    values: dict[str, Any] = {"starts_at": NOW - timedelta(hours=1)} | over
    manager = actor(people.get(db.session, db.session.get_one(Engagement, site.engagement_id).manager_id))
    with transaction(db.session, now=NOW):
        spec = FreezeSpec(FreezeKind(kind), **values)
        return freeze_service.schedule(db.session, manager, site.id, spec, now=NOW).freeze


def make_round(site: Site, **testers: str) -> UatRound:
    """A site in UAT with its round; testers by name and address."""
    with transaction(db.session, now=NOW):
        db.session.get_one(Site, site.id).stage = "in_uat"
    with transaction(db.session, now=NOW):
        named = [{"name": name, "email": email} for name, email in testers.items()]
        return uat_service.start(db.session, SYSTEM, site.id, named, now=NOW).round


def make_defect(site: Site, title: str = "Search finds nothing", who: Person | None = None) -> Defect:
    """A defect that somebody of the customer reported."""
    reporter = actor(who or make_person(Role.CUSTOMER_VIEWER))
    with transaction(db.session, now=NOW):
        return uat_service.report(db.session, reporter, site.id, title, "", now=NOW).defect


def say(engagement: Engagement, who: Person, text: str = "Hello", *, internal: bool = False, **over: Any) -> Comment:
    """Somebody says something; both sides read it unless said otherwise."""
    audience = Audience.INTERNAL if internal else Audience.CUSTOMER
    with transaction(db.session, now=NOW):
        spec = CommentSpec(text, audience, over.get("site_id"))
        return comment_service.comment(db.session, actor(who), engagement.id, spec, now=over.get("now", NOW))


def make_link(engagement: Engagement, who: Person, title: str = "Test script", *, internal: bool = False) -> EngagementLink:
    """A link to a document."""
    audience = Audience.INTERNAL if internal else Audience.CUSTOMER
    spec = LinkSpec(LinkKind.DOCUMENT, title, "https://docs.example.com/script", audience)
    with transaction(db.session, now=NOW):
        return link_service.add_link(db.session, actor(who), engagement.id, spec, now=NOW)


def talked_of(engagement: Engagement, who: Actor, secret: str, now: datetime) -> dict[str, UUID]:
    """One of everything that is said on an engagement, all for both sides, each text holding a word; their ids by name."""
    with transaction(db.session, now=NOW):
        said = comment_service.comment(db.session, who, engagement.id, CommentSpec(secret, Audience.CUSTOMER), now=now)
        spec = LinkSpec(LinkKind.DOCUMENT, secret, "https://docs.example.com/")
        link = link_service.add_link(db.session, who, engagement.id, spec, now=now)
        notes: dict[str, object] = {"notes": secret, "attendees": [Attendee(secret, "customer")]}
        kickoff_service.record_kickoff(db.session, who, engagement.id, KickoffChange(notes), now=now)
        update = update_service.compose_update(db.session, who, engagement.id, text=secret, now=now)
        update_service.post_update(db.session, who, update.id, now=now)
        return {"comment_id": said.id, "link_id": link.id, "update_id": update.id}


def internal_words(engagement: Engagement, who: Actor, word: str, now: datetime) -> None:
    """Everything that the team keeps to itself on an engagement, each text holding a word."""
    with transaction(db.session, now=NOW):
        comment_service.comment(db.session, who, engagement.id, CommentSpec(word, Audience.INTERNAL), now=now)
        spec = LinkSpec(LinkKind.OTHER, word, "https://docs.example.com/", Audience.INTERNAL)
        link_service.add_link(db.session, who, engagement.id, spec, now=now)
        notes: dict[str, object] = {"internal_notes": word}
        kickoff_service.record_kickoff(db.session, who, engagement.id, KickoffChange(notes), now=now)


def raise_change_request(engagement: Engagement, who: Person, *changes: dict[str, Any], **over: Any) -> ChangeRequest:
    """A change request of somebody: four PS hours, unless said otherwise."""
    asked = changes or ({"kind": "ps_hours", "minutes": 240, "reference": "Q-7"},)
    spec = RequestSpec(**({"changes": asked, "title": "Something more", "reason": "We need it."} | over))
    with transaction(db.session, now=NOW):
        return change_request_service.raise_request(db.session, actor(who), engagement.id, spec, now=NOW)


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


def make_unplaced(site: Site, person: Person, minutes: int = 60, **over: Any) -> UnplacedTime:
    """Research that a timer measured and that no budget took."""
    values: dict[str, Any] = {"kind": "known_incompatibility", "activity": "research", "note": "", "worked_on": TODAY}
    values |= {"started_at": NOW - timedelta(minutes=minutes), "stopped_at": NOW, "refused": "Nothing is left."}
    with transaction(db.session, now=NOW):
        kept = UnplacedTime(
            person_id=person.id, engagement_id=site.engagement_id, site_id=site.id, minutes=minutes, **values | over
        )
        db.session.add(kept)
        db.session.flush()
    return kept
