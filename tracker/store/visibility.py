"""May this person know of that thing? Asked by the name under which a route carries its id, before anything is read."""

from collections.abc import Mapping
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from tracker.domain.access import Actor
from tracker.domain.errors import NotFound
from tracker.domain.notice import Audience
from tracker.store import cover as covers
from tracker.store.budget import PsBlock
from tracker.store.change_request import ChangeRequest
from tracker.store.comment import Comment
from tracker.store.database import AnySession
from tracker.store.deadline import Deadline
from tracker.store.duty import Duty
from tracker.store.engagement import Engagement, Sight, visible_customer, who
from tracker.store.freeze import Freeze
from tracker.store.inventory import InventoryItem
from tracker.store.link import EngagementLink
from tracker.store.notice import OutboxNotice
from tracker.store.path import PathStep, SitePath
from tracker.store.person import ApiToken, Person
from tracker.store.question import Question
from tracker.store.risk import Risk
from tracker.store.scope import ScopeItem
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry
from tracker.store.uat import Defect, UatRound
from tracker.store.upload import Upload
from tracker.store.weekly_update import WeeklyUpdate

# What carries its engagement's id, by the name of its own id in a route.
OF_ENGAGEMENT: Mapping[str, type[Any]] = {
    "site_id": Site,
    "entry_id": TimeEntry,
    "deadline_id": Deadline,
    "notice_id": OutboxNotice,
    "scope_item_id": ScopeItem,
    "question_id": Question,
    "risk_id": Risk,
    "duty_id": Duty,
    "freeze_id": Freeze,
    "round_id": UatRound,
    "defect_id": Defect,
    "path_id": SitePath,
    "step_id": PathStep,
    "inventory_item_id": InventoryItem,
    "upload_id": Upload,
    "comment_id": Comment,
    "link_id": EngagementLink,
    "update_id": WeeklyUpdate,
    "change_request_id": ChangeRequest,
    "block_id": PsBlock,
}
OF_INSTALLATION: Mapping[str, type[Person | ApiToken]] = {"person_id": Person, "token_id": ApiToken}


def must_see(session: AnySession, actor: Actor, name: str, thing_id: UUID) -> None:
    """Raises NotFound for a thing that is not there or that the actor must not know of."""
    if name in OF_INSTALLATION:
        # People are known to administrators only; their routes say so themselves.
        return
    if name == "cover_id":
        # Each of the staff knows of the covers of their own absences, administrators of all.
        covers.get(session, actor, thing_id)
        return
    if name == "customer_id":
        visible_customer(session, actor, thing_id)
        return
    if session.execute(_seen(name, Sight.of(actor)), who(actor) | {"thing": thing_id}).first() is None:
        raise NotFound


@cache
def _seen(name: str, sight: Sight) -> sa.Select[UUID]:
    """Built once for each kind of thing and each sight: it is run before every route that names something."""
    thing = sa.bindparam("thing", type_=sa.Uuid())
    if name == "engagement_id":
        return sa.select(Engagement.id).where(Engagement.id == thing, sight.condition())
    kind = OF_ENGAGEMENT[name]
    query = sa.select(Engagement.id).join(kind, kind.engagement_id == Engagement.id).where(kind.id == thing, sight.condition())
    # Customers never know of what the team keeps to itself.
    return query.where(Risk.audience == Audience.CUSTOMER) if kind is Risk and not sight.is_staff else query
