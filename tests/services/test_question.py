"""Questions and facts: asked, answered by whoever is on the engagement, and what follows for the scope."""

from datetime import date
from typing import Any

import pytest

from tests.factories import NOW, actor, item_of, make_engagement, make_person, make_site
from tracker.domain.access import SYSTEM, Actor
from tracker.domain.errors import EditedMeanwhile, Guard, Invalid, NotAllowed, NotFound
from tracker.services import fact as fact_service
from tracker.services import question as service
from tracker.services.fact import FactsChange
from tracker.services.question import QuestionChange, QuestionSpec
from tracker.store import question as questions
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.question import Question
from tracker.store.site import Site
from tracker.store.transaction import transaction

pytestmark = pytest.mark.usefixtures("app")


def ask(engagement: Engagement, who: Actor = SYSTEM, **over: Any) -> Question:
    with transaction(db.session, now=NOW):
        return service.ask(db.session, who, engagement.id, QuestionSpec(**({"text": "Who hosts the DNS?"} | over)), now=NOW)


def change(question: Question, who: Actor = SYSTEM, version: int | None = None, **values: Any) -> Question:
    with transaction(db.session, now=NOW):
        return service.change_question(db.session, who, question.id, QuestionChange(values, version), now=NOW)


def answer_facts(site: Site, who: Actor, version: int | None = None, **said: Any) -> Site:
    with transaction(db.session, now=NOW):
        return fact_service.answer_facts(db.session, who, site.id, FactsChange(said, version), now=NOW)


def about(site: Site, fact: str) -> Question:
    return questions.asked_facts(db.session, [site.id])[site.id][fact]


def test_anybody_on_the_engagement_asks_and_answers() -> None:
    engagement = make_engagement()
    viewer, manager = actor(make_person("customer_viewer")), actor(make_person())
    question = ask(engagement, viewer, side="team", due_on=date(2026, 3, 6))
    assert (question.state, question.asked_by) == ("open", viewer.person_id)
    answered = change(question, manager, answer="A registrar in Bern")
    assert (answered.state, answered.answer, answered.answered_by) == ("answered", "A registrar in Bern", manager.person_id)
    with pytest.raises(Guard) as refused:
        change(question, viewer, answer="Another")
    assert refused.value.rule == "question_open"


def test_the_answer_to_a_question_about_a_fact_is_the_fact() -> None:
    site = make_site(make_engagement())
    viewer = actor(make_person("customer_viewer"))
    with pytest.raises(Invalid) as refused:
        change(about(site, "sends_email"), viewer, answer="now and then")
    assert refused.value.errors[0].field == "answer"
    answered = change(about(site, "sends_email"), viewer, answer="yes")
    assert (answered.state, answered.answer, answered.answered_by) == ("answered", "Yes", viewer.person_id)
    stored = db.session.get_one(Site, site.id, populate_existing=True)
    assert stored.facts["sends_email"] is True
    assert stored.fact_sources["sends_email"] == {"source": "question", "by": str(viewer.person_id), "at": NOW.isoformat()}
    assert item_of(site, "email-external").decision == "included"


@pytest.mark.parametrize(
    ("fact", "answer", "value"),
    [
        ("search_provider", "Acquia Search", "acquia"),
        ("cron_need", "hourly", "hourly"),
        ("network", "No", False),
        ("plan", "basic", "basic"),
        ("upstream_choice", "the default upstream", "default"),
    ],
)
def test_an_answer_is_understood_by_its_word_or_its_name(fact: str, answer: str, value: object) -> None:
    site = make_site(make_engagement(), plan=None if fact == "plan" else "elite")
    change(about(site, fact), answer=answer)
    stored = db.session.get_one(Site, site.id, populate_existing=True)
    assert (stored.facts | {"network": stored.network, "plan": stored.plan, "upstream_choice": stored.upstream_choice})[
        fact
    ] == value
    assert fact not in questions.asked_facts(db.session, [site.id])[site.id]


