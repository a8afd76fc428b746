"""Shared presentation: rows as the templates show them, each by a small function, none with a query of its own."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from wtforms import Form as AnyForm

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission, Role
from tracker.domain.budget import BUDGET_LABELS, BudgetKind, WorkKind
from tracker.domain.fact import FACTS, PLAN_NAMES, UPSTREAM_NAMES, Fact
from tracker.domain.lifecycle import Need, Step, say_state
from tracker.domain.ps_block import LEADS, BlockState, say_term, state_of
from tracker.domain.text import initials
from tracker.domain.workday import Calendar
from tracker.store.budget import Budget, PsBlock
from tracker.store.cover import CoverRow
from tracker.store.engagement import Agreement, Engagement
from tracker.store.notice import OutboxNotice
from tracker.store.person import Person
from tracker.store.requirements import ProjectRequirements, Signature, document_digest
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry
from tracker.store.timer import Waiting
from tracker.web.filters import say_day, say_moment, say_short_day

SOON_DAYS = 3


class Shown(SimpleNamespace):
    """What a template shows of one thing."""


CUSTOMER_ENTRY_STATES = ("submitted", "approved", "reversed", "reversal")
STAFF_ENTRY_STATES = ("draft", "rejected", *CUSTOMER_ENTRY_STATES)

CMS_LABELS = {"wordpress": "WordPress", "drupal": "Drupal"}
VARIANT_LABELS = {"drupal-7": "Drupal 7", "drupal-composer": "Drupal, built with Composer"}
PACKAGE_LABELS = {"standard": "Standard", "premium": "Premium"}
PLAN_LABELS = PLAN_NAMES
PREMIUM_LABELS = {
    "extra-hours-10": "Ten more hours",
    "custom-upstream": "One custom upstream",
    "blogs-dir-conversion": "Convert a network from blogs.dir",
    "extra-content-resync": "One more content resync",
    "performance-report": "Performance report",
    "cron-custom-module": "Cron by a custom module",
}
UPSTREAM_LABELS = UPSTREAM_NAMES
MULTISITE_LABELS = {"keep": "Stays one network", "split": "Split into single sites"}
TYPE_LABELS = {"managed": "Managed migration", "self_service": "Guided self-service migration"}
STATUS_LABELS = {"active": "Running", "on_hold": "On hold", "cancelled": "Cancelled"}
SILENCE_LABELS = {"hold": "We wait for an answer", "proceed": "We go on as agreed"}


def choices(labels: Mapping[str, str], empty: str | None = None) -> dict[str, str]:
    """What a select offers, with a first line for nothing where nothing may be chosen."""
    return ({} if empty is None else {"": empty}) | dict(labels)


def count_of(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def stage_label(stage: str) -> str:
    """A stage as people read it."""
    return say_state(stage).replace("kickoff", "kick-off")


# Dates


def budget_row(budget: Budget) -> Shown:
    """One budget with its bar."""
    balance = budget.balance
    note = {
        BudgetKind.ALLOWANCE: "for this site only",
        BudgetKind.PREMIUM_EXTRA: "for this site only",
        BudgetKind.PS: "for all sites together",
    }[balance.kind]
    return Shown(
        kind=balance.kind,
        label=BUDGET_LABELS[balance.kind],
        note=note,
        limit=balance.limit,
        used=balance.used,
        held=balance.held,
        left=balance.left,
        warn=balance.warn,
    )


def hours_of_sites(budgets: Iterable[Budget]) -> Shown | None:
    """What all sites of an engagement have together; None without a site."""
    balances = [budget.balance for budget in budgets if budget.site_id is not None]
    if not balances:
        return None
    limit, used, held = (sum(getattr(each, name) for each in balances) for name in ("limit", "used", "held"))
    return Shown(limit=limit, used=used, held=held, warn=(used + held) * 100 >= 80 * limit)


def sites_close_to_cap(budgets: Iterable[Budget]) -> str | None:
    """How many sites have used up most of a budget."""
    close = {budget.site_id for budget in budgets if budget.site_id is not None and budget.balance.warn}
    return f"{count_of(len(close), 'site')} close to {'its' if len(close) == 1 else 'their'} hour cap" if close else None


def today_of(engagement: Engagement) -> date:
    """The day it is for an engagement now."""
    return Calendar(engagement.time_zone).local_date(utc_now())


def ps_card(pool: Budget | None, blocks: Sequence[PsBlock], actor: Actor, today: date) -> Shown | None:
    """The pool of PS hours and its blocks; `today` is the engagement's day."""
    if pool is None:
        return None
    rows = [block_row(block, actor, today) for block in blocks]
    return Shown(**vars(budget_row(pool)), blocks=rows, any_lapsed=any(row.lapsed for row in rows))


