"""A list of sites is previewed, each bad row with its reason, and listed only when asked."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories import agree, make_engagement, make_person, make_site, sign_in
from tests.web.test_inventory import text_of
from tracker.domain.budget import BudgetKind
from tracker.store import budget as budgets
from tracker.store import site as sites
from tracker.store.database import db
from tracker.store.engagement import Engagement

HEAD = "Site;URL;System;Plan;Package;Premium extra;Multisite\n"


def list_of(number: int) -> str:
    """So many good rows under a heading; the first is in row 2."""
    return HEAD + "".join(f"Shop {each};shop{each}.example.com;WordPress;Performance S;Standard;;no\n" for each in range(number))


@pytest.fixture
def engagement(client: FlaskClient) -> Engagement:
    """An engagement without a site, its manager signed in."""
    manager = make_person()
    sign_in(client, manager)
    return make_engagement(manager)


def send(client: FlaskClient, engagement: Engagement, text: str, key: str = "k") -> TestResponse:
    data = {"file": (io.BytesIO(text.encode("utf-16")), "sites.csv"), "request_key": key}
    return client.post(f"/engagements/{engagement.id}/sites/import", data=data)


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that are run meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)


def test_a_bad_address_in_row_37_is_told_and_nothing_is_listed_before_that_is_asked(
    client: FlaskClient, engagement: Engagement
) -> None:
    rows = list_of(36).splitlines()
    rows.insert(36, "Bad;http//shop example;wordpress;;;;")
    sent = send(client, engagement, "\n".join(rows))
    page = text_of(client.get(sent.location).text)
    assert "Row 37 url http//shop example A web address holds no spaces" in page
    assert "List these 36 sites" in page
    assert sites.of_engagement(db.session, engagement.id) == []
    assert client.post(sent.location, data={"request_key": "l"}).status_code == 303
    listed = sites.of_engagement(db.session, engagement.id)
    assert len(listed) == 36
    assert (listed[0].name, listed[0].url, listed[0].plan, listed[0].network) == (
        "Shop 0", "https://shop0.example.com", "performance_s", False,
    )  # fmt: skip
    assert budgets.of_site(db.session, engagement.id, listed[35].id)[BudgetKind.ALLOWANCE].limit_minutes == 300
    again = client.get(sent.location).text
    assert "36 listed already" in again
    assert "List these" not in again


def test_the_rejected_rows_come_back_as_a_file(client: FlaskClient, engagement: Engagement) -> None:
    sent = send(client, engagement, HEAD + "A;a.example;Joomla;;;;\n=B;b.example;wp;;premium;;\nC;c.example;wp;;;;maybe\n")
    file = client.get(f"{sent.location}/rejected.csv")
    rows = list(csv.reader(io.StringIO(file.text.removeprefix("\ufeff"))))
    told = [(row[0], row[1], row[-2]) for row in rows[1:]]
    assert told == [("A", "a.example", "2"), ("'=B", "b.example", "3"), ("C", "c.example", "4")]
    assert "wordpress, drupal" in rows[1][-1]
    assert "exactly one extra" in rows[2][-1]
    assert "Write yes or no" in rows[3][-1]


def test_an_address_twice_or_listed_otherwise_is_rejected(client: FlaskClient, engagement: Engagement) -> None:
    make_site(engagement, name="Old", url="https://old.example")
    sent = send(client, engagement, HEAD + "A;a.example;wp;;;;\nA again;https://A.example/;wp;;;;\nNew;old.example;wp;;;;\n")
    page = text_of(client.get(sent.location).text)
    assert "Row 2 lists this address already" in page
    assert "This address is listed already, as Old, with another name" in page


def test_drupal_and_premium_are_understood_as_people_write_them(client: FlaskClient, engagement: Engagement) -> None:
    rows = "Intranet;intra.example;Drupal 7;Elite;Premium;Ten more hours;yes\nNews;news.example;Drupal 10.3;;;;\n"
    sent = send(client, engagement, HEAD + rows)
    client.post(sent.location, data={"request_key": "l"})
    site, news = sites.of_engagement(db.session, engagement.id)
    assert (news.cms, news.cms_version, news.cms_variant) == ("drupal", "10.3", None), "a variant is not guessed"
    assert (site.cms, site.cms_variant, site.plan, site.package, site.premium_option, site.network) == (
        "drupal", "drupal-7", "elite", "premium", "extra-hours-10", True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(list_of(501), "at most 500", id="too many"),
        pytest.param("name;link\n", "“cms” is not among them", id="no system"),
        pytest.param("<html>", "a web page", id="web page"),
    ],
)
def test_a_file_that_is_no_list_of_sites_is_told_at_its_field(
    client: FlaskClient, engagement: Engagement, text: str, words: str
) -> None:
    answer = send(client, engagement, text)
    assert answer.status_code == 422
    assert words in answer.text.partition('id="file-error"')[2]


def test_once_the_requirements_are_agreed_a_change_request_is_the_way(client: FlaskClient, engagement: Engagement) -> None:
    sent = send(client, engagement, list_of(2))
    make_site(engagement)
    agree(engagement)
    assert "change request" in client.get(f"/engagements/{engagement.id}/sites/import").text
    refused = client.post(sent.location, data={"request_key": "l"})
    assert "change request" in refused.text
    assert len(sites.of_engagement(db.session, engagement.id)) == 1


def test_five_hundred_sites_take_as_many_statements_as_two(client: FlaskClient) -> None:
    manager = make_person()
    sign_in(client, manager)
    small, large = make_engagement(manager), make_engagement(manager)
    first, second = (send(client, small, list_of(2)).location, send(client, large, list_of(500), "o").location)
    with counted() as few:
        assert client.post(first, data={"request_key": "a"}).status_code == 303
    with counted() as many:
        assert client.post(second, data={"request_key": "b"}).status_code == 303
    assert len(sites.of_engagement(db.session, large.id)) == 500
    kinds = [re.sub(r"\(.*", "", each, flags=re.DOTALL) for each in many]
    assert len(kinds) <= len(few) + 20, "rows are inserted in batches"
