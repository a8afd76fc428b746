"""Time entries as tables hold them: with the words for what they hang on, and by the keys of the rows they came from."""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa

from tracker.domain.access import Actor
from tracker.domain.time_sheet import SheetRow, Wanted
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement, visible
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry


def stretch(session: AnySession, actor: Actor, wanted: Wanted, *, after: UUID | None, limit: int) -> list[SheetRow]:
    """The next of the entries that are asked for, in the order they were typed, which never changes."""
    query = (
        sa.select(
            TimeEntry.id,
            TimeEntry.worked_on,
            Engagement.name,
            Site.name,
            Site.url,
            Person.name,
            Person.email,
            TimeEntry.minutes,
            TimeEntry.kind,
            TimeEntry.activity,
            TimeEntry.known_issue_id,
            TimeEntry.ps_kind,
            TimeEntry.state,
            TimeEntry.note,
            TimeEntry.created_at,
        )
        .join(Engagement, Engagement.id == TimeEntry.engagement_id)
        .join(Site, Site.id == TimeEntry.site_id)
        .join(Person, Person.id == TimeEntry.person_id)
        .where(visible(actor), *_conditions(wanted))
    )
    if after is not None:
        query = query.where(TimeEntry.id > after)
    return [SheetRow(*tuple(row)) for row in session.execute(query.order_by(TimeEntry.id).limit(limit))]


def _conditions(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    asked = (
        (TimeEntry.engagement_id, wanted.engagement_id),
        (TimeEntry.site_id, wanted.site_id),
        (TimeEntry.person_id, wanted.person_id),
        (TimeEntry.state, wanted.state),
        (TimeEntry.kind, wanted.kind),
    )
    conditions: list[sa.ColumnElement[bool]] = [column == value for column, value in asked if value is not None]
    if wanted.first is not None:
        conditions.append(TimeEntry.worked_on >= wanted.first)
    if wanted.last is not None:
        conditions.append(TimeEntry.worked_on <= wanted.last)
    return conditions


def written(session: AnySession, actor: Actor, ids: Collection[UUID]) -> dict[UUID, tuple[TimeEntry, str]]:
    """Those of some entries that an actor may know of, each with its person's address, by id."""
    query = (
        sa.select(TimeEntry, Person.email)
        .join(Engagement, Engagement.id == TimeEntry.engagement_id)
        .join(Person, Person.id == TimeEntry.person_id)
    )
    rows = session.execute(query.where(TimeEntry.id.in_(ids), visible(actor)))
    return {row[0].id: (row[0], row[1]) for row in rows}


def imported(session: AnySession, keys: Collection[str]) -> dict[str, tuple[UUID, str]]:
    """The entries that rows of a file became, by the key of the row: id and state, whatever became of it since."""
    query = sa.select(TimeEntry.import_key, TimeEntry.id, TimeEntry.state).where(TimeEntry.import_key.in_(keys))
    return {row[0]: (row[1], row[2]) for row in session.execute(query) if row[0] is not None}
