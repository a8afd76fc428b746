"""People: make them, edit them, deactivate them and take them back.

Passwords are hashed before the transaction; a service never sees one.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from tracker.domain.access import CUSTOMERS, STAFF, Actor, Permission, Role
from tracker.domain.errors import EditedMeanwhile, FieldError, Invalid, NotFound
from tracker.domain.secret import find_secret
from tracker.domain.text import TextError, read_line
from tracker.domain.workday import Calendar, UnknownTimeZone
from tracker.services.unplacing import stop_of_leaver
from tracker.store import audit
from tracker.store import deadline as deadlines
from tracker.store import engagement as engagements
from tracker.store import person as people
from tracker.store.database import AnySession
from tracker.store.engagement import Customer
from tracker.store.person import ApiToken, LoginSession, Person, SignInLink

THEMES = ("system", "light", "dark")
# Keeps other edits waiting, but not those who only refer to the row, such as a session.
AGAINST_EDITS = {"key_share": True}
NAME_LENGTH, SLACK_ID_LENGTH = 200, 40


@dataclass(frozen=True)
class PersonSpec:
    """A person as they are entered. `customer` is a name, for customer roles only."""

    email: str
    name: str
    role: str
    customer: str | None = None
    slack_user_id: str | None = None
    time_zone: str = "UTC"


def add_person(session: AnySession, actor: Actor, spec: PersonSpec, *, now: datetime) -> Person:
    """Make a person who can be let in by link. Raises NotAllowed, Invalid naming every field that cannot stand."""
    actor.must(Permission.MANAGE_PEOPLE)
    return _add(session, actor, spec, None, now)


def _add(session: AnySession, actor: Actor, spec: PersonSpec, password_hash: str | None, now: datetime) -> Person:
    email = spec.email.strip().lower()
    errors: list[FieldError] = []
    if not _plausible(email):
        errors.append(FieldError("email", "That is not an e-mail address."))
    elif people.by_email(session, email):
        errors.append(FieldError("email", "Somebody with this e-mail address is here already."))
    name = ""
    try:
        name = read_line(spec.name, NAME_LENGTH)
    except TextError as error:
        errors.append(FieldError("name", str(error)))
    if not name and not errors:
        errors.append(FieldError("name", "Fill this in."))
    customer_id = None
    if spec.role not in set(Role):
        errors.append(FieldError("role", f"Choose one of: {', '.join(Role)}."))
    elif spec.role in CUSTOMERS:
        customer = engagements.customer_named(session, spec.customer.strip()) if spec.customer else None
        customer_id = customer.id if customer else None
        if customer_id is None and spec.customer and not errors:
            customer_id = _new_customer(session, actor, spec.customer).id
        if customer_id is None:
            errors.append(FieldError("customer", "Name the customer this person belongs to."))
    elif spec.customer:
        errors.append(FieldError("customer", "Only customer roles belong to a customer. Leave it empty."))
    errors += _check_slack_user(session, spec.slack_user_id, None)
    if errors:
        raise Invalid(errors)
    _check_zone(spec.time_zone)
    person = Person(
        email=email,
        name=name,
        role=spec.role,
        customer_id=customer_id,
        password_hash=password_hash,
        slack_user_id=spec.slack_user_id or None,
        time_zone=spec.time_zone,
        created_at=now,
    )
    session.add(person)
    session.flush()
    audit.record(session, actor, None, "person.added", ("person", person.id), {"email": email, "role": spec.role})
    return person


def _check_slack_user(session: AnySession, slack_user_id: str | None, person_id: UUID | None) -> list[FieldError]:
    said = slack_user_id or "U0"
    if not (said.isascii() and said.isalnum() and len(said) <= SLACK_ID_LENGTH and not find_secret(said)):
        return [FieldError("slack_user_id", "Write the member id, such as U0123ABCD (in Slack: profile, copy member ID).")]
    other = people.by_slack_user(session, slack_user_id) if slack_user_id else None
    if other is None or other.id == person_id:
        return []
    return [FieldError("slack_user_id", f"This Slack account is {other.name}’s. An account belongs to one person.")]


def _check_zone(time_zone: str) -> None:
    try:
        Calendar(time_zone)
    except UnknownTimeZone:
        raise Invalid.at("time_zone", "There is no such time zone. Write it like Europe/Berlin.") from None


def _new_customer(session: AnySession, actor: Actor, name: str) -> Customer:
    try:
        cleaned = read_line(name, NAME_LENGTH)
    except TextError as error:
        raise Invalid.at("customer", str(error)) from None
    if not cleaned:
        raise Invalid.at("customer", "Name the customer this person belongs to.")
    customer, made = engagements.make_customer(session, cleaned)
    if made:
        audit.record(session, actor, None, "customer.created", ("customer", customer.id), {"name": cleaned})
    return customer


def _plausible(email: str) -> bool:
    local, _, host = email.partition("@")
    return (
        bool(local and host)
        and len(email) <= 254
        and all(letter.isprintable() and letter not in ' <>,;"' for letter in email)
        and "@" not in host
    )


def add_first_admin(session: AnySession, link_token: str, spec: PersonSpec, password_hash: str, *, now: datetime) -> Person:
    """Use up the first-administrator link. Raises NotFound for a dead link, Invalid for what was typed."""
    link = people.open_link(session, link_token, now)
    if link is None or link.person_id is not None or not people.is_empty(session):
        raise NotFound
    who = Actor(person_id=None, name=spec.name, role=Role.ADMIN)
    person = _add(session, who, PersonSpec(spec.email, spec.name, Role.ADMIN), password_hash, now)
    people.take_link(session, link_token, now)
    return person


def set_active(session: AnySession, actor: Actor, person_id: UUID, *, active: bool, now: datetime) -> Person:
    """Deactivate somebody, which signs them out and stops their timer, tokens and links, or take them back."""
    actor.must(Permission.MANAGE_PEOPLE)
    admins = people.hold_admins(session)
    person = people.get(session, person_id)
    session.refresh(person, with_for_update=AGAINST_EDITS)
    if not active and person.id == actor.person_id:
        raise Invalid.at("person", "You cannot deactivate yourself.")
    if not active:
        _check_not_last(person, admins, "person")
    return _set_active(session, actor, person, active=active, now=now)


def _check_not_last(person: Person, admins: list[UUID], field: str) -> None:
    if admins == [person.id]:
        raise Invalid.at(field, "This is the last active administrator. Make another one first.")


def _set_active(session: AnySession, actor: Actor, person: Person, *, active: bool, now: datetime) -> Person:
    person.deactivated_at = None if active else now
    person.version += 1
    # Whether they are written to, and mentioned, is planned with their dates.
    deadlines.replan_all(session, now, owner_id=person.id)
    if not active:
        for table in (LoginSession, ApiToken):
            session.execute(
                sa.update(table).where(table.person_id == person.id, table.revoked_at.is_(None)).values(revoked_at=now)
            )
        session.execute(
            sa.update(SignInLink).where(SignInLink.person_id == person.id, SignInLink.used_at.is_(None)).values(used_at=now)
        )
        stop_of_leaver(session, actor, person.id, now=now)
    audit.record(session, actor, None, "person.reactivated" if active else "person.deactivated", ("person", person.id))
    return person


@dataclass(frozen=True)
class PersonChange:
    """What administrators change about somebody: name, role within the staff, slack_user_id, time_zone, active."""

    values: dict[str, Any]
    version: int | None = None


def edit_person(session: AnySession, actor: Actor, person_id: UUID, change: PersonChange, *, now: datetime) -> Person:
    """Change what is named; the rest stays. Raises NotFound, NotAllowed, EditedMeanwhile, Invalid.

    The last active administrator stays one, whoever takes whose role at the same moment.
    """
    actor.must(Permission.MANAGE_PEOPLE)
    admins = people.hold_admins(session)
    person = people.get(session, person_id)
    session.refresh(person, with_for_update=AGAINST_EDITS)
    if change.version is not None and change.version != person.version:
        raise EditedMeanwhile
    values = _read_change(session, person, change.values)
    active = values.pop("active", person.deactivated_at is None)
    if values.get("role", person.role) != Role.ADMIN:
        _check_not_last(person, admins, "role")
    if not active:
        if person.id == actor.person_id:
            raise Invalid.at("active", "You cannot deactivate yourself.")
        _check_not_last(person, admins, "active")
    for name, value in values.items():
        setattr(person, name, value)
    audit.record(session, actor, None, "person.edited", ("person", person.id), {"fields": sorted(values)})
    if active != (person.deactivated_at is None):
        return _set_active(session, actor, person, active=active, now=now)
    person.version += 1
    session.flush()
    if "slack_user_id" in values:
        deadlines.replan_all(session, now, owner_id=person.id)
    return person


def _read_change(session: AnySession, person: Person, values: dict[str, Any]) -> dict[str, Any]:
    errors = [
        FieldError(name, "This can be changed, but not emptied.")
        for name in ("name", "role", "time_zone", "active")
        if name in values and values[name] is None
    ]
    if errors:
        raise Invalid(errors)
    read = dict(values)
    if "name" in values:
        try:
            read["name"] = read_line(values["name"], NAME_LENGTH)
        except TextError as error:
            raise Invalid.at("name", error.message) from None
        if not read["name"]:
            raise Invalid.at("name", "Fill this in.")
    if "role" in values and values["role"] != person.role and {values["role"], person.role} - STAFF:
        raise Invalid.at("role", f"Only roles of the staff change into each other: {', '.join(sorted(STAFF))}.")
    if "slack_user_id" in values:
        if found := _check_slack_user(session, values["slack_user_id"], person.id):
            raise Invalid(found)
        read["slack_user_id"] = values["slack_user_id"] or None
    if "time_zone" in values:
        _check_zone(values["time_zone"])
    return read


@dataclass(frozen=True)
class OwnChange:
    """What people change about themselves."""

    name: str | None = None
    theme: str | None = None
    time_zone: str | None = None
    password_hash: str | None = None
    version: int | None = None


def edit_self(session: AnySession, actor: Actor, change: OwnChange, *, now: datetime) -> Person:  # noqa: ARG001
    """Change one's own name, theme, zone or password. Raises EditedMeanwhile, Invalid."""
    assert actor.person_id is not None
    person = people.get(session, actor.person_id)
    # Read anew under the lock: two edits of one version may cross.
    session.refresh(person, with_for_update=AGAINST_EDITS)
    if change.version is not None and change.version != person.version:
        raise EditedMeanwhile
    if change.name is not None:
        try:
            person.name = read_line(change.name, NAME_LENGTH)
        except TextError as error:
            raise Invalid.at("name", str(error)) from None
        if not person.name:
            raise Invalid.at("name", "Fill this in.")
    if change.theme is not None:
        if change.theme not in THEMES:
            raise Invalid.at("theme", f"Choose one of: {', '.join(THEMES)}.")
        person.theme = change.theme
    if change.time_zone is not None:
        _check_zone(change.time_zone)
        person.time_zone = change.time_zone
    if change.password_hash is not None:
        person.password_hash = change.password_hash
    person.version += 1
    session.flush()
    changed = [name for name, value in vars(change).items() if value is not None and name != "version"]
    audit.record(session, actor, None, "person.edited", ("person", person.id), {"fields": changed})
    return person
