"""Notices by mail, through a real mail server on this machine: once each, whatever it answers, and only to who may read them."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope
from flask import Flask

from tests.factories import NOW, actor, make_engagement, make_person
from tracker.cli.base import _render
from tracker.domain.access import SYSTEM
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.notice import Doubt, NoticeState, Outcome, Park, Pause, Post, Refuse, Road, Sent, Wait
from tracker.edge import letter
from tracker.edge.mail_sender import MailSender
from tracker.services import deadline as deadline_service
from tracker.services import delivery
from tracker.services.deadline import DateSpec
from tracker.services.delivery import Claimed, Timing
from tracker.services.person import PersonChange, edit_person
from tracker.services.roads import open_roads
from tracker.settings import Settings
from tracker.store import outbox, pacing
from tracker.store.database import db
from tracker.store.deadline import Deadline
from tracker.store.engagement import Engagement
from tracker.store.notice import OutboxNotice
from tracker.store.person import Person
from tracker.store.preference import PersonPreference
from tracker.store.transaction import transaction

BASE_URL = "https://tracker.example.com"
CHANCE = Random(1)  # noqa: S311 -- to wait a little longer or shorter
Answer = str | Callable[[SMTP], str]


@dataclass
class Office:
    """What a mail server answers at each step, and what it has taken."""

    rcpt: Answer = "250 OK"
    mail: Answer = "250 OK"
    data: Answer = "250 OK"
    taken: list[EmailMessage] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?from=tracker@tracker.example.com"

    async def handle_MAIL(self, server: SMTP, _session: Any, envelope: Envelope, address: str, _options: Any) -> str:  # noqa: N802
        envelope.mail_from = address
        return _say(self.mail, server)

    async def handle_RCPT(self, server: SMTP, _session: Any, envelope: Envelope, address: str, _options: Any) -> str:  # noqa: N802
        envelope.rcpt_tos.append(address)
        return _say(self.rcpt, server)

    async def handle_DATA(self, server: SMTP, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        said = _say(self.data, server)
        if said.startswith("250"):
            found = message_from_bytes(envelope.content, policy=default)
            assert isinstance(found, EmailMessage)
            self.taken.append(found)
        return said


def _say(answer: Answer, server: SMTP) -> str:
    return answer if isinstance(answer, str) else answer(server)


def hang_up(server: SMTP) -> str:
    """End the connection in the middle of what was being said."""
    assert isinstance(server.transport, asyncio.WriteTransport)
    server.transport.abort()
    return "451 gone"


class Served(Controller):
    """A server on a port that is free, which it tells to its own first client too."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def serving(office: Office, **over: Any) -> Iterator[Office]:
    controller = Served(office, hostname="127.0.0.1", port=0, **over)
    controller.start()
    office.port = controller.port
    try:
        yield office
    finally:
        controller.stop()


@pytest.fixture
def office() -> Iterator[Office]:
    with serving(Office()) as found:
        yield found


def a_letter(to: str = "priya@example.com", text: str = "Please answer.\n.\n.hidden") -> Post:
    block = {"type": letter.LETTER, "subject": "UAT is due – Größe", "html": "<p>UAT</p>", "preferences": f"{BASE_URL}/account"}
    return Post(outbox.id_of("k"), to, text, [block])


def sent_by(url: str, **over: Any) -> Outcome:
    return MailSender(url, base_url=BASE_URL, timeout=2).send(a_letter(**over))


def test_a_letter_says_it_plainly_and_carries_the_notices_id_and_the_way_to_end_it(office: Office) -> None:
    outcome = sent_by(office.url)
    (mail,) = office.taken
    assert outcome == Sent(mail["Message-ID"]) == Sent(f"<{outbox.id_of('k')}@tracker.example.com>")
    assert (mail["Subject"], mail["To"], mail["Auto-Submitted"]) == ("UAT is due – Größe", "priya@example.com", "auto-generated")
    assert mail["List-Unsubscribe"] == f"<{BASE_URL}/account>"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert plain.get_content().splitlines()[:3] == ["Please answer.", ".", ".hidden"], "a line of one dot does not end a letter"
    assert html is not None
    assert "<p>UAT</p>" in html.get_content()


