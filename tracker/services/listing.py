"""Puts a site on an engagement's list, with the budgets of its package. Use cases share it; no edge calls it."""

from datetime import datetime
from typing import Any

from tracker.domain.access import Actor
from tracker.domain.budget import entitled
from tracker.domain.errors import FieldError, Invalid
from tracker.domain.site import (
    CMS,
    CMS_VARIANTS,
    MULTISITE_DECISIONS,
    PACKAGES,
    PLANS,
    PREMIUM_OPTIONS,
    UPSTREAM_CHOICES,
    check_facts,
    check_multisite,
    check_package,
    check_variant,
    read_address,
    read_facts,
)
from tracker.domain.text import TextError, read_line
from tracker.services.scoping import consider, known_of, note_sources
from tracker.store import audit
from tracker.store import budget as budgets
from tracker.store import site as sites
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.site import Site

NAME_LENGTH = 200
# A change may leave these out, but not empty them.
NEVER_EMPTY = ("name", "url", "cms", "package", "facts")
CHOICES = {
    "cms": CMS,
    "cms_variant": CMS_VARIANTS,
    "plan": PLANS,
    "package": PACKAGES,
    "premium_option": PREMIUM_OPTIONS,
    "upstream_choice": UPSTREAM_CHOICES,
    "multisite_decision": MULTISITE_DECISIONS,
}
DEFAULTS: dict[str, Any] = {"package": "standard", "premium_option": None, "cms_variant": None, "facts": {}}


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
    site = put_on_list(session, actor, engagement, values, now=now, listed_in_version=listed_in_version)
    consider(session, engagement, site, now=now)
    return site


def put_on_list(
    session: AnySession,
    actor: Actor,
    engagement: Engagement,
    values: dict[str, Any],
    *,
    now: datetime,
    listed_in_version: int | None = None,
) -> Site:
    """The same without the scope: who lists many sites at once has them considered together (`scoping.consider_sites`)."""
    read = read_values(DEFAULTS | values)
    site = Site(
        engagement_id=engagement.id,
        stage="listed",
        listed_in_version=listed_in_version,
        created_at=now,
        **read | {"facts": read_facts(read["facts"])},
    )
    check_whole(session, site)
    check_multisite(site.cms, site.facts, site.multisite_decision)
    session.add(site)
    session.flush()
    entitle(session, site)
    note_sources(site, actor, known_of(site), source="listing", now=now)
    audit.record(session, actor, engagement.id, "site.added", ("site", site.id), {"name": site.name, "url": site.url})
    return site


def read_values(values: dict[str, Any]) -> dict[str, Any]:
    """Turn what was entered into what is stored. Raises Invalid naming every field that cannot stand."""
    errors: list[FieldError] = []
    read = dict(values)
    for field in ("name", "cms_version"):
        if values.get(field):
            try:
                read[field] = read_line(values[field], NAME_LENGTH)
            except TextError as error:
                errors.append(FieldError(field, str(error)))
    if values.get("url"):
        try:
            address = read_address(values["url"])
            read["url"], read["url_key"] = address.url, address.key
        except Invalid as error:
            errors += error.errors
    empty = [field for field in NEVER_EMPTY if field in read and (read[field] is None or read[field] == "")]
    errors += [FieldError(field, "Fill this in.") for field in empty]
    for field, choices in CHOICES.items():
        if values.get(field) is not None and values[field] not in choices:
            errors.append(FieldError(field, f"Choose one of: {', '.join(choices)}."))
    if errors:
        raise Invalid(errors)
    if "facts" in values:
        read["facts"] = check_facts(values["facts"])
    return read


def check_whole(session: AnySession, site: Site) -> None:
    check_package(site.package, site.premium_option)
    check_variant(site.cms, site.cms_variant)
    for other in sites.of_engagement(session, site.engagement_id):
        if other.id != site.id and other.url_key == site.url_key and other.stage != "withdrawn":
            raise Invalid.at("url", f"This engagement lists that address already, as {other.name}.")


def entitle(session: AnySession, site: Site) -> None:
    """Give a site the budgets of its package; before the requirements are agreed they may still change."""
    wanted = entitled(site.package, site.premium_option)
    found = {kind: budget for kind, budget in budgets.of_site(session, site.engagement_id, site.id).items() if budget.site_id}
    for kind, minutes in wanted.items():
        if kind not in found:
            session.add(budgets.Budget(engagement_id=site.engagement_id, site_id=site.id, kind=kind, limit_minutes=minutes))
    for kind, budget in found.items():
        if kind not in wanted:
            session.delete(budget)
    session.flush()
