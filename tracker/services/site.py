"""List sites, edit them, and move them along their lifecycle."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.duty import BEFORE, DUTIES, DutyState, say_waiting
from tracker.domain.errors import EditedMeanwhile, Guard, UnlistedSite
from tracker.domain.lifecycle import advance
from tracker.domain.listing import AGREED_FIELDS, read_values
from tracker.domain.scope import say_unsettled
from tracker.domain.site import SITE_LIFECYCLE, SiteStage
from tracker.domain.uat import RoundState
from tracker.domain.workday import Calendar
from tracker.services.listing import change_site, list_site
from tracker.services.planning import replan, say_due
from tracker.services.rounds import open_round
from tracker.services.scoping import consider
from tracker.store import audit, requirements
from tracker.store import duty as duties
from tracker.store import engagement as engagements
from tracker.store import scope as scopes
from tracker.store import site as sites
from tracker.store import uat as rounds
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.site import Site

# Keeps other edits waiting, but not those who only refer to the row, such as a booking.
AGAINST_EDITS = {"key_share": True}


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
    return list_site(session, actor, engagement, change.values, now=now)


def edit_site(session: AnySession, actor: Actor, site_id: UUID, change: SiteChange, *, now: datetime) -> Site:
    """Change a site's fields. Raises NotFound, NotAllowed, EditedMeanwhile, Guard for what the agreed requirements fix."""
    site, engagement = sites.get_with_engagement(session, actor, site_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    _hold(session, site, engagement)
    if change.version is not None and change.version != site.version:
        raise EditedMeanwhile
    values = read_values(change.values)
    fixed = [name for name in AGREED_FIELDS if name in values and values[name] != getattr(site, name)]
    if site.listed_in_version is not None and fixed:
        raise Guard(
            f"The agreed requirements fix {', '.join(fixed)}. Raise a change request to change that.",
            rule="BR-47",
            missing=["change_request"],
        )
    change_site(session, actor, engagement, site, values, now=now)
    replan(session, engagement, now=now)
    return site


def _hold(session: AnySession, site: Site, engagement: Engagement) -> None:
    """Take both rows for this unit and read them anew: two edits of one version may cross, or an edit and the agreement."""
    session.refresh(engagement, with_for_update=AGAINST_EDITS)
    session.refresh(site, with_for_update=AGAINST_EDITS)


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
    if engagement.type != "managed" or not scopes.holding_up_uat(session, site.id):
        facts.add("scope_settled")
    return facts | _facts_of_duties(session, site)


def _facts_of_duties(session: AnySession, site: Site) -> set[str]:
    """What duties have brought, and whether the acceptance test has lapsed under the agreed clause (reading 8)."""
    facts: set[str] = set()
    kept = {kind: row.duty.state for kind, row in duties.around_site(session, site).items()}
    if kept.get("site-inventory") == DutyState.DONE:
        facts.add("inventory_received")
    # Of a self-service engagement nothing is asked (BR-46 is a rule of managed work).
    if kept.get("content-freeze-notice") in (None, DutyState.DONE, DutyState.WAIVED):
        facts.add("content_freeze_told")
    last = rounds.latest_round(session, site.id)
    if last is not None and last.state == RoundState.LAPSED:
        facts.add("uat_lapsed")
    return facts


def waits_of(session: AnySession, site: Site, engagement: Engagement) -> dict[str, str]:
    """For each fact that is missing what it waits for: items of the scope, or a duty, whose it is and by when."""
    unsettled = scopes.holding_up_uat(session, site.id)
    said = {"scope_settled": say_unsettled(unsettled)} if unsettled else {}
    for kind, row in duties.around_site(session, site).items():
        fact = DUTIES[kind].brings
        if fact is not None and row.duty.state == DutyState.OPEN:
            due = say_due(row.deadline.dates, Calendar(engagement.time_zone), engagement.time_zone) if row.deadline else None
            said[fact] = say_waiting(row.duty.title, row.owner, due)
    return said


def open_before(session: AnySession, site: Site) -> dict[str, list[str]]:
    """For each step, the open duties that should come first without holding it up (BR-09, BR-10)."""
    kept = duties.around_site(session, site)
    return {
        step: [kept[kind].duty.title for kind in kinds if kind in kept and kept[kind].duty.state == DutyState.OPEN]
        for step, kinds in BEFORE.items()
    }


def move_site(session: AnySession, actor: Actor, site_id: UUID, to: str, *, now: datetime) -> Site:
    """Take one step of the lifecycle. Raises NotFound, NotAllowed, Guard with all that is missing."""
    site, engagement = sites.get_with_engagement(session, actor, site_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    _hold(session, site, engagement)
    before = site.stage
    facts, waits = site_facts(session, site, engagement), waits_of(session, site, engagement)
    site.stage = advance(SITE_LIFECYCLE, site.stage, to, facts, waits)
    site.version += 1
    session.flush()
    audit.record(session, actor, site.engagement_id, "site.moved", ("site", site.id), {"from": before, "to": to})
    if site.stage == SiteStage.WITHDRAWN:
        consider(session, engagement, site, now=now)
    elif site.stage == SiteStage.IN_UAT:
        open_round(session, actor, site, engagement, now=now)
    replan(session, engagement, now=now)
    return site
