"""Whose a Slack account is: said once, by whoever signs in through a link that only this account was shown."""

from datetime import datetime, timedelta

from tracker.domain.access import Actor, Permission
from tracker.domain.errors import Invalid, NotFound
from tracker.services.planning import replan
from tracker.store import account_link as links
from tracker.store import audit
from tracker.store import deadline as deadlines
from tracker.store import person as people
from tracker.store.account_link import AccountLink
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.person import Person

LINK_LIFE = timedelta(minutes=30)


def offer(session: AnySession, token: str, slack_user_id: str, slack_team_id: str | None, *, now: datetime) -> None:
    """Keep a link for an account that nobody has claimed; once for each token. It works for half an hour."""
    links.offer(session, token, slack_user_id, slack_team_id, now=now, until=now + LINK_LIFE)


def look(session: AnySession, token: str, *, now: datetime) -> AccountLink:
    """Which account a link is for. Raises NotFound for one that was used, has expired, or never was."""
    link = links.still_open(session, token, now)
    if link is None:
        raise NotFound("This link was used, or its half hour is over. Ask for a new one in Slack, for example with /engagement.")
    return link


def confirm(session: AnySession, actor: Actor, token: str, *, now: datetime) -> Person:
    """Say that a Slack account is one's own; it uses the link up, and replaces the account one had.

    Raises NotFound for a dead link, and Invalid where the account is somebody else's.
    """
    actor.must(Permission.OWN_ACCOUNT)
    assert actor.person_id is not None
    link = look(session, token, now=now)
    other = people.by_slack_user(session, link.slack_user_id)
    if other is not None and other.id != actor.person_id:
        raise Invalid.at("", "This Slack account is somebody else’s here. An administrator can change that under People.")
    if not links.take(session, link, actor.person_id, now):
        raise NotFound
    person = people.get(session, actor.person_id)
    session.refresh(person, with_for_update={"key_share": True})
    person.slack_user_id, person.slack_team_id = link.slack_user_id, link.slack_team_id
    person.version += 1
    session.flush()
    said = {"slack_user_id": link.slack_user_id, "slack_team_id": link.slack_team_id}
    audit.record(session, actor, None, "person.slack_linked", ("person", person.id), said)
    # Reminders that are planned mention them from now on.
    for engagement_id in deadlines.engagements_owned_by(session, person.id):
        replan(session, session.get_one(Engagement, engagement_id), now=now)
    return person
