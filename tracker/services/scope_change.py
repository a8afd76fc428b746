"""Writes a decision about the scope that came by change request. Use cases share it; no edge calls it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from tracker.domain.access import Actor
from tracker.domain.catalogue import Catalogue
from tracker.domain.change import Scope, slug_of
from tracker.services.standing import titles_of
from tracker.store import audit
from tracker.store.database import AnySession
from tracker.store.scope import ScopeItem

OWN = "own"


@dataclass(frozen=True)
class Origin:
    """Who decided, and by which paper."""

    decided_by: UUID
    clause: str


def decide(
    session: AnySession,
    actor: Actor,
    engagement_id: UUID,
    change: Scope,
    catalogue: Catalogue,
    origin: Origin,
    *,
    now: datetime,
) -> ScopeItem:
    """Put a decision on a scope item, which is made where there is none. Rules do not decide it anew afterwards.

    The engagement's row is held by the caller, so that two do not make one item.
    """
    key = slug_of(change.item, titles_of(catalogue))
    of_site = ScopeItem.site_id == change.site_id if change.site_id else ScopeItem.site_id.is_(None)
    query = sa.select(ScopeItem).where(ScopeItem.engagement_id == engagement_id, of_site, ScopeItem.item == key)
    item = session.scalar(query.with_for_update(key_share=True).execution_options(populate_existing=True))
    if item is None:
        item = _new(engagement_id, change, key, catalogue, now)
        session.add(item)
    else:
        item.version += 1
    item.decision, item.reason, item.clause, item.by_rule = change.decision, change.reason, origin.clause, False
    item.decided_by, item.decided_at = origin.decided_by, now
    item.proposed_decision = item.proposed_reason = item.proposed_by = None
    session.flush()
    payload = {"item": key, "decision": change.decision, "clause": origin.clause}
    audit.record(session, actor, engagement_id, "scope.decided", ("scope_item", item.id), payload)
    return item


def _new(engagement_id: UUID, change: Scope, key: str, catalogue: Catalogue, now: datetime) -> ScopeItem:
    included, excluded = catalogue.included.get(key), catalogue.exclusions.get(key)
    known = included or excluded
    return ScopeItem(
        engagement_id=engagement_id,
        site_id=change.site_id,
        item=key,
        title=known.title if known else change.item,
        category=included.category if included else "exclusion" if excluded else OWN,
        source=catalogue.say_source(known.source) if known else "",
        route=excluded.route if excluded else None,
        due_before=included.due_before if included else "uat",
        created_at=now,
    )
