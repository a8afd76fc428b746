"""Make and edit engagements, their agreement and their members."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from tracker.catalog import loader
from tracker.domain.access import STAFF, Actor, Permission, Role
from tracker.domain.deadline import DeadlineKind
from tracker.domain.engagement import TYPES, UAT_SILENCE, Windows
from tracker.domain.errors import EditedMeanwhile, FieldError, Guard, Invalid, NotAllowed, NotFound
from tracker.domain.ps_block import check_valid_days
from tracker.domain.secret import find_secret
from tracker.domain.text import TextError, read_line
from tracker.domain.workday import Calendar, UnknownTimeZone
from tracker.services.listing import list_site
from tracker.services.planning import ground_of, place_following, recount, redirect, replan
from tracker.services.ps_term import replan_turns
from tracker.services.scoping import consider_engagement, consider_sites
from tracker.store import audit
from tracker.store import budget as budgets
from tracker.store import deadline as deadlines
from tracker.store import engagement as engagements
from tracker.store import person as people
from tracker.store import site as sites
from tracker.store.database import AnySession
from tracker.store.deadline import Deadline
from tracker.store.engagement import Agreement, Customer, Engagement, Member
from tracker.store.holiday import countries
from tracker.store.person import Person

NAME_LENGTH = 200
REQUIRED_TERMS = (
    "reference",
    "signed_on",
    "uat_business_days",
    "cutover_business_days",
    "hypercare_business_days",
    "uat_silence",
)
TERMS = (*REQUIRED_TERMS, "ps_valid_days", "ps_carry_over")
# What an agreement says where nothing is said.
ASSUMED = {"uat_silence": "hold", "ps_carry_over": False}
NEEDS_AGREEMENT = FieldError("agreement", "A managed engagement rests on an agreement. Enter its reference, date and windows.")
# Keeps other edits waiting, but not those who only refer to the row, such as a booking.
AGAINST_EDITS = {"key_share": True}


@dataclass(frozen=True)
class AgreementSpec:
    """What was signed, as it is entered."""

    reference: str
    signed_on: date
    windows: Windows
    # How many days a PS block can be drawn, none for ever; and whether what is left then stays.
    ps_valid_days: int | None = None
    ps_carry_over: bool = False

    @classmethod
    def of(cls, terms: Mapping[str, Any]) -> "AgreementSpec":
        """From every field by its public name; raises Invalid naming those that are missing."""
        missing = [name for name in REQUIRED_TERMS if terms.get(name) is None]
        if missing:
            raise Invalid([FieldError(f"agreement.{name}", "This field is required.") for name in missing])
        lengths = (terms["uat_business_days"], terms["cutover_business_days"], terms["hypercare_business_days"])
        windows = Windows(*lengths, terms["uat_silence"])
        return cls(terms["reference"], terms["signed_on"], windows, terms.get("ps_valid_days"), bool(terms.get("ps_carry_over")))

    @property
    def terms(self) -> dict[str, Any]:
        """Every field by its public name."""
        return {
            "reference": read_line(self.reference, NAME_LENGTH),
            "signed_on": self.signed_on,
            "uat_business_days": self.windows.uat,
            "cutover_business_days": self.windows.cutover,
            "hypercare_business_days": self.windows.hypercare,
            "uat_silence": self.windows.uat_silence,
            "ps_valid_days": self.ps_valid_days,
            "ps_carry_over": self.ps_carry_over,
        }


@dataclass(frozen=True)
class EngagementSpec:
    """An engagement as it is entered. `customer` is a name; the customer is made if new."""

    name: str
    customer: str
    time_zone: str
    type: str = "managed"
    agreement: AgreementSpec | None = None
    country: str | None = None
    slack_channel: str | None = None
    internal_slack_channel: str | None = None
    kickoff_on: date | None = None
    manager: str | None = None
    account_rep: str | None = None


def create_engagement(session: AnySession, actor: Actor, spec: EngagementSpec, *, now: datetime) -> Engagement:
    """Open an engagement: customer, agreement, empty PS pool, kick-off date and what follows from it.

    Raises NotAllowed, and Invalid naming every field that cannot stand.
    """
    actor.must(Permission.EDIT_ENGAGEMENT)
    if actor.only_engagement_id is not None:
        raise NotAllowed("This token is for one engagement only.")
    _check(spec)
    engagement = Engagement(
        customer_id=_customer(session, actor, spec).id,
        name=read_line(spec.name, NAME_LENGTH),
        type=spec.type,
        time_zone=spec.time_zone,
        slack_channel=spec.slack_channel,
        internal_slack_channel=spec.internal_slack_channel,
        manager_id=_manager(session, actor, spec.manager),
        account_rep=read_line(spec.account_rep or "", NAME_LENGTH) or None,
        created_at=now,
    )
    session.add(engagement)
    session.flush()
    session.add(budgets.Budget(engagement_id=engagement.id, kind="ps", limit_minutes=0))
    if spec.agreement is not None:
        session.add(_agreement(engagement.id, spec.agreement))
    session.flush()
    audit.record(session, actor, engagement.id, "engagement.created", ("engagement", engagement.id), _say(engagement))
    consider_engagement(session, engagement, now=now)
    if spec.kickoff_on is not None:
        set_kickoff(session, engagement, spec.kickoff_on, now=now)
    replan(session, engagement, now=now)
    return engagement


@dataclass(frozen=True)
class DuplicateSpec:
    """A further engagement like another one: its name and customer, and what is taken along.

    Reference and date are the new agreement's own; lengths and silence come from the one before, where it has one.
    """

    name: str
    customer: str
    reference: str | None = None
    signed_on: date | None = None
    sites: bool = True
    members: bool = True


# What a site brings along. What was found out about it, its stage and its code base are its own.
TAKEN_ALONG = ("name", "url", "cms", "cms_variant", "cms_version", "plan", "package", "premium_option")


def duplicate_engagement(
    session: AnySession, actor: Actor, engagement_id: UUID, spec: DuplicateSpec, *, now: datetime
) -> Engagement:
    """Open an engagement like another one, led by whoever asks, with its sites listed anew and its people, as ticked.

    Hours, signatures, inventories, comments and dates stay behind. Raises NotFound, NotAllowed, and Invalid at the field.
    """
    source = engagements.get(session, actor, engagement_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    before = engagements.agreement_of(session, source.id)
    made = create_engagement(
        session,
        actor,
        EngagementSpec(
            name=spec.name,
            customer=spec.customer,
            time_zone=source.time_zone,
            type=source.type,
            agreement=_agreed_like(before, spec),
            account_rep=source.account_rep,
        ),
        now=now,
    )
    if spec.sites:
        for site in sites.of_engagement(session, source.id):
            if site.stage != "withdrawn":
                list_site(session, actor, made, {name: getattr(site, name) for name in TAKEN_ALONG}, now=now)
    if spec.members:
        for person in engagements.members_of(session, source.id):
            if person.deactivated_at is None:
                add_member(session, actor, made.id, person.id, now=now)
    audit.record(session, actor, made.id, "engagement.duplicated", ("engagement", source.id), {"from": source.name})
    return made


def _agreed_like(before: Agreement | None, spec: DuplicateSpec) -> AgreementSpec | None:
    if before is None:
        return None
    terms = {name: getattr(before, name) for name in TERMS}
    return AgreementSpec.of(terms | {"reference": spec.reference or None, "signed_on": spec.signed_on})


def _check(spec: EngagementSpec) -> None:
    errors: list[FieldError] = []
    for field, text in (("name", spec.name), ("customer", spec.customer)):
        errors += check_line(field, text)
    errors += check_zone(spec.time_zone)
    if spec.type not in TYPES:
        errors.append(FieldError("type", f"Choose one of: {', '.join(TYPES)}."))
    if spec.type == "managed" and spec.agreement is None:
        errors.append(NEEDS_AGREEMENT)
    if spec.country is not None and spec.country not in dict(countries()):
        errors.append(
            FieldError("country", "There is no holiday calendar for that country. Use its two-letter code, or leave it empty.")
        )
    errors += check_line("account_rep", spec.account_rep) if spec.account_rep else []
    errors += _check_channels(spec.slack_channel, spec.internal_slack_channel)
    if spec.agreement is not None:
        errors += _check_agreement(spec.agreement)
    if spec.kickoff_on is not None and not 2000 <= spec.kickoff_on.year <= 2099:
        errors.append(FieldError("kickoff_on", f"The year {spec.kickoff_on.year:04d} is not plausible."))
    if errors:
        raise Invalid(errors)
    if spec.agreement is not None:
        spec.agreement.windows.check()


def check_line(field: str, text: str, *, longest: int = NAME_LENGTH) -> list[FieldError]:
    """What is wrong with a one-line text, such as a name."""
    try:
        cleaned = read_line(text, longest)
    except TextError as error:
        return [FieldError(field, str(error))]
    return [] if cleaned else [FieldError(field, "Fill this in.")]


def check_zone(time_zone: str) -> list[FieldError]:
    """What is wrong with a time zone's name."""
    try:
        Calendar(time_zone, frozenset())
    except UnknownTimeZone:
        return [FieldError("time_zone", "There is no such time zone. Write it like Europe/Berlin.")]
    return []


