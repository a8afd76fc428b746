"""Answer the questionnaire about a site. Whoever is on the engagement may answer; the scope follows at once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.errors import EditedMeanwhile, NotAllowed
from tracker.domain.fact import COLUMN_FACTS, check_columns
from tracker.domain.site import check_facts
from tracker.services.scoping import consider, hold, put_facts
from tracker.store import audit
from tracker.store import site as sites
from tracker.store.database import AnySession
from tracker.store.site import Site


@dataclass(frozen=True)
class FactsChange:
    """What was answered; what is not named stays, and None says that nobody knows yet."""

    said: dict[str, Any]
    version: int | None = None


def answer_facts(session: AnySession, actor: Actor, site_id: UUID, change: FactsChange, *, now: datetime) -> Site:
    """Write what was answered about a site, with who said it, and decide its scope anew.

    Raises NotFound, NotAllowed for what the team decides, EditedMeanwhile, and Invalid at `facts.<key>`.
    """
    site, engagement = sites.get_with_engagement(session, actor, site_id)
    actor.must(Permission.ANSWER)
    of_team = [key for key, fact in COLUMN_FACTS.items() if key in change.said and fact.side == "team"]
    if of_team and not actor.may(Permission.EDIT_ENGAGEMENT):
        raise NotAllowed("Plan and code base are settled by the team.")
    hold(session, engagement, site)
    if change.version is not None and change.version != site.version:
        raise EditedMeanwhile
    said = read_facts(change.said)
    if not said:
        return site
    put_facts(site, actor, said, source="questionnaire", now=now)
    site.version += 1
    session.flush()
    audit.record(session, actor, site.engagement_id, "site.facts_answered", ("site", site.id), said)
    consider(session, engagement, site, now=now)
    return site


def read_facts(said: dict[str, Any]) -> dict[str, Any]:
    """What was said as it is stored. Raises Invalid at the fact."""
    columns = {key: value for key, value in said.items() if key in COLUMN_FACTS}
    return check_facts({key: value for key, value in said.items() if key not in COLUMN_FACTS}) | check_columns(columns)
