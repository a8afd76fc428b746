"""Customers: whoever owns the sites, and whose holidays count."""

from uuid import UUID

from pydantic import Field

from tracker.api.operation import Api, Call, In, Listing, Out, PageQuery
from tracker.domain.access import Permission
from tracker.services import customer as service
from tracker.services.customer import CustomerChange
from tracker.store import engagement as engagements
from tracker.store.engagement import Customer

api = Api("customer")
COUNTRY = Field(None, description="As a two-letter code: whose public holidays are no business days.")


class CustomerIn(In):
    name: str
    country: str | None = COUNTRY


class CustomerPatch(In):
    name: str | None = None
    country: str | None = COUNTRY


class CustomerOut(Out):
    id: UUID
    name: str
    country: str | None
    version: int


def customer_out(customer: Customer) -> CustomerOut:
    return CustomerOut(id=customer.id, name=customer.name, country=customer.country, version=customer.version)


@api.get("/customers", Permission.SEE_ENGAGEMENTS)
def list_customers(call: Call, query: PageQuery) -> Listing[CustomerOut]:
    """Customers by name."""
    rows = engagements.customers(call.session, call.actor, after=query.cursor, limit=query.limit + 1)
    items = [customer_out(row) for row in rows[: query.limit]]
    return Listing(items=items, next_cursor=rows[query.limit - 1].name_key if len(rows) > query.limit else None)


@api.post("/customers", Permission.EDIT_ENGAGEMENT)
def create_customer(call: Call, body: CustomerIn) -> CustomerOut:
    """Make a customer. Opening an engagement makes one as well, where the name is new."""
    return customer_out(service.create_customer(call.session, call.actor, CustomerChange(body.model_dump())))


@api.get("/customers/<uuid:customer_id>", Permission.SEE_ENGAGEMENTS)
def get_customer(call: Call, customer_id: UUID) -> CustomerOut:
    """One customer."""
    return customer_out(engagements.visible_customer(call.session, call.actor, customer_id))


@api.patch("/customers/<uuid:customer_id>", Permission.EDIT_ENGAGEMENT)
def edit_customer(call: Call, customer_id: UUID, body: CustomerPatch) -> CustomerOut:
    """Change name or country. With another country the dates counted in business days move."""
    change = CustomerChange({name: getattr(body, name) for name in body.model_fields_set}, call.version)
    return customer_out(service.edit_customer(call.session, call.actor, customer_id, change, now=call.now))
