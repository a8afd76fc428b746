"""Comments: who reads them, which channel is told, and how they are taken back."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import NOW, actor, make_engagement, make_person, make_site, say
from tracker.domain.errors import Invalid, NotAllowed, NotFound
from tracker.domain.notice import Audience, NoticeState
from tracker.services import comment as service
from tracker.services import delivery
from tracker.services import engagement as engagement_service
from tracker.services.comment import CommentSpec
from tracker.services.engagement import EngagementChange
from tracker.services.planning import revise
from tracker.store import comment as comments
from tracker.store.comment import Comment
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.notice import OutboxNotice
from tracker.store.person import Person
from tracker.store.transaction import transaction


def told(engagement: Engagement) -> list[OutboxNotice]:
    """What the channels are told of the conversation."""
    query = sa.select(OutboxNotice).where(OutboxNotice.engagement_id == engagement.id, OutboxNotice.kind.like("comment.%"))
    return list(db.session.scalars(query.order_by(OutboxNotice.id), execution_options={"populate_existing": True}))


def withdraw(comment: Comment, who: Person) -> None:
    with transaction(db.session, now=NOW):
        service.withdraw(db.session, actor(who), comment.id, now=NOW)


def edit(engagement: Engagement, manager: Person, **values: object) -> None:
    with transaction(db.session, now=NOW):
        change = EngagementChange(None, values)
        engagement_service.edit_engagement(db.session, actor(manager), engagement.id, change, now=NOW)


@pytest.fixture
def manager(app: Flask) -> Person:
    return make_person(name="Jonas Weber")


def test_what_a_customer_says_is_told_once_to_the_shared_channel(manager: Person) -> None:
    engagement = make_engagement(manager, name="Museum move", slack_channel="C1", internal_slack_channel="C2")
    site = make_site(engagement, name="Shop")
    said = say(engagement, make_person("customer_viewer", name="Priya Nair"), "word " * 200, site_id=site.id)
    (notice,) = told(engagement)
    assert (notice.kind, notice.audience, notice.channel, notice.key) == (
        "comment.customer",
        "customer",
        "C1",
        f"comment:{said.id}",
    )
    assert notice.headline == "Priya Nair wrote about Shop, Museum move"
    assert len(notice.text) <= 300
    assert notice.text.endswith("word…")
    assert notice.path == f"/engagements/{engagement.id}/comments#comment-{said.id}"
    assert (notice.due_at, notice.useless_after) == (NOW, NOW + timedelta(days=2))


def test_what_the_team_says_among_itself_goes_to_its_own_channel(manager: Person) -> None:
    engagement = make_engagement(manager, slack_channel="C1", internal_slack_channel="C2")
    say(engagement, manager, "They are nervous", internal=True)
    (notice,) = told(engagement)
    assert (notice.kind, notice.audience, notice.channel) == ("comment.internal", "internal", "C2")


@pytest.mark.parametrize("own", [None, "C1"])
def test_without_a_channel_of_its_own_the_team_tells_nobody(manager: Person, own: str | None) -> None:
    engagement = make_engagement(manager, slack_channel="C1", internal_slack_channel=own)
    say(engagement, manager, "They are nervous", internal=True)
    assert told(engagement) == []


@pytest.mark.parametrize("becomes", [{"internal_slack_channel": None}, {"internal_slack_channel": "C1"}, {"slack_channel": "C2"}])
def test_an_internal_word_that_waits_never_moves_to_the_customers_channel(manager: Person, becomes: dict[str, object]) -> None:
    engagement = make_engagement(manager, slack_channel="C1", internal_slack_channel="C2")
    say(engagement, manager, "They are nervous", internal=True)
    edit(engagement, manager, **becomes)
    (notice,) = told(engagement)
    assert notice.channel is None
    edit(engagement, manager, slack_channel="C1", internal_slack_channel="C3")
    (notice,) = told(engagement)
    assert notice.channel == "C3"


def test_an_internal_word_that_was_parked_is_not_sent_again_to_the_customers_channel(manager: Person) -> None:
    engagement = make_engagement(manager, slack_channel="C1", internal_slack_channel="C2")
    say(engagement, manager, "They are nervous", internal=True)
    edit(engagement, manager, internal_slack_channel=None)
    (notice,) = told(engagement)
    with transaction(db.session, now=NOW):
        db.session.execute(sa.update(OutboxNotice).where(OutboxNotice.id == notice.id).values(state=NoticeState.PARKED))
    with transaction(db.session, now=NOW):
        delivery.send_again(db.session, actor(manager), notice.id, now=NOW)
    (notice,) = told(engagement)
    assert notice.channel is None


def test_a_withdrawn_comment_is_not_told_any_more_and_its_words_are_gone(manager: Person) -> None:
    engagement = make_engagement(manager)
    said = say(engagement, manager, "Wrong window")
    withdraw(said, manager)
    (notice,) = told(engagement)
    assert (notice.state, notice.reason) == (NoticeState.CANCELLED, "The comment was withdrawn.")
    withdraw(said, manager)
    assert comments.latest(db.session, actor(manager), engagement.id) == []


def test_a_comment_that_is_withdrawn_while_slack_may_have_it_is_not_sent_again(manager: Person) -> None:
    engagement = make_engagement(manager)
    said = say(engagement, manager, "Wrong window")
    (notice,) = told(engagement)
    on_the_wire = sa.update(OutboxNotice).where(OutboxNotice.id == notice.id)
    with transaction(db.session, now=NOW):
        db.session.execute(on_the_wire.values(state=NoticeState.UNKNOWN))
    withdraw(said, manager)
    with transaction(db.session, now=NOW):
        db.session.execute(on_the_wire.values(state=NoticeState.READY))
        revise(db.session, db.session.get_one(OutboxNotice, notice.id), now=NOW)
    assert [each.state for each in told(engagement)] == [NoticeState.CANCELLED]


def test_only_the_author_withdraws(manager: Person) -> None:
    engagement = make_engagement(manager)
    viewer = make_person("customer_viewer")
    said, internal = say(engagement, manager), say(engagement, manager, internal=True)
    with pytest.raises(NotAllowed):
        withdraw(said, viewer)
    with pytest.raises(NotFound):
        withdraw(internal, viewer)


def test_a_customer_neither_says_nor_reads_anything_internal(manager: Person) -> None:
    engagement = make_engagement(manager)
    viewer = make_person("customer_viewer")
    say(engagement, manager, "They are nervous", internal=True)
    with pytest.raises(NotAllowed):
        say(engagement, viewer, internal=True)
    assert comments.page(db.session, actor(viewer), engagement.id, limit=9) == []
    assert comments.latest(db.session, actor(viewer), engagement.id) == []
    assert len(comments.page(db.session, actor(manager), engagement.id, limit=9)) == 1


@pytest.mark.parametrize("text", ["", " \u200b ", "password: hunter2hunter2", "a" * 5001, "\u202eback"])
def test_what_cannot_be_kept_is_refused_at_its_field(manager: Person, text: str) -> None:
    engagement = make_engagement(manager)
    with pytest.raises(Invalid) as refused:
        say(engagement, manager, text)
    assert refused.value.errors[0].field == "text"
    assert told(engagement) == []


def test_the_team_says_who_reads_it_and_only_of_its_own_sites(manager: Person) -> None:
    engagement, other = make_engagement(manager), make_engagement(manager)
    elsewhere = make_site(other)
    for spec, field in (
        (CommentSpec("Hello"), "audience"),
        (CommentSpec("Hello", Audience.CUSTOMER, elsewhere.id), "site_id"),
    ):
        with pytest.raises(Invalid) as refused, transaction(db.session, now=NOW):
            service.comment(db.session, actor(manager), engagement.id, spec, now=NOW)
        assert refused.value.errors[0].field == field
