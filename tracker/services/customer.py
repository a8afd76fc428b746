"""Make and edit customers. A country brings its public holidays, so that a new one counts dates anew."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.errors import EditedMeanwhile, FieldError, Invalid, NotAllowed
from tracker.domain.text import TextError, read_line
from tracker.services.planning import recount
from tracker.store import audit
from tracker.store import engagement as engagements
from tracker.store.database import AnySession
from tracker.store.engagement import Customer
from tracker.store.holiday import countries

NAME_LENGTH = 200
# Keeps other edits waiting, but not those who only refer to the row, such as a new engagement.
AGAINST_EDITS = {"key_share": True}
TAKEN = FieldError("name", "There is a customer of that name already.")


@dataclass(frozen=True)
class CustomerChange:
    """The fields that are entered or changed; a field that is not named stays."""

    values: dict[str, Any]
    version: int | None = None


def create_customer(session: AnySession, actor: Actor, change: CustomerChange) -> Customer:
    """Make a customer. Raises NotAllowed, Invalid for a name that is taken or a country without a calendar."""
    actor.must(Permission.EDIT_ENGAGEMENT)
    if actor.only_engagement_id is not None:
        raise NotAllowed("This token is for one engagement only.")
    values = _read(session, {"country": None} | change.values, None)
    customer, made = engagements.make_customer(session, values["name"], values["country"])
    if not made:
        raise Invalid([TAKEN])
    audit.record(session, actor, None, "customer.created", ("customer", customer.id), values)
    return customer


def edit_customer(session: AnySession, actor: Actor, customer_id: UUID, change: CustomerChange, *, now: datetime) -> Customer:
    """Change name or country. Raises NotFound, NotAllowed, EditedMeanwhile, Invalid.

    With another country the dates that are counted in business days move, and their reminders with them; what was set
    by hand or is done stays.
    """
    customer = engagements.visible_customer(session, actor, customer_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    # Read anew under the lock: two edits of one version may cross.
    session.refresh(customer, with_for_update=AGAINST_EDITS)
    if change.version is not None and change.version != customer.version:
        raise EditedMeanwhile
    values = _read(session, change.values, customer)
    moved = "country" in values and values["country"] != customer.country
    customer.name = values.get("name", customer.name)
    customer.name_key = customer.name.casefold()
    customer.country = values.get("country", customer.country)
    customer.version += 1
    session.flush()
    audit.record(session, actor, None, "customer.edited", ("customer", customer.id), values)
    if moved:
        for engagement in engagements.of_customer(session, customer.id):
            recount(session, engagement, now=now)
    return customer


def _read(session: AnySession, values: dict[str, Any], existing: Customer | None) -> dict[str, Any]:
    errors: list[FieldError] = []
    read = dict(values)
    if existing is None or "name" in values:
        try:
            read["name"] = read_line(str(values.get("name") or ""), NAME_LENGTH)
        except TextError as error:
            errors.append(FieldError("name", str(error)))
        else:
            other = engagements.customer_named(session, read["name"])
            if not read["name"]:
                errors.append(FieldError("name", "Fill this in."))
            elif other is not None and other is not existing:
                errors.append(TAKEN)
    if read.get("country") is not None and read["country"] not in dict(countries()):
        errors.append(
            FieldError("country", "There is no holiday calendar for that country. Use its two-letter code, or leave it empty.")
        )
    if errors:
        raise Invalid(errors)
    return read
