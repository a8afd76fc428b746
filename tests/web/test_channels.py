"""The channels of an engagement, by the page and by what Slack tells: made, chosen, looked after, and followed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import Browser
from tests.factories import NOW, make_engagement, make_person, make_site, sign_in
from tests.slack_double.faults import Fault, FaultKind
from tests.slack_double.server import SlackDouble
from tests.slack_double.workspace import BOT_USER_ID, Channel, Token
from tracker.app import create_app
from tracker.domain.duty import DutyState
from tracker.domain.notice import Audience, Notice, NoticeState
from tracker.jobs import channel_step
from tracker.services import channel_care
from tracker.settings import Settings
from tracker.store import channel as channels
from tracker.store import duty as duties
from tracker.store import outbox
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.notice import OutboxNotice
from tracker.store.pacing import SlackChannel, take_slot
from tracker.store.transaction import transaction


@dataclass
class Connected:
    """An application that is connected to a Slack of ours, and somebody who manages engagements there."""

    app: Flask
    slack: SlackDouble
    client: FlaskClient

    @property
    def look(self) -> channel_step.Look:
        found: channel_step.Look = self.app.extensions["channels"].look
        return found


@pytest.fixture
def connected(settings: Settings) -> Iterator[Connected]:
    with SlackDouble(channels=[Channel("C1", "northwind")]) as slack:
        made = create_app(replace(settings, slack_bot_token=slack.token, slack_api_url=slack.base_url))
        made.config["WTF_CSRF_ENABLED"] = False
        made.test_client_class = Browser
        with made.app_context():
            client = made.test_client()
            sign_in(client, make_person("admin"))
            yield Connected(made, slack, client)
            db.session.remove()
            db.engine.dispose()


def page_of(connected: Connected, engagement: Engagement, rest: str = "") -> str:
    return f"/engagements/{engagement.id}/channels{rest}"


def planned(engagement: Engagement, key: str = "told", channel: str = "C1") -> OutboxNotice:
    """One notice of an engagement that is due."""
    notice = Notice(key, "uat.opened", Audience.CUSTOMER, "UAT opens", "", (), "/", NOW, NOW + timedelta(days=9))
    with transaction(db.session, now=NOW):
        outbox.plan(db.session, engagement.id, [notice], {Audience.CUSTOMER: channel}, NOW)
        outbox.release(db.session, NOW, ready_at=NOW)
    return kept(key)


def kept(key: str = "told") -> OutboxNotice:
    db.session.rollback()
    query = sa.select(OutboxNotice).where(OutboxNotice.key == key)
    return db.session.scalars(query, execution_options={"populate_existing": True}).one()


def tell(kind: str, **event: object) -> None:
    """What Slack tells, twice: the second time changes nothing."""
    for _time in range(2):
        with transaction(db.session, now=NOW):
            channel_care.EVENTS[kind](db.session, event, NOW)


def test_a_channel_is_made_for_an_engagement_once_and_who_is_known_is_invited(connected: Connected) -> None:
    engagement = make_engagement(name="Größe & Söhne: Shop!", slack_channel=None)
    make_person("customer_approver", name="Priya", slack_user_id="U7PRIYA")
    stranger = make_person("customer_viewer", name="Tom", slack_user_id="U8TOM")
    connected.slack.workspace.strangers.add("U8TOM")
    form = connected.client.get(page_of(connected, engagement, "/new"))
    assert 'value="grosse-and-sohne-shop"' in form.text
    data = {
        "place": "slack_channel",
        "name": "grosse-shop",
        "is_private": "y",
        "invited": ["U7PRIYA", "U8TOM"],
        "request_key": "k",
    }
    refused = connected.client.post(page_of(connected, engagement, "/new"), data=data | {"name": "Große Shop"})
    assert refused.status_code == 422
    assert "small letters, digits" in refused.text
    # Slack made it and its answer was lost: the second try takes the channel that the first one made.
    connected.slack.push(Fault(FaultKind.ACCEPT_RESET), method="conversations.create")
    lost = connected.client.post(page_of(connected, engagement, "/new"), data=data)
    assert lost.status_code == 409
    assert "Slack cannot be reached" in lost.text
    done = connected.client.post(page_of(connected, engagement, "/new"), data=data, follow_redirects=True)
    assert "#grosse-shop is the engagement’s channel now" in done.text
    assert "Tom: Slack does not know that account." in done.text
    again = connected.client.post(page_of(connected, engagement, "/new"), data=data)
    assert again.status_code == 303
    (made,) = [each for each in connected.slack.workspace.channels.values() if each.name == "grosse-shop"]
    assert (made.is_private, made.members) == (True, {"U7PRIYA"})
    db.session.rollback()
    assert db.session.get_one(Engagement, engagement.id, populate_existing=True).slack_channel == made.id
    assert set(channels.members_of(db.session, [made.id])[made.id]) == {"U7PRIYA", BOT_USER_ID}
    inside = {"place": "internal_slack_channel", "name": "team", "invited": [stranger.slack_user_id]}
    assert (
        "do not belong in the team’s own channel"
        in connected.client.post(page_of(connected, engagement, "/new"), data=inside).text
    )


def test_a_channel_is_chosen_from_those_the_bot_is_in_but_never_another_customers(connected: Connected) -> None:
    engagement, other = make_engagement(slack_channel=None), make_engagement(customer="Globex", slack_channel="C2")
    waits = planned(engagement, channel="C9")
    for known in (Channel("C2", "globex"), Channel("C3", "elsewhere", is_member=False), Channel("C4", "old", is_archived=True)):
        connected.slack.workspace.put_channel(known)
    page = connected.client.get(page_of(connected, engagement, "/choose")).text
    assert ["#northwind" in page, "#globex" in page, "#elsewhere" in page, "#old" in page] == [True, True, False, False]
    data = {"place": "slack_channel", "channel": "C2"}
    assert "another customer" in connected.client.post(page_of(connected, engagement, "/choose"), data=data).text
    done = connected.client.post(page_of(connected, engagement, "/choose"), data=data | {"channel": "C1"}, follow_redirects=True)
    assert "#northwind is the engagement’s channel now" in done.text
    assert kept().channel == "C1", "what waited goes to the channel that was chosen"
    assert waits.channel == "C9"
    cards = db.session.scalars(sa.select(OutboxNotice.channel).where(OutboxNotice.kind == "card"))
    assert list(cards) == ["C1"], "a channel that is chosen here begins with where things stand"
    seen = connected.client.get(f"/api/v1/engagements/{other.id}/channels")
    assert seen.status_code == 401
    connected.slack.push(Fault(FaultKind.RATE_LIMITED), method="conversations.list")
    assert "Slack asks us to wait" in connected.client.get(page_of(connected, engagement, "/choose")).text


def test_a_look_says_in_plain_words_what_is_wrong_and_lets_what_waits_go_once_it_is_right(connected: Connected) -> None:
    engagement = make_engagement()
    planned(engagement)
    check = page_of(connected, engagement, "/check")
    for broken, word in (
        (Channel("C1", "northwind", is_archived=True), "It is archived in Slack"),
        (Channel("C1", "northwind", is_member=False), "/invite @tracker"),
        (Channel("C1", "northwind", is_member=False, is_private=True), "Slack does not show it to us"),
    ):
        connected.slack.workspace.put_channel(broken)
        page = connected.client.post(check, data={"request_key": word}, follow_redirects=True)
        assert word in page.text
        assert (kept().state, word in (kept().reason or "")) == (NoticeState.PARKED, True)
    connected.slack.workspace.put_channel(Channel("C1", "northwind", is_ext_shared=True))
    fine = connected.client.post(check, data={"request_key": "now"}, follow_redirects=True)
    assert "Shared with another company" in fine.text
    assert kept().state == NoticeState.READY
    connected.slack.workspace.put_token(connected.slack.token, Token(scopes=frozenset({"chat:write"})))
    refused = connected.client.post(check, data={"request_key": "more"})
    assert (refused.status_code, "it lacks the scope channels:read" in refused.text) == (409, True)
    assert connected.slack.token not in refused.text


def test_the_duty_to_join_completes_itself_once_every_approver_is_in_the_channel(connected: Connected) -> None:
    engagement = make_engagement()
    make_site(engagement)
    make_person("customer_approver", name="Priya", slack_user_id="U7PRIYA")
    second = make_person("customer_approver", name="Sam", slack_user_id="U8SAM")
    make_person("customer_viewer", name="Viewer")
    connected.slack.workspace.channels["C1"].members |= {"U7PRIYA"}
    assert channel_step.check_channels(connected.look) == 1
    assert channel_step.check_channels(connected.look) == 0, "each channel once an hour"
    duty = duties.one(db.session, engagement.id, None, "join-channel")
    assert duty is not None
    assert duty.state == DutyState.OPEN
    page = connected.client.get(page_of(connected, engagement)).text
    assert ["In the channel" in page, "Missing" in page, "Cannot be told" in page] == [True, True, True]
    tell("member_joined_channel", channel="C1", user=second.slack_user_id)
    db.session.rollback()
    done = duties.one(db.session, engagement.id, None, "join-channel")
    assert done is not None
    assert done.state == DutyState.DONE
    assert done.evidence.startswith("In the channel since ")
    assert done.evidence.endswith(": Priya, Sam. Seen in Slack by the tracker.")
    tell("member_left_channel", channel="C1", user=second.slack_user_id)
    assert "Missing" in connected.client.get(page_of(connected, engagement)).text
    invited = connected.client.post(page_of(connected, engagement, "/invite"), data={"request_key": "i"}, follow_redirects=True)
    assert "Invited." in invited.text
    assert "Missing" not in invited.text


def test_what_slack_tells_of_a_channel_is_followed_and_telling_it_twice_changes_nothing(app: Flask) -> None:
    engagement = make_engagement(slack_channel="G1", internal_slack_channel="G2")
    planned(engagement, "sent", "G1")
    planned(engagement, "waits", "G1")
    with transaction(db.session, now=NOW):
        values = {"state": NoticeState.SENT, "slack_ts": "1.1"}
        db.session.execute(sa.update(OutboxNotice).where(OutboxNotice.key == "sent").values(values))
        take_slot(db.session, "G1", NOW, timedelta(seconds=9))
    tell("group_rename", channel={"id": "G1", "name": "northwind-new"})
    assert channels.names_of(db.session, ["G1"]) == {"G1": "northwind-new"}
    tell("group_archive", channel="G1", user="U1")
    assert (kept("waits").state, "archived in Slack" in (kept("waits").reason or "")) == (NoticeState.PARKED, True)
    tell("group_unarchive", channel="G1", user="U1")
    assert kept("waits").state == NoticeState.READY
    tell("channel_id_changed", old_channel_id="G1", new_channel_id="C1")
    assert (kept("sent").channel, kept("waits").channel) == ("C1", "C1"), "an edit finds its message under the new id"
    changed = db.session.get_one(Engagement, engagement.id, populate_existing=True)
    assert (changed.slack_channel, changed.internal_slack_channel) == ("C1", "G2")
    assert changed.version == engagement.version + 1, "and the second telling did not touch it"
    assert channels.names_of(db.session, ["C1", "G1"]) == {"C1": "northwind-new"}
    assert list(db.session.scalars(sa.select(SlackChannel.channel))) == ["C1"], "the pace goes with it"
    tell("channel_left", channel="C1")
    assert kept("waits").state == NoticeState.PARKED
    odd: list[dict[str, object]] = [{}, {"channel": {"id": 7}}, {"channel": "C1\x00"}, {"channel": None, "user": []}]
    for junk in odd:
        for kind in channel_care.EVENTS:
            tell(kind, **junk)
    tell("channel_archive", channel="C0NOBODYS")
    assert "C0NOBODYS" not in channels.of(db.session, ["C0NOBODYS"]), "of other channels nothing is kept"
