"""How what people tell each other is shown: comments, updates, kick-off notes, links."""

from collections.abc import Mapping
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.comment import may_withdraw
from tracker.domain.kickoff import SIDES
from tracker.domain.link import KIND_LABELS, LinkKind, may_remove
from tracker.domain.notice import Audience
from tracker.store.comment import Comment
from tracker.store.kickoff import KickoffRecord
from tracker.store.link import EngagementLink
from tracker.store.weekly_update import WeeklyUpdate
from tracker.web.filters import say_day, say_moment
from tracker.web.present import Shown


def comment_row(
    comment: Comment, authors: Mapping[UUID, str], site_names: Mapping[UUID, str], actor: Actor, time_zone: str
) -> Shown:
    """One thing that was said, without its words once they were withdrawn."""
    gone = comment.withdrawn_at is not None
    mine = may_withdraw(actor, comment.author_id) and actor.may(Permission.ANSWER)
    return Shown(
        id=comment.id,
        author=authors.get(comment.author_id, "Somebody"),
        site_name=site_names.get(comment.site_id) if comment.site_id else None,
        at=say_moment(comment.at, time_zone),
        text=None if gone else comment.text,
        is_internal=comment.audience == Audience.INTERNAL,
        withdraw_url=f"/comments/{comment.id}/withdraw" if mine and not gone else None,
    )


def update_row(update: WeeklyUpdate, time_zone: str) -> Shown:
    """One update as it is read."""
    return Shown(
        id=update.id,
        week=f"Week of {say_day(update.week_of)}",
        text=update.text,
        version=update.version,
        is_draft=update.state == "draft",
        posted=say_moment(update.posted_at, time_zone) if update.posted_at else None,
        edit_url=f"/weekly-updates/{update.id}",
        post_url=f"/weekly-updates/{update.id}/post",
    )


def link_row(link: EngagementLink, site_names: Mapping[UUID, str], actor: Actor) -> Shown:
    """One link as it is listed."""
    removable = may_remove(actor, is_own=link.added_by == actor.person_id)
    return Shown(
        title=link.title,
        url=link.url,
        kind_label=KIND_LABELS[LinkKind(link.kind)],
        site_name=site_names.get(link.site_id) if link.site_id else None,
        is_internal=link.audience == Audience.INTERNAL,
        version=link.version,
        remove_url=f"/links/{link.id}/remove" if removable else None,
    )


def kickoff_card(record: KickoffRecord | None, actor: Actor) -> Shown | None:
    """What was recorded; the team's own notes for the team only."""
    if record is None:
        return None
    return Shown(
        held_on=say_day(record.held_on) if record.held_on else None,
        notes=record.notes,
        internal_notes=record.internal_notes if actor.may(Permission.SEE_INTERNAL) else "",
        attendees=[Shown(name=each.name, side=SIDES[each.side], role=each.role) for each in record.present],
    )
