"""Dates as they are set, moved and finished through the pages."""

from datetime import UTC, date, datetime

import pytest
from flask.testing import FlaskClient

from tests.factories import NOW, actor, make_engagement, make_person, make_site, sign_in
from tests.web.test_engagement import value_of
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.services.deadline import DateSpec, set_date
from tracker.store import deadline as deadlines
from tracker.store.database import db
from tracker.store.deadline import Deadline
from tracker.store.engagement import Engagement
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.transaction import transaction


@pytest.fixture
def manager(client: FlaskClient) -> Person:
    """A signed-in engagement manager."""
    person = make_person()
    sign_in(client, person)
    return person


@pytest.fixture
def engagement(manager: Person) -> Engagement:
    """Their engagement, in Berlin."""
    return make_engagement(manager, name="Museum move")


@pytest.fixture
def site(engagement: Engagement) -> Site:
    """A site of it."""
    return make_site(engagement, name="Shop")


def make_date(manager: Person, engagement: Engagement, kind: str = "kickoff", day: date = date(2026, 11, 3)) -> Deadline:
    with transaction(db.session, now=NOW):
        return set_date(db.session, actor(manager), engagement.id, DateSpec(DeadlineKind(kind), Dates(due_on=day)), now=NOW)


def test_a_cutover_at_an_hour_is_on_the_engagements_clock(client: FlaskClient, engagement: Engagement, site: Site) -> None:
    address = f"/engagements/{engagement.id}/deadlines/new?site={site.id}"
    said = {"kind": "dns_cutover", "site_id": str(site.id), "due_at": "2026-12-09T10:30", "request_key": "once"}
    first, second = (client.post(address, data=said) for _ in range(2))
    assert first.location == second.location == f"/sites/{site.id}#dates"
    page = client.get(f"/sites/{site.id}").text
    assert "Wed 9 Dec 2026, 10:30 CET" in page
    assert "Content freeze" in page
    assert "1 business day before the DNS cutover" in page
    assert "10 business days after the DNS cutover" in page
    cutover = deadlines.one(db.session, engagement.id, site.id, "dns_cutover")
    assert cutover is not None
    assert cutover.due_at == datetime(2026, 12, 9, 9, 30, tzinfo=UTC)


def test_an_hour_that_the_clock_skips_is_explained(client: FlaskClient, engagement: Engagement, site: Site) -> None:
    said = {"kind": "dns_cutover", "site_id": str(site.id), "due_at": "2026-03-29T02:30"}
    answer = client.post(f"/engagements/{engagement.id}/deadlines/new", data=said, follow_redirects=True)
    assert "The clock is put forward over that time" in answer.text
    assert "Sun 29 Mar 2026, 03:30 CEST" in answer.text


def test_uat_is_known_by_its_first_day(client: FlaskClient, engagement: Engagement, site: Site) -> None:
    said = {"kind": "uat", "site_id": str(site.id), "opens_on": "2026-11-23"}
    answer = client.post(f"/engagements/{engagement.id}/deadlines/new", data=said, follow_redirects=True)
    assert "Mon 30 Nov 2026" in answer.text
    assert "opens Mon 23 Nov 2026" in answer.text


@pytest.mark.parametrize(
    ("said", "field", "message"),
    [
        pytest.param({}, "due_on", "Say when it is due.", id="no date"),
        pytest.param({"due_on": "2026-11-03", "due_at": "2026-11-03T10:00"}, "due_at", "not both", id="two dates"),
        pytest.param({"due_on": "0026-11-03"}, "due_on", "The year 0026 is not plausible", id="a strange year"),
        pytest.param({"due_on": "2026-11-03", "kind": "access"}, "site_id", "Choose which.", id="whose site"),
        pytest.param(
            {"due_on": "2026-11-03", "kind": "custom", "title": "Bell \x07"},
            "title",
            "invisible control character",
            id="a control",
        ),
        pytest.param({"due_on": "2026-11-03", "kind": "custom"}, "title", "Say what this date is for.", id="no title"),
    ],
)
def test_what_is_wrong_with_a_date_is_said_at_its_field(
    client: FlaskClient, engagement: Engagement, said: dict[str, str], field: str, message: str
) -> None:
    data = {"kind": "kickoff", "reason": "As agreed by phone"} | said
    answer = client.post(f"/engagements/{engagement.id}/deadlines/new", data=data)
    assert answer.status_code == 422
    assert message in answer.text.partition(f'id="{field}-error"')[2]
    assert "As agreed by phone" in answer.text