def _check_channels(*channels: str | None) -> list[FieldError]:
    fields = ("slack_channel", "internal_slack_channel")
    return [
        FieldError(field, "Write the channel's id, such as C0123ABCD (in Slack: channel details, at the bottom).")
        for field, channel in zip(fields, channels, strict=True)
        if channel is not None
        and not (channel.isalnum() and channel.isascii() and 1 < len(channel) <= 40 and not find_secret(channel))
    ]


def _check_agreement(spec: AgreementSpec) -> list[FieldError]:
    errors = check_line("agreement.reference", spec.reference)
    if not 2000 <= spec.signed_on.year <= 2099:
        errors.append(FieldError("agreement.signed_on", f"The year {spec.signed_on.year:04d} is not plausible."))
    if spec.windows.uat_silence not in UAT_SILENCE:
        errors.append(FieldError("agreement.uat_silence", f"Choose one of: {', '.join(UAT_SILENCE)}."))
    return errors + check_valid_days("agreement.ps_valid_days", spec.ps_valid_days)


def _customer(session: AnySession, actor: Actor, spec: EngagementSpec) -> Customer:
    name = read_line(spec.customer, NAME_LENGTH)
    customer, made = engagements.make_customer(session, name, spec.country)
    if made:
        audit.record(session, actor, None, "customer.created", ("customer", customer.id), {"name": name, "country": spec.country})
    elif spec.country is not None and customer.country is None:
        session.refresh(customer, with_for_update=AGAINST_EDITS)
        customer.country = customer.country or spec.country
        customer.version += 1
    return customer


