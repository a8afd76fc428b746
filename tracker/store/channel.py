"""Slack's channels as they were when we last looked: name, who is in them, what is wrong with them."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.domain.access import Actor
from tracker.domain.channel import ChannelSeen
from tracker.store.database import AnySession, Base, dialect_insert, insert_or_ignore, table_of
from tracker.store.engagement import Engagement, visible


class Channel(Base):
    """What Slack said of one channel. `is_external`: people of another company read it (Slack's is_ext_shared)."""

    channel: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    is_private: Mapped[bool]
    is_external: Mapped[bool]
    is_archived: Mapped[bool]
    is_member: Mapped[bool]
    problem: Mapped[str | None]
    checked_at: Mapped[datetime]

    @property
    def seen(self) -> ChannelSeen:
        """The channel as it was seen, but for who is in it."""
        flags = (self.is_private, self.is_external, self.is_archived, self.is_member)
        return ChannelSeen(self.channel, self.name, *flags, problem=self.problem)


class ChannelMember(Base):
    """Somebody who is in a channel, by their Slack id."""

    channel: Mapped[str] = mapped_column(primary_key=True)
    slack_user_id: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime]


_channel, _member = table_of(Channel), table_of(ChannelMember)


def of(session: AnySession, ids: Collection[str]) -> dict[str, Channel]:
    """What is known of channels, by id, in one statement; of one that nobody has looked at, nothing."""
    return {each.channel: each for each in session.scalars(sa.select(Channel).where(Channel.channel.in_(ids)))} if ids else {}


def keep(session: AnySession, seen: ChannelSeen, now: datetime) -> None:
    """Write down how a channel looks. A name that was known stays where Slack shows us none any more."""
    said: dict[str, Any] = {
        "channel": seen.channel,
        "name": seen.name,
        "is_private": seen.is_private,
        "is_external": seen.is_external,
        "is_archived": seen.is_archived,
        "is_member": seen.is_member,
        "problem": seen.problem,
        "checked_at": now,
    }
    statement = dialect_insert(session, _channel).values(**said)
    changed = {name: statement.excluded[name] for name in said if name != "channel"}
    changed["name"] = sa.func.coalesce(statement.excluded.name, _channel.c.name)
    session.execute(statement.on_conflict_do_update(index_elements=["channel"], set_=changed))


def note(session: AnySession, channel: str, now: datetime, **said: Any) -> None:
    """Change what is known of a channel. Nothing is known yet: it is one that the bot is in, since Slack tells us of it."""
    fresh: dict[str, Any] = {
        "channel": channel, "name": None, "is_private": False, "is_external": False, "is_archived": False, "is_member": True,
        "problem": None, "checked_at": now,
    }  # fmt: skip
    statement = dialect_insert(session, _channel).values(**(fresh | said))
    session.execute(statement.on_conflict_do_update(index_elements=["channel"], set_=said))


def members_of(session: AnySession, ids: Collection[str]) -> dict[str, dict[str, datetime]]:
    """Who is in channels, and since when we have seen them there; by channel, in one statement."""
    found: dict[str, dict[str, datetime]] = {each: {} for each in ids}
    for row in session.execute(sa.select(_member).where(_member.c.channel.in_(ids))) if ids else ():
        found[row.channel][row.slack_user_id] = row.seen_at
    return found


def put_members(session: AnySession, channel: str, members: Collection[str], now: datetime) -> None:
    """Say who is in a channel. Who was seen there before keeps the time of then."""
    mine = _member.c.channel == channel
    session.execute(sa.delete(_member).where(mine, _member.c.slack_user_id.not_in(sorted(members))))
    rows = [{"channel": channel, "slack_user_id": each, "seen_at": now} for each in sorted(members)]
    if rows:
        session.execute(insert_or_ignore(session, _member), rows)


