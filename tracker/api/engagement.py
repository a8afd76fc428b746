"""Engagements and their members."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from tracker.api.operation import Api, Call, In, Listing, Out, PageQuery, Whole, one_of, page_of
from tracker.domain.access import Permission
from tracker.domain.deadline import DeadlineKind
from tracker.domain.errors import FieldError, Invalid
from tracker.domain.portfolio import LONGEST_WORDS, Alarm, Filters, Order, Place, read_place
from tracker.services import engagement as service
from tracker.services.engagement import AgreementSpec, DuplicateSpec, EngagementChange, EngagementSpec
from tracker.store import deadline as deadlines
from tracker.store import engagement as engagements
from tracker.store import person as people
from tracker.store import portfolio
from tracker.store.engagement import Agreement, Engagement
from tracker.store.person import Person

api = Api("engagement")


class AgreementIn(In):
    reference: str
    signed_on: date
    uat_business_days: Whole
    cutover_business_days: Whole
    hypercare_business_days: Whole
    uat_silence: str = "hold"
    ps_valid_days: Whole | None = Field(None, description="How many days a PS block can be drawn; null means for ever.")
    ps_carry_over: bool = Field(default=False, description="Whether what is left of a PS block then stays.")


class AgreementPatch(In):
    reference: str | None = None
    signed_on: date | None = None
    uat_business_days: Whole | None = None
    cutover_business_days: Whole | None = None
    hypercare_business_days: Whole | None = None
    uat_silence: str | None = None
    ps_valid_days: Whole | None = None
    ps_carry_over: bool | None = None


class AgreementOut(Out):
    reference: str
    signed_on: date
    uat_business_days: int
    cutover_business_days: int
    hypercare_business_days: int
    uat_silence: str
    ps_valid_days: int | None
    ps_carry_over: bool
    catalogue_version: int


class EngagementIn(In):
    name: str
    customer: str
    time_zone: str = "UTC"
    type: str = "managed"
    country: str | None = Field(None, description="Of the customer, as a two-letter code: whose holidays count.")
    slack_channel: str | None = None
    internal_slack_channel: str | None = None
    kickoff_on: date | None = None
    agreement: AgreementIn | None = None
    engagement_manager: str | None = Field(None, description="E-mail address or id; whoever asks where it is left out.")
    account_rep: str | None = None


class EngagementPatch(In):
    name: str | None = None
    type: str | None = Field(None, description="managed or self_service; a managed one rests on an agreement.")
    time_zone: str | None = None
    slack_channel: str | None = None
    internal_slack_channel: str | None = None
    kickoff_on: date | None = None
    engagement_manager: str | None = None
    account_rep: str | None = None
    status: str | None = Field(None, description="active, on_hold or cancelled")
    agreement: AgreementPatch | None = Field(None, description="Corrects the agreement, or enters one where there is none yet.")


class EngagementOut(Out):
    id: UUID
    version: int
    name: str
    customer: str
    customer_id: UUID
    country: str | None
    type: str
    time_zone: str
    slack_channel: str | None
    internal_slack_channel: str | None
    kickoff_on: date | None
    agreement: AgreementOut | None
    engagement_manager: str
    engagement_manager_id: UUID
    account_rep: str | None
    status: str
    stage: str
    requirements_version: int
    created_at: datetime


class DuplicateIn(In):
    name: str
    customer: str = Field(description="A name; the customer is made if new.")
    reference: str | None = Field(None, description="Of the new agreement; required where the engagement has an agreement.")
    signed_on: date | None = None
    sites: bool = Field(default=True, description="List its sites anew, with system, plan and package.")
    members: bool = True


class MemberIn(In):
    person: str = Field(description="E-mail address or id of somebody of the staff.")


class MemberOut(Out):
    person_id: UUID
    name: str
    role: str


def agreement_out(agreement: Agreement | None) -> AgreementOut | None:
    """The agreement as the API shows it."""
    if agreement is None:
        return None
    return AgreementOut(**{name: getattr(agreement, name) for name in AgreementOut.model_fields})


def engagement_out(call: Call, engagement: Engagement) -> EngagementOut:
    """One engagement whole; what is the team's own is left out for customers."""
    customer = engagements.customer(call.session, engagement.customer_id)
    kickoff = deadlines.one(call.session, engagement.id, None, DeadlineKind.KICKOFF)
    stage, _count = portfolio.stages_of(call.session, [engagement])[engagement.id]
    internal = call.actor.may(Permission.SEE_INTERNAL)
    return EngagementOut(
        id=engagement.id,
        version=engagement.version,
        name=engagement.name,
        customer=customer.name,
        customer_id=customer.id,
        country=customer.country,
        type=engagement.type,
        time_zone=engagement.time_zone,
        slack_channel=engagement.slack_channel,
        internal_slack_channel=engagement.internal_slack_channel if internal else None,
        kickoff_on=kickoff.day if kickoff else None,
        agreement=agreement_out(engagements.agreement_of(call.session, engagement.id)),
        engagement_manager=people.get(call.session, engagement.manager_id).name,
        engagement_manager_id=engagement.manager_id,
        account_rep=engagement.account_rep,
        status=engagement.status,
        stage=stage,
        requirements_version=engagement.requirements_version,
        created_at=engagement.created_at,
    )


