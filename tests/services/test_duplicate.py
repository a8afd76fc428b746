"""A further engagement like another one: what is agreed anew, what comes along, what stays behind."""

from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import NOW, SIGNED_ON, actor, agree, make_engagement, make_person, make_site, sign_in, some_work
from tracker.domain.access import SYSTEM
from tracker.domain.errors import Invalid, NotAllowed, NotFound
from tracker.services.engagement import DuplicateSpec, add_member, duplicate_engagement
from tracker.services.time_entry import book
from tracker.store import budget as budgets
from tracker.store import deadline as deadlines
from tracker.store import engagement as engagements
from tracker.store import site as sites
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.person import Person
from tracker.store.transaction import transaction

NEW = DuplicateSpec("Second wave", "Acme", "SOW-2", date(2026, 3, 1))


@pytest.fixture
def source(app: Flask) -> Engagement:
    """An engagement in full swing."""
    made = make_engagement(kickoff_on=date(2026, 3, 9), account_rep="Lena")
    shop = make_site(made, name="Shop", package="premium", premium_option="extra-hours-10", plan="elite")
    make_site(made, name="Blog")
    agree(made)
    mei, admin = make_person("engineer", name="Mei"), actor(make_person("admin"))
    with transaction(db.session, now=NOW):
        add_member(db.session, SYSTEM, made.id, mei.id, now=NOW)
        book(db.session, admin, some_work(shop), now=NOW)
    return made


def duplicate(who: Person, source: Engagement, spec: DuplicateSpec = NEW) -> Engagement:
    """Do it as somebody."""
    with transaction(db.session, now=NOW):
        return duplicate_engagement(db.session, actor(who), source.id, spec, now=NOW)


def test_sites_people_and_lengths_come_along_and_nothing_that_happened(source: Engagement) -> None:
    ada = make_person(name="Ada")
    made = duplicate(ada, source)
    assert (made.name, made.customer_id, made.manager_id, made.account_rep) == ("Second wave", source.customer_id, ada.id, "Lena")
    agreement = engagements.agreement_of(db.session, made.id)
    assert agreement is not None
    before = engagements.agreement_of(db.session, source.id)
    assert before is not None
    assert (agreement.reference, agreement.signed_on, agreement.windows) == ("SOW-2", date(2026, 3, 1), before.windows)
    listed = [(site.name, site.package, site.plan, site.stage, site.listed_in_version) for site in of(made)]
    assert listed == [("Shop", "premium", "elite", "listed", None), ("Blog", "standard", None, "listed", None)]
    assert [person.name for person in engagements.members_of(db.session, made.id)] == ["Mei"]
    kept = {(budget.kind, budget.limit_minutes, budget.booked) for budget in budgets.of_engagement(db.session, made.id)}
    assert kept == {("known_incompatibility", 300, 0), ("premium_extra", 600, 0), ("ps", 0, 0)}
    assert deadlines.of_engagement(db.session, made.id) == []
    assert (made.requirements_version, made.slack_channel) == (0, None)


def of(engagement: Engagement) -> list[sites.Site]:
    return sites.of_engagement(db.session, engagement.id)


def test_what_is_not_ticked_stays(source: Engagement) -> None:
    made = duplicate(make_person(), source, DuplicateSpec("Other", "Globex", "SOW-2", SIGNED_ON, sites=False, members=False))
    assert made.customer_id != source.customer_id
    assert of(made) == []
    assert engagements.members_of(db.session, made.id) == []


def test_a_new_agreement_is_entered_anew(source: Engagement) -> None:
    with pytest.raises(Invalid) as caught:
        duplicate(make_person(), source, DuplicateSpec("Second wave", "Acme"))
    assert [error.field for error in caught.value.errors] == ["agreement.reference", "agreement.signed_on"]
    assert db.session.query(Engagement).count() == 1


def test_managers_duplicate_and_nobody_else(source: Engagement) -> None:
    stranger, mine, approver = make_person("engineer"), make_person("engineer"), make_person("customer_approver")
    with transaction(db.session, now=NOW):
        add_member(db.session, SYSTEM, source.id, mine.id, now=NOW)
    for who, refusal in ((stranger, NotFound), (approver, NotFound), (mine, NotAllowed)):
        with pytest.raises(refusal):
            duplicate(who, source)


def test_by_the_page(client: FlaskClient, source: Engagement) -> None:
    sign_in(client, make_person())
    path = f"/engagements/{source.id}/duplicate"
    assert path in client.get(f"/engagements/{source.id}").text
    data = {"name": "Second wave", "customer": "Globex", "sites": "y", "reference": "", "signed_on": "2026-03-01"}
    refused = client.post(path, data=data)
    assert refused.status_code == 422
    assert "Write the reference of the new agreement." in refused.text
    made = client.post(path, data=data | {"reference": "SOW-2"}, follow_redirects=True)
    assert "Opened." in made.text
    assert "Second wave" in made.text
    assert "Shop" in made.text
    assert "Mei" not in made.text.partition("People</h2>")[2].partition("</ul>")[0]