def test_a_date_moves_with_a_reason_and_what_follows_moves_with_it(
    client: FlaskClient, manager: Person, engagement: Engagement
) -> None:
    kickoff = make_date(manager, engagement)
    address = f"/deadlines/{kickoff.id}/move"
    shown = client.get(address).text
    said = {"due_on": "2026-11-10", "version": value_of(shown, "version")}
    silent = client.post(address, data=said)
    assert silent.status_code == 422
    assert "Say why the date moves" in silent.text
    assert value_of(silent.text, "due_on") == "2026-11-10"
    moved = client.post(address, data=said | {"reason": "The customer asked"}, follow_redirects=True)
    assert "Tue 10 Nov 2026" in moved.text
    assert "Mon 9 Nov 2026" in moved.text
    assert "The customer asked" in moved.text
    stale = client.post(address, data=said | {"reason": "I moved it too", "due_on": "2026-11-12"})
    assert stale.status_code == 409
    assert value_of(stale.text, "due_on") == "2026-11-12"
    assert "Now: 2026-11-10" in stale.text
    again = client.post(
        address, data={"due_on": "2026-11-12", "reason": "I moved it too", "version": value_of(stale.text, "version")}
    )
    assert again.status_code == 303


def test_done_pressed_twice_is_done_once_and_can_be_taken_back(
    client: FlaskClient, manager: Person, engagement: Engagement
) -> None:
    kickoff = make_date(manager, engagement)
    address = f"/deadlines/{kickoff.id}/done"
    for _ in range(2):
        answer = client.post(address, data={"version": "1", "request_key": "once"})
        assert answer.status_code == 303
    assert "Open again<" in client.get(f"/engagements/{engagement.id}").text
    stale = client.post(address, data={"version": "1", "undo": "yes"})
    assert stale.status_code == 409
    assert "Somebody else changed this meanwhile" in stale.text
    assert client.post(address, data={"version": "2", "undo": "yes"}).status_code == 303
    assert "Open again<" not in client.get(f"/engagements/{engagement.id}").text


def test_an_approver_finishes_what_is_theirs_and_moves_nothing(
    client: FlaskClient, manager: Person, engagement: Engagement
) -> None:
    kickoff = make_date(manager, engagement)
    inventory = deadlines.one(db.session, engagement.id, None, "inventory")
    assert inventory is not None
    sign_in(client, make_person("customer_approver"))
    page = client.get(f"/engagements/{engagement.id}").text
    assert f"/deadlines/{inventory.id}/done" in page
    assert f"/deadlines/{kickoff.id}/done" not in page
    assert client.post(f"/deadlines/{inventory.id}/done", data={"version": "1"}).status_code == 303
    assert client.post(f"/deadlines/{kickoff.id}/done", data={"version": "1"}).status_code == 403
    assert client.get(f"/deadlines/{kickoff.id}/move").status_code == 404
    sign_in(client, make_person("customer_viewer"))
    assert client.post(f"/deadlines/{inventory.id}/done", data={"version": "2"}).status_code == 403


def test_a_freeze_is_nothing_that_the_customer_finishes(
    client: FlaskClient, manager: Person, engagement: Engagement, site: Site
) -> None:
    with transaction(db.session, now=NOW):
        spec = DateSpec(DeadlineKind.CODE_FREEZE, Dates(due_on=date(2026, 3, 2)), site.id)
        freeze = set_date(db.session, actor(manager), engagement.id, spec, now=NOW)
    sign_in(client, make_person("customer_approver"))
    assert f"/deadlines/{freeze.id}/done" not in client.get(f"/engagements/{engagement.id}").text
    assert client.post(f"/deadlines/{freeze.id}/done", data={"version": "1"}).status_code == 403
    sign_in(client, manager)
    assert client.post(f"/deadlines/{freeze.id}/done", data={"version": "1"}).status_code == 303


def test_the_first_day_of_uat_is_moved_with_its_last(client: FlaskClient) -> None:
    manager = make_person()
    engagement = make_engagement(manager)
    site = make_site(engagement)
    sign_in(client, manager)
    said = {"kind": "uat", "site_id": str(site.id), "opens_on": "2027-03-01"}
    assert client.post(f"/engagements/{engagement.id}/deadlines/new", data=said).status_code == 303
    (uat,) = [each for each in deadlines.of_engagement(db.session, engagement.id) if each.kind == "uat"]
    address = f"/deadlines/{uat.id}/move"
    assert 'value="2027-03-01"' in client.get(address).text
    moved = {"due_on": "2027-03-19", "opens_on": "2027-03-10", "reason": "The client asked for it.", "version": "1"}
    answer = client.post(address, data=moved)
    assert answer.status_code == 303
    assert "opens Wed 10 Mar 2027" in client.get(answer.location).text