class EngagementRowOut(Out):
    id: UUID
    version: int
    name: str
    customer: str
    engagement_manager: str
    type: str
    time_zone: str
    slack_channel: str | None
    requirements_version: int
    status: str
    stage: str
    sites: int
    next_on: date | None = Field(description="The earliest open date of a running engagement.")
    risks: dict[str, int] = Field(description="overdue, over_80, waiting, frozen: how many things raise each.")


class EngagementQuery(PageQuery):
    q: str = Field("", max_length=LONGEST_WORDS, description="Words in the name of the engagement, its customer or a site.")
    customer_id: UUID | None = None
    manager_id: UUID | None = None
    mine: bool = Field(default=False, description="Only those that the token's person leads, works on or covers.")
    status: str | None = Field(None, description="active, on_hold or cancelled")
    risk: str | None = Field(None, description="One or several of overdue, over_80, waiting, frozen, with commas between.")
    sort: str = Field(Order.NEWEST.value, description="newest, next, name or customer")
    cursor: str | None = Field(None, max_length=2000)

    def filters(self) -> Filters:
        """Raises Invalid at the filter that says something unknown."""
        alarms = [one_of("risk", each.strip(), list(Alarm)) for each in (self.risk or "").split(",") if each.strip()]
        status = one_of("status", self.status, ("active", "on_hold", "cancelled"))
        named = tuple(alarm for alarm in Alarm if alarm in alarms)
        return Filters(self.q, self.customer_id, self.manager_id, self.mine, status, named)

    def start(self, order: Order) -> Place | None:
        """Raises Invalid at `cursor` for one of another list or order."""
        place = read_place(self.cursor, order) if self.cursor is not None else None
        if self.cursor is not None and place is None:
            raise Invalid.at("cursor", "That is not a cursor of this list.")
        return place


@api.get("/engagements", Permission.SEE_ENGAGEMENTS)
def list_engagements(call: Call, query: EngagementQuery) -> Listing[EngagementRowOut]:
    """Engagements, the newest first unless another order is asked for; every filter that is set has to hold."""
    one_of("sort", query.sort, list(Order))
    order = Order(query.sort)
    filters, start = query.filters(), query.start(order)
    found = portfolio.page(call.session, call.actor, filters, order, start=start, limit=query.limit, now=call.now)
    items = [
        EngagementRowOut(
            id=row.engagement.id,
            version=row.engagement.version,
            name=row.engagement.name,
            customer=row.customer_name,
            engagement_manager=row.manager_name,
            type=row.engagement.type,
            time_zone=row.engagement.time_zone,
            slack_channel=row.engagement.slack_channel,
            requirements_version=row.engagement.requirements_version,
            status=row.engagement.status,
            stage=row.stage,
            sites=row.site_count,
            next_on=row.engagement.next_on,
            risks={alarm.value: count for alarm, count in row.alarms.items()},
        )
        for row in found.rows
    ]
    return Listing(items=items, next_cursor=found.after.cursor() if found.after else None)