@pytest.mark.parametrize(
    ("office", "kind"),
    [
        (Office(rcpt="550 no such user"), Park),
        (Office(rcpt="450 greylisted"), Wait),
        (Office(rcpt=hang_up), Wait),
        (Office(mail="553 not from you"), Pause),
        (Office(mail="530 authenticate first"), Pause),
        (Office(data="452 disk full"), Wait),
        (Office(data="554 looks like spam"), Refuse),
        (Office(data=hang_up), Doubt),
    ],
)
def test_whatever_the_server_answers_is_an_outcome(office: Office, kind: type[Outcome]) -> None:
    with serving(office):
        assert isinstance(sent_by(office.url), kind)
    assert office.taken == []


def test_what_never_reached_a_server_waits_and_a_password_is_never_told(office: Office) -> None:
    with serving(Office()) as gone:
        url = gone.url
    assert isinstance(sent_by(url), Wait)
    assert isinstance(sent_by(office.url, to="prïya@example.com"), Park)
    with serving(Office(), authenticator=nobody, auth_require_tls=False) as strict:
        found = sent_by(strict.url.replace("smtp://", "smtp://tracker:s3cr3t@"))
    assert isinstance(found, Pause)
    assert "s3cr3t" not in found.error


def nobody(*_who: object) -> AuthResult:
    """Lets nobody in."""
    return AuthResult(success=False, handled=False)


def own_date(engagement: Engagement, owner: Person, title: str = "Send the list") -> None:
    """A date of somebody's, in a week: reminders the day before and on the day."""
    manager = actor(db.session.get_one(Person, engagement.manager_id))
    with transaction(db.session, now=NOW):
        spec = DateSpec(DeadlineKind.CUSTOM, Dates(due_on=NOW.date() + timedelta(days=7)), title=title)
        made = deadline_service.set_date(db.session, manager, engagement.id, spec, now=NOW)
        made.owner_id = owner.id
    replan(engagement)


def replan(engagement: Engagement) -> None:
    from tracker.services.planning import replan as plan

    with transaction(db.session, now=NOW):
        plan(db.session, db.session.get_one(Engagement, engagement.id), now=NOW)


def mailed(engagement: Engagement) -> list[OutboxNotice]:
    db.session.rollback()
    query = sa.select(OutboxNotice).where(OutboxNotice.engagement_id == engagement.id, OutboxNotice.road == Road.MAIL)
    return list(db.session.scalars(query.order_by(OutboxNotice.due_at), execution_options={"populate_existing": True}))


def wish(person: Person, mail: str) -> None:
    with transaction(db.session, now=NOW):
        db.session.merge(PersonPreference(person_id=person.id, mail=mail, version=1))


def test_mail_is_planned_for_whom_slack_does_not_reach_and_only_where_it_goes_out(app: Flask) -> None:
    engagement = make_engagement()
    outside, inside = make_person("customer_approver"), make_person("customer_viewer", slack_user_id="U7")
    own_date(engagement, outside)
    assert mailed(engagement) == [], "without a mail server nothing changes"
    with transaction(db.session, now=NOW):
        assert open_roads(db.session, mail=True, now=NOW)
        assert not open_roads(db.session, mail=True, now=NOW)
    assert db.session.scalar(sa.select(sa.func.count()).where(Deadline.replan_at <= NOW)), "the next ticks plan it"
    with transaction(db.session, now=NOW):
        delivery.replan_due(db.session, now=NOW)
    first, second = mailed(engagement)
    assert {(each.channel, each.person_id, each.state) for each in (first, second)} == {(outside.email, outside.id, "planned")}
    beside = db.session.scalars(sa.select(OutboxNotice).where(OutboxNotice.key == first.key.partition(":mail:")[0])).one()
    assert (beside.road, beside.channel, beside.due_at) == ("slack", "C1", first.due_at)
    for slack_user_id, state in (("U9", "cancelled"), (None, "planned")):
        with transaction(db.session, now=NOW):
            edit_person(db.session, SYSTEM, outside.id, PersonChange({"slack_user_id": slack_user_id}), now=NOW)
            delivery.replan_due(db.session, now=NOW)
        assert {each.state for each in mailed(engagement)} == {state}
    own_date(engagement, inside, "Of somebody in Slack")
    assert len(mailed(engagement)) == 2
    wish(inside, "always")
    wish(outside, "never")
    replan(engagement)
    assert {each.channel: each.state for each in mailed(engagement)} == {outside.email: "cancelled", inside.email: "planned"}
    with transaction(db.session, now=NOW):
        open_roads(db.session, mail=False, now=NOW)
        delivery.replan_due(db.session, now=NOW)
    assert {each.state for each in mailed(engagement)} == {"cancelled"}


