"""Takes in what Slack says of channels: by looking, or by news. Each step may be repeated (docs/rules/channels.md)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tracker.domain.access import SYSTEM, Actor, Permission, Role
from tracker.domain.channel import ARCHIVED, ChannelSeen, Place, problem_of
from tracker.domain.duty import DutyState
from tracker.domain.errors import Invalid
from tracker.services import obligations
from tracker.services.planning import replan, take
from tracker.store import audit
from tracker.store import channel as channels
from tracker.store import channel_outbox as waiting
from tracker.store import duty as duties
from tracker.store import engagement as engagements
from tracker.store import person as people
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.person import Person

JOIN = "join-channel"
CHECKED_EVERY = timedelta(hours=1)
CHECKED_AT_ONCE = 10
LEFT = "The bot was removed from it."
DELETED = "It was deleted in Slack."
TAKEN = "The tracker talks with another customer in this channel. Choose one that is this customer’s alone."


@dataclass(frozen=True)
class Presence:
    """Somebody of the customer, and whether they are in the channel; `since` is when we first saw them there."""

    person: Person
    since: datetime | None


@dataclass(frozen=True)
class ChannelView:
    """One of an engagement's channels as its page shows it. `seen` is None where nobody has looked yet."""

    place: Place
    channel: str
    seen: ChannelSeen | None
    checked_at: datetime | None
    problem: str | None
    people: Sequence[Presence]

    @property
    def missing(self) -> list[Person]:
        """Who of the customer is not in it."""
        return [each.person for each in self.people if each.since is None]


