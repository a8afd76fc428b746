"""May this person know of that thing? Asked by the name under which a route carries its id, before anything is read."""

from collections.abc import Mapping
from uuid import UUID

import sqlalchemy as sa

from tracker.domain.access import Actor
from tracker.domain.errors import NotFound
from tracker.store import cover as covers
from tracker.store.database import AnySession
from tracker.store.deadline import Deadline
from tracker.store.engagement import Engagement, visible, visible_customer
from tracker.store.notice import OutboxNotice
from tracker.store.person import ApiToken, Person
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry

OF_ENGAGEMENT: Mapping[str, type[Site | TimeEntry | Deadline | OutboxNotice]] = {
    "site_id": Site,
    "entry_id": TimeEntry,
    "deadline_id": Deadline,
    "notice_id": OutboxNotice,
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
    if name == "engagement_id":
        query = sa.select(Engagement.id).where(Engagement.id == thing_id)
    else:
        kind = OF_ENGAGEMENT[name]
        query = sa.select(Engagement.id).join(kind, kind.engagement_id == Engagement.id).where(kind.id == thing_id)
    if session.execute(query.where(visible(actor))).first() is None:
        raise NotFound
