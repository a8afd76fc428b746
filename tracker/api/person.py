"""People, for administrators."""

from datetime import datetime
from uuid import UUID

from flask import current_app
from pydantic import Field

from tracker.api.operation import Api, Call, In, Listing, Out, PageQuery
from tracker.domain.access import Permission
from tracker.services import person as service
from tracker.services import sign_in as sign_in_service
from tracker.services.person import PersonChange, PersonSpec
from tracker.store import person as people
from tracker.store.person import Person

api = Api("person")


class PersonIn(In):
    email: str
    name: str
    role: str
    customer: str | None = None
    slack_user_id: str | None = None
    time_zone: str = "UTC"


class PersonPatch(In):
    name: str | None = None
    role: str | None = Field(None, description="Among the roles of the staff.")
    slack_user_id: str | None = None
    time_zone: str | None = None
    active: bool | None = None


class PersonOut(Out):
    id: UUID
    version: int
    email: str
    name: str
    role: str
    customer_id: UUID | None
    slack_user_id: str | None
    time_zone: str
    active: bool
    last_signed_in_at: datetime | None


class LinkOut(Out):
    link: str


def person_out(person: Person) -> PersonOut:
    shown = {name: getattr(person, name) for name in PersonOut.model_fields if name != "active"}
    return PersonOut(**shown, active=person.deactivated_at is None)


@api.get("/people", Permission.MANAGE_PEOPLE)
def list_people(call: Call, query: PageQuery) -> Listing[PersonOut]:
    """People by e-mail address."""
    rows = people.page(call.session, after=query.cursor, limit=query.limit + 1)
    items = [person_out(row) for row in rows[: query.limit]]
    return Listing(items=items, next_cursor=items[-1].email if len(rows) > query.limit else None)


@api.post("/people", Permission.MANAGE_PEOPLE)
def add_person(call: Call, body: PersonIn) -> PersonOut:
    """Make a person. Let them in with a link."""
    spec = PersonSpec(body.email, body.name, body.role, body.customer, body.slack_user_id, body.time_zone)
    return person_out(service.add_person(call.session, call.actor, spec, now=call.now))


@api.get("/people/<uuid:person_id>", Permission.MANAGE_PEOPLE)
def get_person(call: Call, person_id: UUID) -> PersonOut:
    """One person."""
    return person_out(people.get(call.session, person_id))


@api.patch("/people/<uuid:person_id>", Permission.MANAGE_PEOPLE)
def edit_person(call: Call, person_id: UUID, body: PersonPatch) -> PersonOut:
    """Change what is named; the rest stays. The last active administrator stays one."""
    change = PersonChange({name: getattr(body, name) for name in body.model_fields_set}, call.version)
    return person_out(service.edit_person(call.session, call.actor, person_id, change, now=call.now))


@api.post("/people/<uuid:person_id>/links", Permission.MANAGE_PEOPLE, confidential=True)
def make_link(call: Call, person_id: UUID) -> LinkOut:
    """A fresh one-time sign-in link."""
    secret = sign_in_service.make_link(call.session, call.actor, person_id, now=call.now)
    return LinkOut(link=f"{current_app.config['SETTINGS'].base_url}/sign-in/{secret}")
