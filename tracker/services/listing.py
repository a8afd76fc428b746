"""Puts a site on an engagement's list, with the budgets of its package and its duties. Use cases share it; no edge calls it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tracker.domain.access import Actor
from tracker.domain.budget import BudgetKind, entitled
from tracker.domain.errors import Invalid
from tracker.domain.listing import DEFAULTS
from tracker.domain.listing import read_values as read_values
from tracker.domain.site import check_multisite, check_package, check_variant, read_facts
from tracker.services.obligations import begin_sites
from tracker.services.scoping import changed_of, consider, consider_sites, known_of, note_sources
from tracker.store import audit
from tracker.store import budget as budgets
from tracker.store import site as sites
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.site import Site


def list_site(
    session: AnySession,
    actor: Actor,
    engagement: Engagement,
    values: dict[str, Any],
    *,
    now: datetime,
    listed_in_version: int | None = None,
) -> Site:
    """Put a site on the list, with its scope. The engagement's row is held by the caller, who has checked that the list is open.

    Raises Invalid naming every field that cannot stand.
    """
    return list_sites(session, actor, engagement, [values], now=now, listed_in_version=listed_in_version)[0]


def list_sites(
    session: AnySession,
    actor: Actor,
    engagement: Engagement,
    many: Sequence[dict[str, Any]],
    *,
    now: datetime,
    listed_in_version: int | None = None,
) -> list[Site]:
    """The same for several at once, in as many statements as for one. Raises Invalid for the first that cannot stand."""
    made = put_on_list(session, actor, engagement, many, now=now, listed_in_version=listed_in_version)
    consider_sites(session, engagement, made, now=now)
    return made


def put_on_list(
    session: AnySession,
    actor: Actor,
    engagement: Engagement,
    many: Sequence[dict[str, Any]],
    *,
    now: datetime,
    listed_in_version: int | None = None,
) -> list[Site]:
    """The same without the scope, for who has them considered later, together with others."""
    made = []
    for values in many:
        read = read_values(DEFAULTS | values)
        read["facts"] = read_facts(read["facts"])
        site = Site(engagement_id=engagement.id, stage="listed", listed_in_version=listed_in_version, created_at=now, **read)
        check_multisite(site.cms, site.facts, site.multisite_decision)
        made.append(site)
    check_whole(session, *made)
    session.add_all(made)
    session.flush()
    for site in made:
        session.add_all(_budgets(site, entitled(site.package, site.premium_option)))
        note_sources(site, actor, known_of(site), source="listing", now=now)
        audit.record(session, actor, engagement.id, "site.added", ("site", site.id), {"name": site.name, "url": site.url})
    begin_sites(session, engagement, made, now=now)
    return made


def change_site(
    session: AnySession, actor: Actor, engagement: Engagement, site: Site, values: dict[str, Any], *, now: datetime
) -> None:
    """Write fields that were read, facts beside those that stay, and decide the scope anew by what is known now.

    The rows are held by the caller, who has checked what is fixed. Raises Invalid naming every field that cannot stand.
    """
    before = known_of(site)
    for name, value in values.items():
        setattr(site, name, site.facts | value if name == "facts" else value)
    with session.no_autoflush:
        check_whole(session, site)
    if "multisite_decision" in values:
        # A fact that became known later does not stand in the way of other edits.
        check_multisite(site.cms, site.facts, site.multisite_decision)
    note_sources(site, actor, changed_of(site, before), source="edit", now=now)
    site.version += 1
    session.flush()
    entitle(session, site)
    consider(session, engagement, site, now=now)
    named = {name: value for name, value in values.items() if name != "url_key"}
    audit.record(session, actor, site.engagement_id, "site.edited", ("site", site.id), named)


def check_whole(session: AnySession, *changed: Site) -> None:
    """Check sites of one engagement against their own rules and each other's addresses, in one statement. Raises Invalid."""
    for site in changed:
        check_package(site.package, site.premium_option)
        check_variant(site.cms, site.cms_variant)
    there = sites.at_addresses(session, changed[0].engagement_id, {site.url_key for site in changed})
    for site in changed:
        other = there.setdefault(site.url_key, site)
        if other is not site:
            raise Invalid.at("url", f"This engagement lists that address already, as {other.name}.")


def entitle(session: AnySession, site: Site) -> None:
    """Give a site the budgets of its package; before the requirements are agreed they may still change."""
    wanted = entitled(site.package, site.premium_option)
    found = {kind: budget for kind, budget in budgets.of_site(session, site.engagement_id, site.id).items() if budget.site_id}
    session.add_all(_budgets(site, {kind: minutes for kind, minutes in wanted.items() if kind not in found}))
    for kind, budget in found.items():
        if kind not in wanted:
            session.delete(budget)
    session.flush()


def _budgets(site: Site, wanted: Mapping[BudgetKind, int]) -> list[budgets.Budget]:
    return [
        budgets.Budget(engagement_id=site.engagement_id, site_id=site.id, kind=kind, limit_minutes=minutes)
        for kind, minutes in wanted.items()
    ]