def _manager(session: AnySession, actor: Actor, who: str | None) -> UUID:
    """The engagement manager by e-mail address or id; whoever opens the engagement where none is named."""
    if not who:
        assert actor.person_id is not None
        return actor.person_id
    person = people.by_email(session, who) or _person_by_id(session, who)
    if person is None or person.deactivated_at is not None or person.role not in (Role.ADMIN, Role.ENGAGEMENT_MANAGER):
        raise Invalid.at("engagement_manager", "Name an active engagement manager or administrator by e-mail address.")
    return person.id


def _person_by_id(session: AnySession, text: str) -> Person | None:
    try:
        return session.get(Person, UUID(text))
    except ValueError:
        return None


def _agreement(engagement_id: UUID, spec: AgreementSpec) -> Agreement:
    return Agreement(engagement_id=engagement_id, catalogue_version=loader.newest().version, **spec.terms)


def set_kickoff(session: AnySession, engagement: Engagement, day: date, *, now: datetime) -> None:
    """Enter or move the kick-off, and the dates that follow from it."""
    ground = ground_of(session, engagement, around=[day])
    kickoff = deadlines.one(session, engagement.id, None, DeadlineKind.KICKOFF)
    if kickoff is None:
        kickoff = Deadline(
            engagement_id=engagement.id,
            kind=DeadlineKind.KICKOFF,
            title="Kick-off",
            due_on=day,
            day=day,
            source="manual",
            created_at=now,
        )
        session.add(kickoff)
    else:
        kickoff.due_on, kickoff.due_at, kickoff.day = day, None, day
        kickoff.version += 1
    session.flush()
    place_following(session, kickoff, ground, now=now)


