"""The weekly update: drafted from the facts, one for each week, posted once."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import NOW, TODAY, actor, agree, make_engagement, make_person, make_site, say, some_work
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.errors import EditedMeanwhile, Guard, Invalid, NotAllowed, NotFound
from tracker.services import deadline as deadline_service
from tracker.services import engagement as engagement_service
from tracker.services import requirements as requirements_service
from tracker.services import site as site_service
from tracker.services import time_entry as time_service
from tracker.services import weekly_update as service
from tracker.services.deadline import DateChange, DateSpec
from tracker.slack.blocks import render
from tracker.store import deadline as deadlines
from tracker.store import weekly_update as updates
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.notice import OutboxNotice
from tracker.store.person import Person
from tracker.store.question import Question
from tracker.store.transaction import transaction
from tracker.store.weekly_update import WeeklyUpdate

MONDAY = date(2026, 3, 2)


@pytest.fixture
def manager(app: Flask) -> Person:
    return make_person(name="Jonas Weber")


@pytest.fixture
def engagement(manager: Person) -> Engagement:
    return make_engagement(manager, name="Museum move")


def compose(engagement: Engagement, who: Person, text: str | None = None, *, days: int = 0) -> WeeklyUpdate:
    now = NOW + timedelta(days=days)
    with transaction(db.session, now=now):
        return service.compose_update(db.session, actor(who), engagement.id, text=text, now=now)


def post(update: WeeklyUpdate, who: Person, version: int | None = None) -> None:
    with transaction(db.session, now=NOW):
        service.post_update(db.session, actor(who), update.id, version=version, now=NOW)


def edit(update: WeeklyUpdate, who: Person, text: str, version: int | None = None) -> None:
    with transaction(db.session, now=NOW):
        service.edit_update(db.session, actor(who), update.id, text, version=version, now=NOW)


def told(engagement: Engagement) -> list[OutboxNotice]:
    query = sa.select(OutboxNotice).where(OutboxNotice.engagement_id == engagement.id, OutboxNotice.kind == "update.weekly")
    return list(db.session.scalars(query))


def test_it_is_composed_from_what_happened_and_what_comes(manager: Person, engagement: Engagement) -> None:
    approver = make_person("customer_approver", name="Priya Nair")
    site = make_site(engagement, name="Shop")
    agreed = agree(engagement)
    manager_actor = actor(manager)
    with transaction(db.session, now=NOW):
        for spec in (
            DateSpec(DeadlineKind.UAT, Dates(due_on=TODAY + timedelta(days=7)), site.id),
            DateSpec(DeadlineKind.HYPERCARE_END, Dates(due_on=TODAY + timedelta(days=90)), site.id),
            DateSpec(DeadlineKind.ACCESS, Dates(due_on=TODAY - timedelta(days=3)), site.id),
            DateSpec(DeadlineKind.INVENTORY, Dates(due_on=TODAY)),
        ):
            deadline_service.set_date(db.session, manager_actor, engagement.id, spec, now=NOW)
    inventory = deadlines.one(db.session, engagement.id, None, "inventory")
    assert inventory is not None
    with transaction(db.session, now=NOW):
        deadline_service.change_date(db.session, manager_actor, inventory.id, DateChange(None, done_at=NOW), now=NOW)
        site_service.move_site(db.session, manager_actor, site.id, "qualified", now=NOW)
        requirements_service.sign(db.session, actor(approver), engagement.id, "requirements", agreed.hash, now=NOW)
        booked = time_service.book(db.session, manager_actor, some_work(site, 90, note="Found the cause"), now=NOW)
        time_service.submit(db.session, manager_actor, booked[0].entry.id, now=NOW)
        time_service.book(db.session, manager_actor, some_work(site, 60, note="Still a draft"), now=NOW)
        db.session.add(
            Question(engagement_id=engagement.id, site_id=site.id, text="Who owns the DNS?", side="customer", asked_at=NOW)
        )
        db.session.add(Question(engagement_id=engagement.id, text="What is the margin?", side="team", asked_at=NOW))
    say(engagement, manager, "They are nervous", internal=True)
    text = compose(engagement, manager).text
    for line in (
        "• Source access due, Shop: was for Fri 27 Feb 2026",
        "• Shop: Who owns the DNS?",
        "• Shop is now qualified",
        "• Shop: 1 h 30 of work",
        "• The project requirements are agreed (version 1)",
        "• Priya Nair signed the requirements",
        "• Mon 9 Mar 2026: UAT sign-off due, Shop",
    ):
        assert line in text.splitlines()
    for never in ("Hypercare", "Found the cause", "Still a draft", "margin", "nervous", "Site inventory"):
        assert never not in text


def test_what_happened_in_another_week_is_not_said_again(manager: Person, engagement: Engagement) -> None:
    site = make_site(engagement, name="Shop")
    agree(engagement)
    with transaction(db.session, now=NOW):
        booked = time_service.book(db.session, actor(manager), some_work(site, 90), now=NOW)
        time_service.submit(db.session, actor(manager), booked[0].entry.id, now=NOW)
    text = compose(engagement, manager, days=7).text
    assert "What was done" not in text
    assert "agreed" not in text
    assert "Your signature under the project requirements" in text


def test_a_week_has_one_update_named_by_its_monday_where_the_engagement_is(manager: Person, engagement: Engagement) -> None:
    first = compose(engagement, manager, "Hello")
    assert first.week_of == MONDAY
    with pytest.raises(Guard, match="next week's"):
        compose(engagement, manager, days=4)
    # Sunday evening in UTC is Monday already in Berlin.
    moment = NOW.replace(day=8, hour=23, minute=30)
    with transaction(db.session, now=moment):
        second = service.compose_update(db.session, actor(manager), engagement.id, text="Hello", now=moment)
    assert second.week_of == MONDAY + timedelta(days=7)


def test_a_draft_is_edited_posted_once_told_once_and_then_fixed(manager: Person, engagement: Engagement) -> None:
    update = compose(engagement, manager)
    viewer = actor(make_person("customer_viewer"))
    assert updates.page(db.session, viewer, engagement.id, limit=9) == []
    with pytest.raises(NotFound):
        updates.get(db.session, viewer, update.id)
    edit(update, manager, "We moved the shop.", version=1)
    with pytest.raises(EditedMeanwhile):
        edit(update, manager, "Something else", version=1)
    assert told(engagement) == []
    post(update, manager, version=2)
    (notice,) = told(engagement)
    assert (notice.key, notice.audience, notice.channel, notice.text) == (
        f"update:{update.id}",
        "customer",
        "C1",
        "We moved the shop.",
    )
    assert notice.headline == "Museum move: update for the week of Mon 2 Mar 2026"
    with pytest.raises(Guard, match="posted"):
        post(update, manager)
    with pytest.raises(Guard, match="posted"):
        edit(update, manager, "Second thought")
    assert [each.text for each in updates.page(db.session, viewer, engagement.id, limit=9)] == ["We moved the shop."]
    latest = updates.latest(db.session, viewer, engagement.id)
    assert latest is not None
    assert latest.id == update.id


def test_the_longest_update_is_told_whole(manager: Person, engagement: Engagement) -> None:
    text = "\n".join(f"line {number:04} & more" for number in range(300))[:5900]
    post(compose(engagement, manager, text), manager)
    (notice,) = told(engagement)
    said = "\n".join(block["text"]["text"] for block in render(notice, base_url="https://t.example")["blocks"][:-1])
    assert said.replace("&amp;", "&").endswith(text)


def test_an_engineer_drafts_and_a_manager_posts(manager: Person, engagement: Engagement) -> None:
    engineer = make_person("engineer")
    with transaction(db.session, now=NOW):
        engagement_service.add_member(db.session, actor(manager), engagement.id, engineer.id, now=NOW)
    update = compose(engagement, engineer, "Hello")
    with pytest.raises(NotAllowed):
        post(update, engineer)
    post(update, manager)


@pytest.mark.parametrize("text", ["", "  ", "password: hunter2hunter2", "x" * 6001])
def test_what_cannot_be_kept_is_refused(manager: Person, engagement: Engagement, text: str) -> None:
    with pytest.raises(Invalid) as refused:
        compose(engagement, manager, text)
    assert refused.value.errors[0].field == "text"