def block_row(block: PsBlock, actor: Actor, today: date) -> Shown:
    """One block with how it stands, in words. Why one was voided is the team's own."""
    state = state_of(block.term, today, voided=block.voided_at is not None)
    said = say_term(block.term, today, left=block.left, lapsed=block.lapsed_minutes)
    if state is BlockState.VOIDED:
        said = f"voided: {block.void_reason}" if actor.may(Permission.SEE_INTERNAL) else "voided"
    warned = state is BlockState.OPEN and block.expires_on is not None and (block.expires_on - today).days <= LEADS[0]
    return Shown(
        id=block.id,
        reference=block.reference or "Without reference",
        purchased_on=say_day(block.purchased_on),
        minutes=block.limit_minutes,
        used=block.approved,
        held=block.booked - block.approved,
        left=block.left,
        lapsed=block.lapsed_minutes,
        state=state,
        state_label=said,
        ends_soon=warned and block.left > 0 and not block.carries_over,
        edit_url=f"/ps-blocks/{block.id}/edit" if actor.may(Permission.SELL_PS) and not block.voided_at else None,
        void_url=f"/ps-blocks/{block.id}/void",
    )


def say_block_term(valid_days: int | None, *, carry_over: bool) -> str:
    """What an agreement says of PS blocks, in words."""
    if valid_days is None:
        return "Do not end"
    return f"{count_of(valid_days, 'day')} from the purchase, then {'carried over' if carry_over else 'the rest lapses'}"


def entry_row(entry: TimeEntry, person: str, site: str, actor: Actor) -> Shown:
    """One time entry. What was taken back is shown to the customer without the note, which may be the team's own."""
    hidden = not actor.is_staff and entry.state in ("reversed", "reversal")
    return Shown(
        id=entry.id,
        url=f"/time/{entry.id}" if actor.may(Permission.SEE_INTERNAL) else None,
        worked_on=say_day(entry.worked_on),
        site_url=f"/sites/{entry.site_id}",
        site_name=site,
        person=person,
        kind_label=WorkKind(entry.kind).label,
        note="" if hidden else entry.note,
        minutes=entry.minutes,
        state_label=entry.state,
        state_tone=None,
    )


def unplaced_row(row: Waiting) -> Shown:
    """Unplaced time in a line: whose, how much, where, and why."""
    kept = row.time
    return Shown(
        url=f"/unplaced-time/{kept.id}",
        minutes=kept.minutes,
        person=row.person_name,
        site=row.site_name,
        engagement=row.engagement_name,
        worked_on=say_day(kept.worked_on),
        note=kept.note,
        why=kept.refused,
    )


def entry_states(actor: Actor) -> tuple[str, ...]:
    """The states whose entries somebody may read: a draft and what was rejected are the team's own."""
    return STAFF_ENTRY_STATES if actor.is_staff else CUSTOMER_ENTRY_STATES


# Sites


def site_row(site: Site, budgets: Iterable[Budget]) -> Shown:
    """One site as an engagement lists it."""
    package = PACKAGE_LABELS[site.package]
    extra = PREMIUM_LABELS.get(site.premium_option or "")
    return Shown(
        id=site.id,
        name=site.name,
        href=f"/sites/{site.id}",
        cms_label=" ".join(filter(None, [CMS_LABELS[site.cms], site.cms_version])),
        package_label=f"{package}: {extra[0].lower()}{extra[1:]}" if extra else package,
        stage_label=stage_label(site.stage),
        stage_tone=None,
        budgets=[budget_row(budget) for budget in budgets],
    )


def site_head(site: Site) -> Shown:
    """One site whole."""
    networks = {None: None, True: "Part of a network", False: "A single site"}
    network = ", ".join(filter(None, [networks[site.network], MULTISITE_LABELS.get(site.multisite_decision or "")]))
    return Shown(
        id=site.id,
        name=site.name,
        href=f"/sites/{site.id}",
        url=site.url,
        version=site.version,
        cms_label=VARIANT_LABELS.get(site.cms_variant or "") or CMS_LABELS[site.cms],
        cms_version=site.cms_version,
        package=site.package,
        package_label=PACKAGE_LABELS[site.package],
        premium_label=PREMIUM_LABELS.get(site.premium_option or ""),
        plan_label=PLAN_LABELS.get(site.plan or ""),
        upstream_label=UPSTREAM_LABELS.get(site.upstream_choice or ""),
        network_label=network or None,
        stage_label=stage_label(site.stage),
        stage_tone=None,
        is_listed=site.listed_in_version is not None,
    )


def site_facts(site: Site, actor: Actor) -> Shown:
    """What is known of a site, and for staff also what nobody has said yet."""
    said = {fact.label: _say_fact(fact, site.facts.get(key)) for key, fact in FACTS.items()}
    return Shown(
        known=[Shown(name=name, value=value) for name, value in said.items() if value is not None],
        unknown=[name for name, value in said.items() if value is None and actor.is_staff],
    )


def _say_fact(fact: Fact, value: Any) -> str | None:
    if value is None or isinstance(value, bool):
        return {None: None, True: "Yes", False: "No"}[value]
    return fact.choices.get(str(value), str(value))


