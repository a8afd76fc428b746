"""What moving a date would do, shown before it is saved: it is carried out, looked at, and taken back."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from tracker.domain.access import Actor
from tracker.domain.notice import CANCELLABLE, NoticeState
from tracker.services.deadline import DateChange, change_date
from tracker.store import deadline as deadlines
from tracker.store import engagement as engagements
from tracker.store import notice as notices
from tracker.store import site as sites
from tracker.store.database import AnySession
from tracker.store.notice import OutboxNotice
from tracker.store.transaction import rehearsal

# What has left, or may have: moving a date cannot take it back.
TOLD = (NoticeState.SENT, NoticeState.SENDING, NoticeState.UNKNOWN)


@dataclass(frozen=True)
class NoticeLine:
    """One notice as it was or would be."""

    key: str
    kind: str
    headline: str
    due_at: datetime
    channel: str | None


@dataclass(frozen=True)
class MovedDate:
    """A date that moves with the change, on the engagement's own days."""

    title: str
    site: str | None
    old: date
    new: date


@dataclass(frozen=True)
class Effect:
    """What a change would do: dates that move, notices called off, planned anew, and told already, which stay told."""

    moved: tuple[MovedDate, ...]
    called_off: tuple[NoticeLine, ...]
    planned: tuple[NoticeLine, ...]
    told: tuple[NoticeLine, ...]


def effect_of(session: AnySession, actor: Actor, deadline_id: UUID, change: DateChange, *, now: datetime) -> Effect:
    """Find what a change of a date would do; nothing of it happens.

    Raises what `change_date` raises: what cannot be saved cannot be shown either.
    """
    deadline = deadlines.get(session, actor, deadline_id)
    engagement_id = engagements.get(session, actor, deadline.engagement_id).id
    before = {each.key: (each.state, _line(each)) for each in notices.of_dates(session, engagement_id)}
    days = {each.id: each.day for each in deadlines.of_engagement(session, engagement_id, anew=True)}
    with rehearsal(session):
        change_date(session, actor, deadline_id, change, now=now)
        after = [(each.key, each.state, each.deadline_id, _line(each)) for each in notices.of_dates(session, engagement_id)]
        dated = deadlines.of_engagement(session, engagement_id, anew=True)
        names = {site.id: site.name for site in sites.of_engagement(session, engagement_id)}
        changed = {each.id for each in dated if days.get(each.id) != each.day} | {deadline_id}
        moved = tuple(
            MovedDate(each.title, names.get(each.site_id) if each.site_id else None, days[each.id], each.day)
            for each in dated
            if each.id in days and days[each.id] != each.day
        )
    waited = {key for key, (state, _) in before.items() if state in CANCELLABLE}
    return Effect(
        moved=moved,
        called_off=_in_order(line for key, state, _, line in after if key in waited and state == NoticeState.CANCELLED),
        planned=_in_order(line for key, state, _, line in after if key not in waited and state in CANCELLABLE),
        told=_in_order(line for _, state, date_id, line in after if state in TOLD and date_id in changed),
    )


def _line(notice: OutboxNotice) -> NoticeLine:
    return NoticeLine(notice.key, notice.kind, notice.headline, notice.due_at, notice.channel)


def _in_order(lines: Iterable[NoticeLine]) -> tuple[NoticeLine, ...]:
    return tuple(sorted(lines, key=lambda line: (line.due_at, line.key)))