def add_member(session: AnySession, channel: str, slack_user_id: str, now: datetime) -> None:
    session.execute(insert_or_ignore(session, _member).values(channel=channel, slack_user_id=slack_user_id, seen_at=now))


def drop_member(session: AnySession, channel: str, slack_user_id: str) -> None:
    session.execute(sa.delete(_member).where(_member.c.channel == channel, _member.c.slack_user_id == slack_user_id))


def engagements_in(session: AnySession, channel: str) -> list[Engagement]:
    """The engagements whose channel it is, the customer's or the team's, in the order in which rows are held."""
    mine = sa.or_(Engagement.slack_channel == channel, Engagement.internal_slack_channel == channel)
    return list(session.scalars(sa.select(Engagement).where(mine).order_by(Engagement.id)))


def strangers_in(session: AnySession, channel: str, customer_id: UUID) -> bool:
    """Whether a channel is where the tracker talks with another customer."""
    other = sa.exists().where(Engagement.slack_channel == channel, Engagement.customer_id != customer_id)
    return bool(session.scalar(sa.select(other)))


def _in_use() -> sa.Subquery:
    live = Engagement.status == "active"
    customers = sa.select(Engagement.slack_channel.label("channel")).where(Engagement.slack_channel.is_not(None), live)
    teams = sa.select(Engagement.internal_slack_channel).where(Engagement.internal_slack_channel.is_not(None), live)
    return sa.union(customers, teams).subquery()


def hidden_from(session: AnySession, actor: Actor, ids: Collection[str]) -> set[str]:
    """Those channels in which the tracker talks on engagements that an actor may not know of, and on no other."""
    if not ids:
        return set()
    used, theirs = set[str](), set[str]()
    for column in (Engagement.slack_channel, Engagement.internal_slack_channel):
        query = sa.select(column).where(column.in_(ids)).distinct()
        used |= {channel for channel in session.scalars(query) if channel is not None}
        theirs |= {channel for channel in session.scalars(query.where(visible(actor))) if channel is not None}
    return used - theirs


def to_check(session: AnySession, before: datetime, *, limit: int) -> list[str]:
    """Channels of running engagements that nobody has looked at since a moment: first those never, then the longest ago."""
    used = _in_use()
    query = sa.select(used.c.channel).outerjoin(_channel, _channel.c.channel == used.c.channel)
    query = query.where(sa.or_(_channel.c.checked_at.is_(None), _channel.c.checked_at < before))
    return list(session.scalars(query.order_by(_channel.c.checked_at.is_not(None), _channel.c.checked_at).limit(limit)))


def in_use(session: AnySession, *, limit: int = 500) -> list[str]:
    """The channels of running engagements."""
    used = _in_use()
    return list(session.scalars(sa.select(used.c.channel).order_by(used.c.channel).limit(limit)))


def with_problems(session: AnySession, *, limit: int = 50) -> list[Channel]:
    """The channels of running engagements in which nothing can be posted, as far as is known."""
    used = _in_use()
    broken = sa.or_(Channel.problem.is_not(None), Channel.is_archived, ~Channel.is_member)
    query = sa.select(Channel).join(used, used.c.channel == Channel.channel).where(broken)
    return list(session.scalars(query.order_by(Channel.name, Channel.channel).limit(limit)))


def rename(session: AnySession, old: str, new: str) -> None:
    """What is known of a channel is known under its new id; what was learned there already counts."""
    for table in (_channel, _member):
        others = [column for column in table.c if column.name != "channel"]
        rows = session.execute(sa.select(*others).where(table.c.channel == old)).mappings().all()
        if rows:
            session.execute(insert_or_ignore(session, table), [{**row, "channel": new} for row in rows])
        session.execute(sa.delete(table).where(table.c.channel == old))


def names_of(session: AnySession, ids: Collection[str]) -> Mapping[str, str]:
    """Names by id, of those that have one."""
    return {each.channel: each.name for each in of(session, ids).values() if each.name}
