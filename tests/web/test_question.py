"""Questions, risks, the questionnaire and the split, as their pages show them."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from tests.factories import agree, item_of, make_engagement, make_person, make_site, sign_in
from tests.services.test_question import ask
from tests.services.test_risk import note
from tests.web.test_engagement import value_of
from tracker.store import question as questions
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.person import Person
from tracker.store.question import Question
from tracker.store.risk import Risk
from tracker.store.site import Site


@pytest.fixture
def manager(client: FlaskClient) -> Person:
    """A signed-in engagement manager."""
    person = make_person(name="Jonas Weber")
    sign_in(client, person)
    return person


@pytest.fixture
def engagement(manager: Person) -> Engagement:
    return make_engagement(manager, name="Museum move")


@pytest.fixture
def site(engagement: Engagement) -> Site:
    return make_site(engagement, name="Shop")


def about(site: Site, fact: str) -> Question:
    return questions.asked_facts(db.session, [site.id])[site.id][fact]


def test_a_customer_sees_what_waits_on_them_and_answers_in_place(client: FlaskClient, engagement: Engagement, site: Site) -> None:
    viewer = make_person("customer_viewer", name="Tom Baker")
    sign_in(client, viewer)
    address = f"/engagements/{engagement.id}/questions"
    page = client.get(address).text
    waiting, of_team = page.split("Waiting on the team")
    assert "Does the site send e-mail, such as from forms, orders or password resets?" in waiting
    assert "Mon 9 Mar 2026" in waiting
    assert "On which plan will the site run?" in of_team
    question = about(site, "sends_email")
    refused = client.post(f"/questions/{question.id}/answer", data={"answer": "", "version": "1"})
    assert refused.status_code == 422
    assert "Write the answer." in refused.text
    answered = client.post(f"/questions/{question.id}/answer", data={"answer": "yes", "version": "1"}, follow_redirects=True)
    assert "Tom Baker" in answered.text.split("Answered</h2>")[1]
    assert item_of(site, "email-external").decision == "included"


def test_a_question_is_asked_handed_to_somebody_and_withdrawn(client: FlaskClient, engagement: Engagement) -> None:
    address = f"/engagements/{engagement.id}/questions"
    assert "Write the question." in client.post(address, data={"side": "customer"}).text
    client.post(address, data={"side": "customer", "text": "Who hosts the DNS?", "due_on": "2026-03-20"})
    question = db.session.scalars(sa.select(Question)).one()
    viewer = make_person("customer_viewer", name="Tom Baker")
    said = {"owner_id": str(viewer.id), "due_on": "2026-03-27", "version": "1"}
    assert client.post(f"/questions/{question.id}/assign", data=said).location == address
    page = client.get(address).text
    assert "Tom Baker" in page
    assert "Fri 27 Mar 2026" in page
    stale = client.post(f"/questions/{question.id}/assign", data=said)
    assert stale.status_code == 409
    assert value_of(stale.text, "version") == "2"
    client.post(f"/questions/{question.id}/withdraw", data={"version": "2"})
    assert "No longer asked" in client.get(address).text


def test_an_answer_that_cannot_be_understood_is_kept_and_explained(client: FlaskClient, engagement: Engagement) -> None:
    question = ask(engagement)
    answer = client.post(f"/questions/{question.id}/answer", data={"answer": "a\x07b", "version": "1"})
    assert answer.status_code == 422
    assert "invisible control character" in answer.text
    stale = client.post(f"/questions/{question.id}/answer", data={"answer": "Our registrar", "version": "7"})
    assert stale.status_code == 409
    assert ">Our registrar</textarea>" in stale.text


def test_risks_are_noted_changed_and_closed_in_place(client: FlaskClient, engagement: Engagement) -> None:
    address = f"/engagements/{engagement.id}/risks"
    assert "No open risks." in client.get(address).text
    said = {"title": "Plugin not sold any more", "mitigation": "Look for another", "severity": "blocks", "audience": "internal"}
    assert "Say what is done about it." in client.post(address, data=said | {"mitigation": ""}).text
    client.post(address, data=said)
    risk = db.session.scalars(sa.select(Risk)).one()
    assert "Team only" in client.get(address).text
    assert "Say how it came out." in client.post(f"/risks/{risk.id}/close", data={"version": "1"}).text
    client.post(f"/risks/{risk.id}/edit", data=said | {"audience": "customer", "version": "1"})
    assert client.post(f"/risks/{risk.id}/edit", data=said | {"version": "1"}).status_code == 409
    client.post(f"/risks/{risk.id}/close", data={"outcome": "Another does it", "version": "2"})
    assert "Another does it" in client.get(address).text
    client.post(f"/risks/{risk.id}/open", data={"version": "3"})
    assert "1 open" in client.get(address).text


def test_a_customer_finds_no_internal_risk_under_any_address(client: FlaskClient, engagement: Engagement) -> None:
    secret = note(engagement, title="They may not pay")
    note(engagement, title="DNS is slow", audience="customer")
    sign_in(client, make_person("customer_approver"))
    page = client.get(f"/engagements/{engagement.id}/risks").text
    assert "DNS is slow" in page
    assert "They may not pay" not in page
    assert 'name="title"' not in page
    for verb, path in (("get", "edit"), ("post", "edit"), ("post", "close"), ("post", "open")):
        assert getattr(client, verb)(f"/risks/{secret.id}/{path}").status_code == 404


def test_the_questionnaire_asks_what_this_system_needs_and_says_who_answered(client: FlaskClient, site: Site) -> None:
    sign_in(client, make_person("customer_viewer", name="Tom Baker"))
    address = f"/sites/{site.id}/facts"
    page = client.get(address).text
    assert 'name="uses_php_sessions"' in page
    assert 'name="drupal_multisite"' not in page
    assert 'name="plan"' not in page, "the team settles the plan"
    saved = client.post(address, data={"sends_email": "yes", "archive_mb": "700", "network": "no", "version": "1"})
    assert saved.location == f"/sites/{site.id}/scope"
    again = client.get(address).text
    assert "Tom Baker, answered here" in again
    assert 'value="700"' in again
    refused = client.post(address, data={"archive_mb": "big", "version": "2"})
    assert refused.status_code == 422
    stale = client.post(address, data={"sends_email": "no", "version": "1"})
    assert stale.status_code == 409
    assert "Now: Yes" in stale.text


def test_a_manager_settles_plan_and_code_base_in_the_questionnaire_too(client: FlaskClient, site: Site) -> None:
    client.post(f"/sites/{site.id}/facts", data={"plan": "basic", "upstream_choice": "default", "search_provider": "solr"})
    assert item_of(site, "install-object-cache").decision == "out_of_scope"
    page = client.get(f"/sites/{site.id}/facts").text
    assert '<option selected value="solr">' in page


def test_a_split_is_looked_at_before_it_is_done(client: FlaskClient, engagement: Engagement) -> None:
    network = make_site(engagement, name="Network", network=True, url="https://www.example.com")
    assert f'href="/sites/{network.id}/split"' in client.get(f"/sites/{network.id}/scope").text
    address = f"/sites/{network.id}/split"
    faulty = {"targets": "Blog, blog.example.com\n\nShop\nAgain, BLOG.example.com", "preview": "yes", "version": "1"}
    assert "Line 3: write a name, a comma and an address" in client.post(address, data=faulty).text
    doubled = client.post(address, data=faulty | {"targets": "Blog, blog.example.com\n\nAgain, BLOG.example.com"})
    assert "Line 3: This address is listed already, as Blog." in doubled.text
    said = {"targets": "Blog, blog.example.com\nHome, www.example.com", "version": "1"}
    look = client.post(address, data=said | {"preview": "yes"}).text
    assert "Split into these 2 sites" in look
    assert "5 h for known incompatibilities" in look
    assert db.session.get_one(Site, network.id, populate_existing=True).stage == "listed", "looking does nothing"
    assert client.post(address, data=said).location == f"/engagements/{engagement.id}"
    assert db.session.get_one(Site, network.id, populate_existing=True).stage == "withdrawn"
    assert "This site has left the engagement" in client.get(address).text


def test_a_split_says_the_fault_of_each_line_also_where_only_the_listing_finds_it(
    client: FlaskClient, engagement: Engagement
) -> None:
    network = make_site(engagement, network=True)
    said = {"targets": f"{'x' * 201}, a.example.com\nShop, b.example.com", "version": "1"}
    answer = client.post(f"/sites/{network.id}/split", data=said)
    assert answer.status_code == 422
    assert "Line 1: Write at most 200 characters; this has 201." in answer.text
    agree(engagement)
    assert "Raise a change request to split it." in client.get(f"/sites/{network.id}/split").text


@pytest.mark.parametrize("page", ["questions", "risks"])
@pytest.mark.parametrize("role", ["engagement_manager", "customer_viewer"])
def test_lists_take_as_many_statements_however_long_they_are(
    client: FlaskClient, engagement: Engagement, site: Site, statements: Callable[[str], int], page: str, role: str
) -> None:
    if role == "customer_viewer":
        sign_in(client, make_person("customer_viewer"))
    ask(engagement)
    note(engagement, audience="customer")
    few = statements(f"/engagements/{engagement.id}/{page}")
    for _ in range(4):
        make_site(engagement)
        ask(engagement)
        note(engagement, audience="customer")
    assert statements(f"/engagements/{engagement.id}/{page}") == few