def test_what_the_team_says_among_itself_is_never_mailed_to_the_customer(app: Flask) -> None:
    engagement = make_engagement(kickoff_on=NOW.date() + timedelta(days=30))
    customer, staff = make_person("customer_approver"), make_person("engineer")
    with transaction(db.session, now=NOW):
        open_roads(db.session, mail=True, now=NOW)
    for owner in (customer, staff):
        with transaction(db.session, now=NOW):
            due = NOW.date() + timedelta(days=20)
            one = Deadline(engagement_id=engagement.id, kind="hypercare_end", title="End of hypercare", due_on=due, day=due,
                           source="manual", owner_id=owner.id, created_at=NOW)  # fmt: skip
            db.session.add(one)
        replan(engagement)
        found = [each.audience for each in mailed(engagement) if each.kind.startswith("hypercare_end")]
        assert found == ([] if owner is customer else ["internal"])
        with transaction(db.session, now=NOW):
            db.session.get_one(Deadline, one.id).withdrawn_at = NOW


@dataclass
class Desk:
    """The outbox with a mail server of ours at its end, and no Slack."""

    sender: MailSender
    timing: Timing = field(default_factory=Timing)

    def step(self, now: Any) -> NoticeState | None:
        with transaction(db.session, now=now):
            delivery.release_due(db.session, now=now, ready_at=now)
            claimed: Claimed | None = delivery.claim(db.session, lambda notice: _render(notice, base_url=BASE_URL), self.timing,
                                                     "test", now=now, roads={Road.MAIL})  # fmt: skip
        if claimed is None:
            return None
        outcome = self.sender.send(claimed.post)
        with transaction(db.session, now=now):
            return delivery.settle(db.session, claimed, outcome, self.timing, CHANCE, now=now)

    def look(self, now: Any) -> list[NoticeState]:
        with transaction(db.session, now=now):
            states = []
            for channel, notices in delivery.in_doubt(db.session, now=now).items():
                found = self.sender.find(channel, [each.id for each in notices], now)
                states += delivery.reconcile(db.session, notices, found, self.timing, looked_at=now, now=now)
            return states


def test_a_letter_goes_out_once_and_what_is_in_doubt_again_with_a_word_of_warning(app: Flask, settings: Settings) -> None:
    engagement, owner = make_engagement(slack_channel=None), make_person("customer_approver")
    with transaction(db.session, now=NOW):
        open_roads(db.session, mail=True, now=NOW)
    own_date(engagement, owner)
    due = mailed(engagement)[0].due_at
    with serving(Office(data=hang_up)) as office:
        desk = Desk(MailSender(office.url, base_url=BASE_URL, timeout=2))
        assert desk.step(due) == NoticeState.UNKNOWN
        assert desk.step(due) is None, "Slack's own notice has no channel and stays where it is"
        office.data = "250 OK"
        now = due
        while mailed(engagement)[0].state == NoticeState.UNKNOWN:
            now += timedelta(minutes=1)
            desk.look(now)
        assert now - due > Timing().unreadable_patience
        assert desk.step(now) == NoticeState.SENT
        (mail,) = office.taken
        body = mail.get_body(("plain",))
        assert body is not None
        assert "This may be a repeat." in body.get_content()
        assert f"{BASE_URL}/engagements/{engagement.id}" in body.get_content()
        assert mailed(engagement)[0].slack_ts == mail["Message-ID"]
        office.mail = "535 bad password"
        now = mailed(engagement)[1].due_at
        assert desk.step(now) == NoticeState.READY
        db.session.rollback()
        assert set(pacing.breakers(db.session, now)) == {Road.MAIL}, "Slack goes on"
        assert "535 bad password" in (mailed(engagement)[1].reason or "")