def transition_row(step: Step, missing: Sequence[Need], open_duties: Sequence[str] = ()) -> Shown:
    """A step that a site can take, or what it still waits for; and which duties should come first without holding it up."""
    label = stage_label(step.to)
    sentences = [need.sentence for need in missing]
    return Shown(to=step.to, label=label[:1].upper() + label[1:], missing=sentences, open_duties=list(open_duties))


# Engagements


def engagement_head(engagement: Engagement, customer: str, manager: str, stage: str | None = None) -> Shown:
    """One engagement as its pages name it."""
    return Shown(
        id=engagement.id,
        name=engagement.name,
        url=f"/engagements/{engagement.id}",
        customer=customer,
        manager=manager,
        account_rep=engagement.account_rep,
        type=engagement.type,
        time_zone=engagement.time_zone,
        slack_channel=engagement.slack_channel,
        internal_slack_channel=engagement.internal_slack_channel,
        stage_label=stage_label(stage) if stage else None,
        stage_tone=None,
    )


def agreement_card(agreement: Agreement | None) -> Shown | None:
    """What was signed."""
    if agreement is None:
        return None
    return Shown(
        reference=agreement.reference,
        signed_on=say_day(agreement.signed_on),
        uat=count_of(agreement.uat_business_days, "business day"),
        cutover=count_of(agreement.cutover_business_days, "business day"),
        hypercare=count_of(agreement.hypercare_business_days, "business day"),
        uat_silence_label=SILENCE_LABELS[agreement.uat_silence],
        ps_blocks=say_block_term(agreement.ps_valid_days, carry_over=agreement.ps_carry_over),
        catalogue=f"Version {agreement.catalogue_version}",
        catalogue_url=f"/catalog?version={agreement.catalogue_version}",
    )


def requirements_card(
    document: Mapping[str, Any],
    agreed: ProjectRequirements | None,
    signature: Signature | None,
    names: Mapping[UUID, str],
    zone: str,
) -> Shown:
    """The list of sites as it is agreed and signed, or as it stands before; who did either, and when."""
    card = Shown(
        version=document["version"],
        sites=[listed_row(site) for site in document["sites"]],
        hash=agreed.hash if agreed is not None else document_digest(dict(document)),
        agreed_on=None,
        signed_on=None,
    )
    card.hash_short = card.hash[:12]
    if agreed is not None:
        card.agreed_on, card.agreed_by = _local_day(agreed.agreed_at, zone), names.get(agreed.agreed_by, "somebody")
    if signature is not None:
        card.signed_on, card.signed_by = _local_day(signature.signed_at, zone), names.get(signature.signed_by, "somebody")
    return card


def listed_row(site: Mapping[str, Any]) -> Shown:
    """One site as the requirements list it."""
    extra = PREMIUM_LABELS.get(site["premium_option"] or "")
    return Shown(
        name=site["name"],
        url=site["url"],
        package_label=": ".join(filter(None, [PACKAGE_LABELS[site["package"]], extra])),
        budgets=[(BUDGET_LABELS[BudgetKind(kind)], minutes) for kind, minutes in site["budgets"].items()],
    )


def _local_day(moment: datetime, zone: str) -> str:
    return say_day(moment.astimezone(ZoneInfo(zone)).date())


def member_rows(
    members: Sequence[Person], manager: Person, engagement_id: UUID, actor: Actor, covers: Mapping[UUID, CoverRow]
) -> list[Shown]:
    """Who works on it, the manager first; others may be taken off by whoever edits the engagement."""
    may_edit = actor.may(Permission.EDIT_ENGAGEMENT)
    everybody = [manager, *(member for member in members if member.id != manager.id)]
    return [
        Shown(
            name=person.name,
            initials=initials(person.name),
            cover=say_cover(covers.get(person.id)),
            role_label="Leads this engagement" if person is manager else Role(person.role).label,
            remove_url=f"/engagements/{engagement_id}/members/{person.id}/remove" if may_edit and person is not manager else None,
        )
        for person in everybody
    ]


def say_cover(row: CoverRow | None) -> str | None:
    """Who stands in for somebody, as it stands beside the name of who is away."""
    return None if row is None else f"{row.cover_name} covers until {say_short_day(row.cover.until_on)}"


def notice_row(notice: OutboxNotice, zone: str) -> Shown:
    """One notice that is still to come."""
    return Shown(
        headline=notice.headline, url=f"/notices/{notice.id}", due=say_moment(notice.due_at, zone), state=notice.state,
        state_tone=None,
    )  # fmt: skip


# Forms


def show_current(form: AnyForm, current: Mapping[str, Any]) -> None:
    """After a stale edit, say at each field that differs what stands there now."""
    for name, value in current.items():
        shown = form._fields.get(name)
        if shown is not None and (shown.data or None) != (value or None):
            labels = dict(getattr(shown, "choices", None) or ())
            shown.errors = [*shown.errors, f"Now: {labels.get(value, value) or 'empty'}"]