def test_plan_and_code_base_are_for_the_team_to_settle() -> None:
    site = make_site(make_engagement())
    viewer = actor(make_person("customer_viewer"))
    with pytest.raises(NotAllowed):
        change(about(site, "plan"), viewer, answer="basic")
    with pytest.raises(NotAllowed):
        answer_facts(site, viewer, plan="basic")
    answer_facts(site, viewer, network=True)
    assert item_of(site, "migrate-wp-network").decision == "included"


def test_the_team_says_who_answers_and_withdraws() -> None:
    engagement = make_engagement()
    question, viewer = ask(engagement), make_person("customer_viewer")
    for values in ({"owner_id": viewer.id}, {"due_on": date(2026, 3, 9)}, {"state": "withdrawn"}):
        with pytest.raises(NotAllowed):
            change(question, actor(viewer), **values)
    assert change(question, owner_id=viewer.id, due_on=date(2026, 3, 9)).owner_id == viewer.id
    stranger = make_person("customer_viewer", customer="Other")
    for wrong, field in (
        ({"owner_id": stranger.id}, "owner_id"),
        ({"due_on": date(26, 3, 9)}, "due_on"),
        ({"state": "perhaps"}, "state"),
        ({"state": "answered"}, "answer"),
    ):
        with pytest.raises(Invalid) as refused:
            change(question, **wrong)
        assert refused.value.errors[0].field == field
    assert change(question, state="withdrawn").state == "withdrawn"


def test_a_question_that_the_scope_waits_for_is_not_withdrawn_by_hand() -> None:
    site = make_site(make_engagement())
    with pytest.raises(Guard) as refused:
        change(about(site, "sends_email"), state="withdrawn")
    assert (refused.value.rule, refused.value.missing) == ("fact_needed", ["sends_email"])


def test_a_stale_answer_is_refused_and_a_strangers_is_not_found() -> None:
    engagement = make_engagement()
    question = ask(engagement)
    change(question, due_on=date(2026, 3, 9))
    with pytest.raises(EditedMeanwhile):
        change(question, version=1, answer="Late")
    with pytest.raises(NotFound):
        change(question, actor(make_person("customer_viewer", customer="Other")), answer="Mine")


@pytest.mark.parametrize(
    ("over", "field"),
    [({"text": " "}, "text"), ({"side": "both"}, "side"), ({"text": "a\x07"}, "text"), ({"due_on": date(2, 1, 1)}, "due_on")],
)
def test_what_cannot_be_asked_is_explained(over: dict[str, Any], field: str) -> None:
    engagement = make_engagement()
    with pytest.raises(Invalid) as refused:
        ask(engagement, **over)
    assert refused.value.errors[0].field == field


def test_a_questionnaire_takes_what_is_known_and_keeps_the_rest() -> None:
    site = make_site(make_engagement(), facts={"sends_email": True})
    viewer = actor(make_person("customer_viewer"))
    answer_facts(site, viewer, has_htaccess_redirects=False, archive_mb=700)
    stored = db.session.get_one(Site, site.id, populate_existing=True)
    assert (stored.facts["sends_email"], stored.facts["has_htaccess_redirects"], stored.facts["archive_mb"]) == (True, False, 700)
    assert set(stored.fact_sources) == {"sends_email", "has_htaccess_redirects", "archive_mb"}
    assert item_of(site, "redirects-to-php").reason == "There are no redirects in a .htaccess file."
    with pytest.raises(EditedMeanwhile):
        answer_facts(site, viewer, version=1, sends_email=False)
    faulty: list[dict[str, Any]] = [{"sends_email": "yes"}, {"archive_mb": "big"}, {"network": "maybe"}, {"colour": "red"}]
    for wrong in faulty:
        with pytest.raises(Invalid):
            answer_facts(site, viewer, **wrong)