def views_of(session: AnySession, actor: Actor, engagement_id: UUID) -> list[ChannelView]:
    """The channels that an engagement has, with who of the customer is in its own. Raises NotFound, NotAllowed."""
    engagement = engagements.get(session, actor, engagement_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    given = {place: channel for place in Place if (channel := getattr(engagement, place)) is not None}
    known, members = channels.of(session, given.values()), channels.members_of(session, set(given.values()))
    shown = []
    for place, channel in given.items():
        row = known.get(channel)
        theirs = people.active_of_customer(session, engagement.customer_id) if place is Place.CUSTOMER else []
        there = members[channel]
        shown.append(
            ChannelView(
                place,
                channel,
                row.seen if row else None,
                row.checked_at if row else None,
                problem_of(row.seen) if row else None,
                [Presence(each, there.get(each.slack_user_id or "")) for each in theirs],
            )
        )
    return shown


def check_free(session: AnySession, actor: Actor, engagement_id: UUID, place: Place, channel: str) -> None:
    """Refuse, at `channel`, one in which the tracker talks with another customer. Raises NotFound, NotAllowed, Invalid."""
    engagement = engagements.get(session, actor, engagement_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    if channels.strangers_in(session, channel, engagement.customer_id):
        raise Invalid.at("channel", TAKEN)
    if place is Place.TEAM and channel == engagement.slack_channel:
        raise Invalid.at("channel", "The customer reads this channel. The team’s own has to be another one.")


def due(session: AnySession, *, now: datetime, limit: int = CHECKED_AT_ONCE) -> list[str]:
    """Channels that it is time to look at again."""
    return channels.to_check(session, now - CHECKED_EVERY, limit=limit)


def take_in(session: AnySession, seen: ChannelSeen, *, now: datetime) -> None:
    """Keep what a look at a channel has shown, and do what follows: notices wait or go on, a duty completes itself."""
    channels.keep(session, seen, now)
    if seen.members is not None:
        channels.put_members(session, seen.channel, seen.members, now)
    session.expire_all()
    concerned = channels.engagements_in(session, seen.channel)
    problem = problem_of(seen)
    if problem is not None:
        _park(session, concerned, seen.channel, problem)
    else:
        _unpark(session, concerned, seen.channel, now)
    _complete_joins(session, concerned, seen.channel, now)


def pass_over(session: AnySession, channel: str, *, now: datetime) -> None:
    """Slack did not let us look at a channel: its turn comes again after the others."""
    channels.note(session, channel, now, checked_at=now)


def channel_rename(session: AnySession, event: Mapping[str, Any], now: datetime) -> None:
    """It is called otherwise now."""
    said = event.get("channel")
    if isinstance(said, Mapping) and (channel := _text(said, "id")) and (name := _text(said, "name")):
        _note(session, channel, now, name=name)


def channel_archive(session: AnySession, event: Mapping[str, Any], now: datetime) -> None:
    """Nothing can be posted there any more: what is due waits, and says why."""
    _break(session, event, now, ARCHIVED, is_archived=True)


def channel_unarchive(session: AnySession, event: Mapping[str, Any], now: datetime) -> None:
    """It takes messages again: what it did not take is due again."""
    if channel := _text(event, "channel"):
        concerned = _note(session, channel, now, is_archived=False, problem=None)
        _unpark(session, concerned, channel, now)


def channel_deleted(session: AnySession, event: Mapping[str, Any], now: datetime) -> None:
    """It is gone."""
    _break(session, event, now, DELETED, is_archived=True, problem=DELETED)


def channel_left(session: AnySession, event: Mapping[str, Any], now: datetime) -> None:
    """The bot was removed from it."""
    _break(session, event, now, LEFT, is_member=False)


def channel_id_changed(session: AnySession, event: Mapping[str, Any], now: datetime) -> None:
    """Sharing it with another company, or ending that, gave it another id: everything follows."""
    old, new = _text(event, "old_channel_id"), _text(event, "new_channel_id")
    if not old or not new or old == new:
        return
    concerned = channels.engagements_in(session, old)
    for engagement in concerned:
        take(session, engagement)
        for place in Place:
            if getattr(engagement, place) == old:
                setattr(engagement, place, new)
        # Whoever edits it at this moment has the old id on the screen.
        engagement.version += 1
        audit.record(
            session, SYSTEM, engagement.id, "channel.id_changed", ("engagement", engagement.id), {"old": old, "new": new}
        )
    session.flush()
    waiting.follow(session, [each.id for each in concerned], old, new)
    channels.rename(session, old, new)
    session.expire_all()
    _unpark(session, concerned, new, now)


def member_joined(session: AnySession, event: Mapping[str, Any], now: datetime) -> None:
    """Somebody has come in. We are told so of channels that the bot is in, so it is there itself."""
    channel, user = _text(event, "channel"), _text(event, "user")
    if not channel or not user:
        return
    concerned = _note(session, channel, now, is_member=True, problem=None)
    if concerned:
        channels.add_member(session, channel, user, now)
    _unpark(session, concerned, channel, now)
    _complete_joins(session, concerned, channel, now)


def member_left(session: AnySession, event: Mapping[str, Any], now: datetime) -> None:  # noqa: ARG001 -- as every handler
    """Somebody is not in it any more. A duty that was done stays done: they had joined."""
    channel, user = _text(event, "channel"), _text(event, "user")
    if channel and user:
        channels.drop_member(session, channel, user)


# By Slack's name for the news. Private channels have names of their own for the same.
EVENTS = {
    "channel_rename": channel_rename,
    "channel_archive": channel_archive,
    "channel_unarchive": channel_unarchive,
    "channel_deleted": channel_deleted,
    "channel_left": channel_left,
    "channel_id_changed": channel_id_changed,
    "group_rename": channel_rename,
    "group_archive": channel_archive,
    "group_unarchive": channel_unarchive,
    "group_deleted": channel_deleted,
    "group_left": channel_left,
    "member_joined_channel": member_joined,
    "member_left_channel": member_left,
}


def _text(said: Mapping[str, Any], name: str) -> str | None:
    """An id or a name out of what Slack sent; None for what is none."""
    found = said.get(name)
    return found if isinstance(found, str) and 0 < len(found) <= 100 and found.isprintable() else None


def _note(session: AnySession, channel: str, now: datetime, **said: Any) -> list[Engagement]:
    """Keep what the news says of a channel that is an engagement's; of any other nothing is kept."""
    concerned = channels.engagements_in(session, channel)
    if concerned:
        channels.note(session, channel, now, **said)
        session.expire_all()
    return concerned


def _break(session: AnySession, event: Mapping[str, Any], now: datetime, reason: str, **said: Any) -> None:
    if channel := _text(event, "channel"):
        _park(session, _note(session, channel, now, **said), channel, reason)


def _park(session: AnySession, concerned: Sequence[Engagement], channel: str, reason: str) -> None:
    if concerned:
        waiting.park(session, [each.id for each in concerned], channel, f"The channel does not take it: {reason}")


def _unpark(session: AnySession, concerned: Sequence[Engagement], channel: str, now: datetime) -> None:
    if concerned:
        waiting.unpark(session, [each.id for each in concerned], channel, now)


def _complete_joins(session: AnySession, concerned: Iterable[Engagement], channel: str, now: datetime) -> None:
    """The duty to join the channel is done once those who have it are seen there."""
    there: Mapping[str, datetime] | None = None
    for engagement in concerned:
        if engagement.slack_channel != channel or engagement.status != "active":
            continue
        there = channels.members_of(session, [channel])[channel] if there is None else there
        duty = duties.one(session, engagement.id, None, JOIN)
        if duty is None or duty.state != DutyState.OPEN:
            continue
        needed = _needed(people.active_of_customer(session, engagement.customer_id), duty.owner_id)
        if not needed or any((each.slack_user_id or "") not in there for each in needed):
            continue
        take(session, engagement)
        session.refresh(duty)
        if duty.state == DutyState.OPEN:
            since = max(there[each.slack_user_id or ""] for each in needed)
            evidence = _say_since(engagement, since, [each.name for each in needed])
            obligations.complete(session, SYSTEM, duty, evidence, now=now)
            session.flush()
            replan(session, engagement, now=now)


def _needed(theirs: Iterable[Person], owner_id: UUID | None) -> list[Person]:
    """Who has to be in the channel: every approver of the customer, and whoever the duty belongs to."""
    return [each for each in theirs if each.role == Role.CUSTOMER_APPROVER or each.id == owner_id]


def _say_since(engagement: Engagement, since: datetime, names: Sequence[str]) -> str:
    day = since.astimezone(ZoneInfo(engagement.time_zone))
    return f"In the channel since {day:%a %-d %b %Y}: {', '.join(names)}. Seen in Slack by the tracker."
