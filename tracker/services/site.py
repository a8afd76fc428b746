"""List sites, edit them, and move them along their lifecycle."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.budget import entitled
from tracker.domain.errors import EditedMeanwhile, FieldError, Guard, Invalid, UnlistedSite
from tracker.domain.lifecycle import advance
from tracker.domain.site import (
    CMS,
    CMS_VARIANTS,
    MULTISITE_DECISIONS,
    PACKAGES,
    PLANS,
    PREMIUM_OPTIONS,
    SITE_LIFECYCLE,
    UPSTREAM_CHOICES,
    check_facts,
    check_package,
    check_variant,
    read_address,
    read_facts,
)
from tracker.domain.text import TextError, read_line
from tracker.services.planning import replan
from tracker.store import audit, requirements
from tracker.store import budget as budgets
from tracker.store import engagement as engagements
from tracker.store import site as sites
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.site import Site

NAME_LENGTH = 200
# Keeps other edits waiting, but not those who only refer to the row, such as a booking.
AGAINST_EDITS = {"key_share": True}
# A change may leave these out, but not empty them.
NEVER_EMPTY = ("name", "url", "cms", "package", "facts")
# What the requirements list of a site: fixed once they are agreed, changed by a change request only.
AGREED_FIELDS = ("name", "url", "package", "premium_option", "cms", "multisite_decision")
CHOICES = {
    "cms": CMS,
    "cms_variant": CMS_VARIANTS,
    "plan": PLANS,
    "package": PACKAGES,
    "premium_option": PREMIUM_OPTIONS,
    "upstream_choice": UPSTREAM_CHOICES,
    "multisite_decision": MULTISITE_DECISIONS,
}


@dataclass(frozen=True)
class SiteChange:
    """The fields of a site that are entered or changed; a field that is not named stays."""

    values: dict[str, Any]
    version: int | None = None


def add_site(session: AnySession, actor: Actor, engagement_id: UUID, change: SiteChange, *, now: datetime) -> Site:
    """List a site, with the budgets its package brings.

    Raises NotFound, NotAllowed, UnlistedSite once the requirements are agreed (BR-01, BR-47), and Invalid at the field.
    """
    engagement = engagements.get(session, actor, engagement_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    session.refresh(engagement, with_for_update=AGAINST_EDITS)
    if engagement.requirements_version > 0:
        raise UnlistedSite("The requirements are agreed, and this site is not in them. Raise a change request to add it.")
    values = {"package": "standard", "premium_option": None, "cms_variant": None, "facts": {}} | change.values
    read = _read(values)
    site = Site(engagement_id=engagement.id, stage="listed", created_at=now, **read | {"facts": read_facts(read["facts"])})
    _check_whole(session, site)
    session.add(site)
    session.flush()
    _entitle(session, site)
    audit.record(session, actor, engagement.id, "site.added", ("site", site.id), {"name": site.name, "url": site.url})
    return site


def edit_site(session: AnySession, actor: Actor, site_id: UUID, change: SiteChange, *, now: datetime) -> Site:
    """Change a site's fields. Raises NotFound, NotAllowed, EditedMeanwhile, Guard for what the agreed requirements fix."""
    site, engagement = sites.get_with_engagement(session, actor, site_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    _hold(session, site, engagement)
    if change.version is not None and change.version != site.version:
        raise EditedMeanwhile
    values = _read(change.values)
    fixed = [name for name in AGREED_FIELDS if name in values and values[name] != getattr(site, name)]
    if site.listed_in_version is not None and fixed:
        raise Guard(
            f"The agreed requirements fix {', '.join(fixed)}. Raise a change request to change that.",
            rule="BR-47",
            missing=["change_request"],
        )
    for name, value in values.items():
        setattr(site, name, site.facts | value if name == "facts" else value)
    with session.no_autoflush:
        _check_whole(session, site)
    site.version += 1
    session.flush()
    _entitle(session, site)
    audit.record(
        session, actor, site.engagement_id, "site.edited", ("site", site.id), {name: values[name] for name in change.values}
    )
    replan(session, engagement, now=now)
    return site


def _hold(session: AnySession, site: Site, engagement: Engagement) -> None:
    """Take both rows for this unit and read them anew: two edits of one version may cross, or an edit and the agreement."""
    session.refresh(engagement, with_for_update=AGAINST_EDITS)
    session.refresh(site, with_for_update=AGAINST_EDITS)


def _read(values: dict[str, Any]) -> dict[str, Any]:
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


def _check_whole(session: AnySession, site: Site) -> None:
    check_package(site.package, site.premium_option)
    check_variant(site.cms, site.cms_variant)
    for other in sites.of_engagement(session, site.engagement_id):
        if other.id != site.id and other.url_key == site.url_key and other.stage != "withdrawn":
            raise Invalid.at("url", f"This engagement lists that address already, as {other.name}.")


def _entitle(session: AnySession, site: Site) -> None:
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


def site_facts(session: AnySession, site: Site, engagement: Engagement) -> set[str]:
    """What is true of a site as far as the steps of its lifecycle ask."""
    facts: set[str] = set()
    agreed = requirements.latest(session, engagement.id)
    if agreed is not None and site.listed_in_version is not None:
        facts.add("requirements_agreed")
        if requirements.signature(session, engagement.id, "requirements", agreed.hash):
            facts.add("requirements_signed")
    facts |= {
        f"{subject}_signed"
        for subject in requirements.signed_subjects(session, engagement.id, site.id)
        if subject != "requirements"
    }
    if sites.inventory_received(session, engagement.id):
        facts.add("inventory_received")
    return facts


def move_site(session: AnySession, actor: Actor, site_id: UUID, to: str, *, now: datetime) -> Site:
    """Take one step of the lifecycle. Raises NotFound, NotAllowed, Guard with all that is missing."""
    site, engagement = sites.get_with_engagement(session, actor, site_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    _hold(session, site, engagement)
    before = site.stage
    site.stage = advance(SITE_LIFECYCLE, site.stage, to, site_facts(session, site, engagement))
    site.version += 1
    session.flush()
    audit.record(session, actor, site.engagement_id, "site.moved", ("site", site.id), {"from": before, "to": to})
    replan(session, engagement, now=now)
    return site
