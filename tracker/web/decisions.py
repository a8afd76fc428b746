"""How a scope is shown: its items grouped by decision, always in the same order, and how many there are of each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID
from zoneinfo import ZoneInfo

from tracker.domain.access import Actor, Permission
from tracker.domain.catalogue import Catalogue
from tracker.domain.scope import (
    DECISION_LABELS,
    EXCLUSION_CATEGORY,
    OWN_CATEGORY,
    WAYS_ON,
    WORK_LABELS,
    WORKED_ON,
    Decision,
    WorkState,
    about,
    holds_up_uat,
)
from tracker.store.engagement import Engagement
from tracker.store.scope import ScopeItem
from tracker.store.site import Site
from tracker.web.filters import say_day
from tracker.web.present import MULTISITE_LABELS, UPSTREAM_LABELS, Shown

WORK_TONES = {
    WorkState.PLANNED: "grey",
    WorkState.DOING: "blue",
    WorkState.DONE: "green",
    WorkState.NOT_NEEDED: "grey",
    WorkState.WAIVED: "amber",
}
DUE_LABELS = {"uat": "before UAT", "launch": "around the launch"}


@dataclass(frozen=True)
class ScopeView:
    """What the items of one engagement are shown by."""

    engagement: Engagement
    actor: Actor
    catalogue: Catalogue
    people: Mapping[UUID, str] = field(default_factory=dict)


def people_in(items: Iterable[ScopeItem]) -> set[UUID]:
    """Everybody whom items name."""
    return {person for item in items for person in (item.decided_by, item.proposed_by) if person is not None}


def item_row(item: ScopeItem, view: ScopeView) -> Shown:
    """One item. What an engineer proposes is the team's own until it is decided."""
    known, staff = about(view.catalogue, item.item), view.actor.is_staff
    worked_on = item.decision in WORKED_ON
    return Shown(
        id=item.id,
        url=f"/scope-items/{item.id}",
        item=item.item if staff and item.category != OWN_CATEGORY else None,
        title=item.title,
        decision=item.decision,
        decision_label=DECISION_LABELS[item.decision],
        reason=item.reason,
        clause=item.clause,
        way_on=_way_on(item, view.catalogue),
        decided=_say_decided(item, view),
        is_worked_on=worked_on,
        work_label=WORK_LABELS[item.work_state],
        work_tone=WORK_TONES[WorkState(item.work_state)],
        work_reason=item.work_reason,
        due_label=DUE_LABELS[item.due_before],
        holds_up_uat=holds_up_uat(item),
        evidence=item.evidence,
        verification=known.verification,
        limits=known.limits,
        inputs=known.inputs,
        note=known.note,
        proposed=_proposal(item, view) if staff else None,
        version=item.version,
        by_rule=item.by_rule,
        may_work=view.actor.may(Permission.WORK_ON_SITES),
    )


def _way_on(item: ScopeItem, catalogue: Catalogue) -> str | None:
    """How to get what is not part of the migration, in words."""
    if item.decision not in (Decision.OUT_OF_SCOPE, Decision.PS) or item.route is None:
        return None
    alternative = about(catalogue, item.item).note if item.category == EXCLUSION_CATEGORY else None
    words = WAYS_ON[item.route]
    if alternative is None:
        return words
    if item.route == "account-rep":
        return f"{words.removesuffix('.')} ({alternative})."
    return f"{words} {alternative[:1].upper()}{alternative[1:]}."


def _say_decided(item: ScopeItem, view: ScopeView) -> str:
    on = say_day(item.decided_at.astimezone(ZoneInfo(view.engagement.time_zone)).date())
    if item.by_rule:
        return f"by rule, {on}"
    return f"by {view.people.get(item.decided_by) or 'the team'}, {on}" if item.decided_by else f"by the team, {on}"


def _proposal(item: ScopeItem, view: ScopeView) -> Shown | None:
    if item.proposed_decision is None:
        return None
    by = view.people.get(item.proposed_by) if item.proposed_by else None
    return Shown(decision=item.proposed_decision, reason=item.proposed_reason, by=by or "Somebody of the team")


def groups_of(items: Sequence[ScopeItem], view: ScopeView) -> list[Shown]:
    """The items by decision, in the order that holds everywhere; decisions without an item are left out."""
    rows = [item_row(item, view) for item in items]
    grouped = [(decision, [row for row in rows if row.decision == decision]) for decision in Decision]
    return [Shown(decision=decision.value, label=DECISION_LABELS[decision], items=found) for decision, found in grouped if found]


def counts_row(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """How many items have which decision, in order, for badges; what is not needed is not counted."""
    return [(decision.value, counts[decision]) for decision in Decision if counts.get(decision) and decision != "not_applicable"]


def count(items: Iterable[ScopeItem]) -> list[tuple[str, int]]:
    """The same of items that were loaded."""
    found: dict[str, int] = {}
    for item in items:
        found[item.decision] = found.get(item.decision, 0) + 1
    return counts_row(found)


def upstream_card(site: Site, catalogue: Catalogue) -> Shown:
    """Which code base the target has, and what that means for its version (BR-16, BR-48)."""
    choice = catalogue.upstream_choices.get(site.upstream_choice or "")
    policy = f"{choice.version_policy[:1].upper()}{choice.version_policy[1:]}." if choice else None
    return Shown(label=UPSTREAM_LABELS.get(site.upstream_choice or ""), policy=policy)


def multisite_card(site: Site, *, may_edit: bool) -> Shown | None:
    """What becomes of a network or a Drupal multisite; None for a single site."""
    is_multisite = site.facts.get("drupal_multisite") is True
    if not is_multisite and not (site.cms == "wordpress" and site.network):
        return None
    why = "The platform runs one code base and one database for each site, so a Drupal multisite is always split."
    decided = MULTISITE_LABELS.get(site.multisite_decision or "")
    return Shown(
        what="A Drupal multisite" if is_multisite else "A WordPress network",
        decision=decided or ("To be split" if is_multisite else None),
        why=why if is_multisite else None,
        split_url=f"/sites/{site.id}/split" if may_edit and site.stage != "withdrawn" else None,
    )
