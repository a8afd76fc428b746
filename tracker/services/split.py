"""Split a network or a Drupal multisite: one listed site for each target, each with hours of its own (reading 10)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.errors import EditedMeanwhile, FieldError, Guard, Invalid
from tracker.domain.split import FEWEST, MOST, Target, check_distinct, what_splits
from tracker.services.listing import put_on_list
from tracker.services.planning import replan
from tracker.services.scoping import consider_sites, hold, known_of
from tracker.store import audit
from tracker.store import scope as scopes
from tracker.store import site as sites
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.site import Site

CARRIED_OVER = ("cms", "cms_variant", "cms_version", "upstream_choice")
# On a target these are answered by the split itself.
ANSWERED_BY_SPLITTING = {"drupal_multisite": False, "legacy_blogs_dir": None}


@dataclass(frozen=True)
class Split:
    """The sites that one is split into."""

    targets: Sequence[Target]
    version: int | None = None


def split_site(session: AnySession, actor: Actor, site_id: UUID, split: Split, *, now: datetime) -> list[Site]:
    """List each target as a site with its own allowance, and withdraw the line that they come from.

    Raises NotFound, NotAllowed, EditedMeanwhile, Guard where there is nothing to split or the requirements are agreed
    (BR-47), and Invalid at `targets.<number>.<field>`, from 0. Nothing is half done.
    """
    source, engagement = sites.get_with_engagement(session, actor, site_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    hold(session, engagement, source)
    if split.version is not None and split.version != source.version:
        raise EditedMeanwhile
    item = check_can_split(source, engagement)
    check_targets(session, source, split.targets)
    before = source.stage
    source.stage, source.multisite_decision = "withdrawn", "split"
    source.version += 1
    session.flush()
    made = _list_all(session, actor, engagement, source, split.targets, now)
    for site in made:
        # What is carried over was said about the source: by whom and when goes along.
        kept = {
            key: each for key, each in (source.fact_sources or {}).items() if known_of(site).get(key) == known_of(source).get(key)
        }
        site.fact_sources = {**site.fact_sources, **kept}
    consider_sites(session, engagement, [source, *made], now=now)
    _keep_the_work(session, actor, source, made, item, now)
    told: dict[str, Any] = {"from": before, "reason": "split", "into": [str(site.id) for site in made]}
    audit.record(session, actor, engagement.id, "site.split", ("site", source.id), told)
    replan(session, engagement, now=now)
    return made


def check_targets(session: AnySession, source: Site, targets: Sequence[Target]) -> None:
    """Raises Invalid for too few or too many targets, and at each whose address is none, or is listed already."""
    if not FEWEST <= len(targets) <= MOST:
        raise Invalid.at("targets", f"Name {FEWEST} to {MOST} sites; here are {len(targets)}.")
    others = [site for site in sites.of_engagement(session, source.engagement_id) if site.stage != "withdrawn"]
    check_distinct(targets, {site.url_key: site.name for site in others if site.id != source.id})


def check_can_split(source: Site, engagement: Engagement) -> str:
    """The scope item under which a site is split. Raises Guard."""
    if engagement.requirements_version > 0:
        raise Guard(
            "The requirements are agreed, and they list this site as one. Raise a change request to split it.",
            rule="BR-47",
            missing=["change_request"],
        )
    if source.stage == "withdrawn":
        raise Guard("This site has left the engagement; there is nothing to split.", rule="order", missing=[])
    return what_splits(source.cms, source.network, source.facts)


def _list_all(
    session: AnySession, actor: Actor, engagement: Engagement, source: Site, targets: Sequence[Target], now: datetime
) -> list[Site]:
    """List every target; the faults of all of them are told at once."""
    made: list[Site] = []
    faults: list[FieldError] = []
    for number, target in enumerate(targets):
        try:
            with session.begin_nested():
                made += put_on_list(session, actor, engagement, [_values(source, target)], now=now)
        except Invalid as error:
            faults += [FieldError(f"targets.{number}.{each.field}", each.message) for each in error.errors]
    if faults:
        raise Invalid(faults)
    return made


def _values(source: Site, target: Target) -> dict[str, Any]:
    """A target has what its source has, but is a single site."""
    carried = {name: getattr(source, name) for name in CARRIED_OVER}
    named = {name: value for name, value in vars(target).items() if value is not None}
    facts = {**source.facts, **ANSWERED_BY_SPLITTING}
    return {**carried, "plan": source.plan, "network": False, "facts": facts, **named}


def _keep_the_work(session: AnySession, actor: Actor, source: Site, made: Sequence[Site], name: str, now: datetime) -> None:
    """The split itself is work on each target, with its proof there, although the target is a single site."""
    for site in made:
        for item in scopes.of_site(session, site.id):
            if item.item == name:
                item.decision, item.reason = "included", f"This site is split off {source.name}."
                item.by_rule, item.decided_by, item.decided_at = False, actor.person_id, now
                item.version += 1
    session.flush()