@api.post("/engagements", Permission.EDIT_ENGAGEMENT)
def create_engagement(call: Call, body: EngagementIn) -> EngagementOut:
    """Open an engagement; its customer is made if new."""
    agreement = AgreementSpec.of(body.agreement.model_dump()) if body.agreement is not None else None
    spec = EngagementSpec(
        name=body.name,
        customer=body.customer,
        time_zone=body.time_zone,
        type=body.type,
        agreement=agreement,
        country=body.country,
        slack_channel=body.slack_channel,
        internal_slack_channel=body.internal_slack_channel,
        kickoff_on=body.kickoff_on,
        manager=body.engagement_manager,
        account_rep=body.account_rep,
    )
    return engagement_out(call, service.create_engagement(call.session, call.actor, spec, now=call.now))


@api.post("/engagements/<uuid:engagement_id>/duplicate", Permission.EDIT_ENGAGEMENT)
def duplicate_engagement(call: Call, engagement_id: UUID, body: DuplicateIn) -> EngagementOut:
    """Open an engagement like another one; hours, signatures, inventories and dates stay behind."""
    spec = DuplicateSpec(**body.model_dump())
    return engagement_out(call, service.duplicate_engagement(call.session, call.actor, engagement_id, spec, now=call.now))


@api.get("/engagements/<uuid:engagement_id>", Permission.SEE_ENGAGEMENTS)
def get_engagement(call: Call, engagement_id: UUID) -> EngagementOut:
    """One engagement."""
    return engagement_out(call, engagements.get(call.session, call.actor, engagement_id))


@api.patch("/engagements/<uuid:engagement_id>", Permission.EDIT_ENGAGEMENT)
def edit_engagement(call: Call, engagement_id: UUID, body: EngagementPatch) -> EngagementOut:
    """Change what is named; the rest stays."""
    emptied = [
        name
        for name in ("kickoff_on", "engagement_manager", "agreement")
        if name in body.model_fields_set and not getattr(body, name)
    ]
    if emptied:
        raise Invalid([FieldError(name, "This can be changed, but not emptied.") for name in emptied])
    values = {name: getattr(body, name) for name in body.model_fields_set}
    if body.agreement is not None:
        values["agreement"] = {name: getattr(body.agreement, name) for name in body.agreement.model_fields_set}
    change = EngagementChange(call.version, values)
    return engagement_out(call, service.edit_engagement(call.session, call.actor, engagement_id, change, now=call.now))


@api.get("/engagements/<uuid:engagement_id>/members", Permission.SEE_ENGAGEMENTS)
def list_members(call: Call, engagement_id: UUID, query: PageQuery) -> Listing[MemberOut]:
    """The staff assigned to an engagement."""
    members = engagements.members_of(call.session, engagement_id)
    items = [MemberOut(person_id=member.id, name=member.name, role=member.role) for member in members]
    return page_of(items, query, lambda member: member.person_id)


@api.post("/engagements/<uuid:engagement_id>/members", Permission.EDIT_ENGAGEMENT)
def add_member(call: Call, engagement_id: UUID, body: MemberIn) -> MemberOut:
    """Assign somebody of the staff."""
    person = person_named(call, body.person)
    member = service.add_member(call.session, call.actor, engagement_id, person.id, now=call.now)
    return MemberOut(person_id=member.id, name=member.name, role=member.role)


@api.delete("/engagements/<uuid:engagement_id>/members/<uuid:person_id>", Permission.EDIT_ENGAGEMENT)
def remove_member(call: Call, engagement_id: UUID, person_id: UUID) -> None:
    """End an assignment."""
    service.remove_member(call.session, call.actor, engagement_id, person_id, now=call.now)


def person_named(call: Call, text: str, field: str = "person") -> Person:
    """Somebody by e-mail address or id. Raises Invalid at the field."""
    person = people.by_email(call.session, text)
    if person is None:
        try:
            person = call.session.get(Person, UUID(text))
        except ValueError:
            person = None
    if person is None:
        raise Invalid.at(field, "There is nobody with that e-mail address or id.")
    return person