@dataclass(frozen=True)
class EngagementChange:
    """What is to change; what is not named stays. `status` puts on hold, cancels or takes up again.

    `agreement` is a mapping of the agreement's own fields, of which what is not named stays too.
    """

    version: int | None
    values: dict[str, object]


EDITABLE = ("name", "type", "time_zone", "slack_channel", "internal_slack_channel", "account_rep", "status")


def edit_engagement(
    session: AnySession, actor: Actor, engagement_id: UUID, change: EngagementChange, *, now: datetime
) -> Engagement:
    """Change an engagement's fields. Raises NotFound, NotAllowed, EditedMeanwhile, Invalid."""
    engagement = engagements.get(session, actor, engagement_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    if "time_zone" in change.values:
        # Its blocks of PS hours end at another moment. Their pool comes before the engagement, as in a booking.
        budgets.hold_pool(session, engagement.id)
    # Read anew under the lock: two edits of one version may cross.
    session.refresh(engagement, with_for_update=AGAINST_EDITS)
    if change.version is not None and change.version != engagement.version:
        raise EditedMeanwhile
    _check_change(change)
    agreement, recounted = _agree_anew(session, actor, engagement, change.values.get("agreement"))
    if change.values.get("type") == "managed" and agreement is None:
        raise Invalid([NEEDS_AGREEMENT])
    values = _tidied({name: value for name, value in change.values.items() if name != "agreement"})
    for name in EDITABLE:
        if name in values:
            value = values[name]
            setattr(engagement, name, read_line(str(value), NAME_LENGTH) if name == "name" else value)
    if values.get("engagement_manager"):
        engagement.manager_id = _manager(session, actor, str(values["engagement_manager"]))
    if isinstance(kickoff := values.get("kickoff_on"), date):
        set_kickoff(session, engagement, kickoff, now=now)
    engagement.version += 1
    session.flush()
    if {"slack_channel", "internal_slack_channel"} & set(values):
        redirect(session, engagement)
    if "time_zone" in values:
        replan_turns(session, engagement, now=now)
    if values or "agreement" not in change.values:
        audit.record(session, actor, engagement.id, "engagement.edited", ("engagement", engagement.id), dict(values))
    _consider_anew(session, engagement, change, now=now)
    (recount if recounted else replan)(session, engagement, now=now)
    return engagement


def _consider_anew(session: AnySession, engagement: Engagement, change: EngagementChange, *, now: datetime) -> None:
    """What belongs to the engagement as a whole; and every site, where it has become a managed one."""
    consider_engagement(session, engagement, now=now)
    if change.values.get("type") == "managed":
        consider_sites(session, engagement, sites.of_engagement(session, engagement.id), now=now)


def _agree_anew(session: AnySession, actor: Actor, engagement: Engagement, said: object) -> tuple[Agreement | None, bool]:
    """Correct the agreement or enter one later; returns it, and whether the dates have to be counted anew."""
    agreement = engagements.agreement_of(session, engagement.id)
    if not isinstance(said, Mapping):
        return agreement, False
    before = None if agreement is None else {name: getattr(agreement, name) for name in TERMS}
    spec = AgreementSpec.of(ASSUMED | (before or {}) | dict(said))
    if errors := _check_agreement(spec):
        raise Invalid(errors)
    spec.windows.check()
    after = spec.terms
    if after == before:
        return agreement, False
    moved = agreement is None or agreement.windows != spec.windows
    if agreement is None:
        agreement = _agreement(engagement.id, spec)
        session.add(agreement)
    for name, value in after.items():
        setattr(agreement, name, value)
    session.flush()
    subject = ("agreement", agreement.id)
    audit.record(session, actor, engagement.id, "agreement.changed", subject, {"before": before, "after": after})
    return agreement, moved


def _tidied(values: dict[str, object]) -> dict[str, object]:
    """What is stored of a change that can stand: names tidied, an empty text as nothing."""
    tidy = {name: value or None if isinstance(value, str) else value for name, value in values.items()}
    return tidy | {name: read_line(str(tidy[name]), NAME_LENGTH) for name in ("name", "account_rep") if tidy.get(name)}


def _check_change(change: EngagementChange) -> None:
    values = change.values
    errors: list[FieldError] = []
    if "name" in values:
        errors += check_line("name", str(values["name"] or ""))
    if values.get("account_rep"):
        errors += check_line("account_rep", str(values["account_rep"]))
    if "type" in values and values["type"] not in TYPES:
        errors.append(FieldError("type", f"Choose one of: {', '.join(TYPES)}."))
    if "time_zone" in values:
        errors += check_zone(str(values["time_zone"]))
    if "status" in values and values["status"] not in ("active", "on_hold", "cancelled"):
        errors.append(FieldError("status", "Choose one of: active, on_hold, cancelled."))
    channels = [values.get(name) for name in ("slack_channel", "internal_slack_channel")]
    errors += _check_channels(*[str(channel) if channel else None for channel in channels])
    kickoff = values.get("kickoff_on")
    if isinstance(kickoff, date) and not 2000 <= kickoff.year <= 2099:
        errors.append(FieldError("kickoff_on", f"The year {kickoff.year:04d} is not plausible."))
    if errors:
        raise Invalid(errors)


def add_member(session: AnySession, actor: Actor, engagement_id: UUID, person_id: UUID, *, now: datetime) -> Person:
    """Assign somebody of the staff; doing so twice changes nothing. Raises NotFound, NotAllowed, Invalid at `person`."""
    engagement = engagements.get(session, actor, engagement_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    session.refresh(engagement, with_for_update=AGAINST_EDITS)
    person = session.get(Person, person_id)
    if person is None or person.role not in STAFF or person.deactivated_at is not None:
        raise Invalid.at("person", "Only active members of the staff are assigned; customers see their engagements anyway.")
    if engagements.active_member(session, engagement.id, person.id) is None:
        session.add(Member(engagement_id=engagement.id, person_id=person.id, joined_at=now))
        audit.record(session, actor, engagement.id, "member.added", ("person", person.id), {"name": person.name})
    return person


def remove_member(session: AnySession, actor: Actor, engagement_id: UUID, person_id: UUID, *, now: datetime) -> None:
    """End an assignment. What the person did stays theirs. Raises NotFound, NotAllowed."""
    engagement = engagements.get(session, actor, engagement_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    member = engagements.active_member(session, engagement.id, person_id)
    if member is None:
        raise NotFound
    if engagement.manager_id == person_id:
        raise Guard("The engagement manager stays assigned. Name another manager first.", rule="manager_assigned")
    member.left_at = now
    audit.record(session, actor, engagement.id, "member.removed", ("person", person_id))


def _say(engagement: Engagement) -> dict[str, object]:
    return {
        "name": engagement.name,
        "type": engagement.type,
        "time_zone": engagement.time_zone,
        "customer_id": engagement.customer_id,
    }
