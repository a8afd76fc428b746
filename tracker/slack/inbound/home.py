"""App Home: my engagements, my dates, my hours this week."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from tracker.domain.access import Actor, Permission
from tracker.domain.duration import say_minutes
from tracker.domain.lifecycle import say_state
from tracker.domain.portfolio import Filters, Order
from tracker.domain.workday import Calendar
from tracker.slack.blocks import escape
from tracker.slack.inbound import dates
from tracker.slack.inbound.reply import Block, link, section
from tracker.store import person as people
from tracker.store import portfolio
from tracker.store import time_entry as entries
from tracker.store.database import AnySession
from tracker.store.portfolio import EngagementRow

ENGAGEMENTS_SHOWN = 8
DATES_SHOWN = 3


def view_of(blocks: Sequence[Block]) -> Mapping[str, Any]:
    return {"type": "home", "callback_id": "tracker.home", "blocks": list(blocks)}


def home_of(session: AnySession, actor: Actor, *, base_url: str, now: datetime) -> Mapping[str, Any]:
    """The page as somebody may see it: the engagements that they are on, with what is due next."""
    page = portfolio.page(
        session, actor, Filters(status="active", mine=actor.is_staff), Order.NEXT, limit=ENGAGEMENTS_SHOWN, now=now
    )
    blocks: list[Block] = [_header("My engagements")]
    for row in page.rows:
        blocks += _engagement(session, row, base_url, now)
    if not page.rows:
        blocks.append(section("None at the moment."))
    if page.after is not None:
        blocks.append(section(f"<{base_url}/|More of them are in the portfolio.>"))
    if actor.may(Permission.LOG_TIME):
        blocks += [_header("My hours this week"), *_hours(session, actor, base_url, now)]
    return view_of(blocks)


def welcome(url: str) -> Mapping[str, Any]:
    """The page of somebody of whom nobody has said yet who they are."""
    said = "Say once who you are here, so that you can act in Slack. The link works for half an hour, for you alone."
    return view_of([section(said), {"type": "actions", "elements": [link("This Slack account is mine", url)]}])


def _header(title: str) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": title}}


def _engagement(session: AnySession, row: EngagementRow, base_url: str, now: datetime) -> list[Block]:
    engagement = row.engagement
    said = [f"<{base_url}/engagements/{engagement.id}|{escape(engagement.name)}> · {say_state(row.stage)}"]
    said += dates.lines(dates.open_dates(session, engagement, now)[:DATES_SHOWN], engagement.time_zone, now)
    return [section("\n".join(said))]


def _hours(session: AnySession, actor: Actor, base_url: str, now: datetime) -> list[Block]:
    assert actor.person_id is not None
    today = Calendar(actor.time_zone).local_date(now)
    monday = today - timedelta(days=today.weekday())
    minutes = entries.minutes_of_person(session, actor.person_id, monday, monday + timedelta(days=6))
    said = f"{say_minutes(minutes)} logged since {monday:%a %-d %b}."
    return [section(said), {"type": "actions", "elements": [link("Log time", f"{base_url}/time")]}]


def of_account(session: AnySession, user_id: str, *, base_url: str, now: datetime) -> Mapping[str, Any] | None:
    """The page of a Slack account; None where nobody has claimed it, or whoever did has left."""
    person = people.by_slack_user(session, user_id)
    if person is None or person.deactivated_at is not None:
        return None
    return home_of(session, people.actor_of(session, person, now=now), base_url=base_url, now=now)
