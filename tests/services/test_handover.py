"""Hand-over: what one person had in hand another has, all of it or nothing, and the history says so."""

from datetime import date
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import NOW, actor, make_engagement, make_person, sign_in
from tracker.domain.access import SYSTEM
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.errors import Invalid, NotAllowed, NotFound
from tracker.services.deadline import DateSpec, set_date
from tracker.services.engagement import add_member
from tracker.services.handover import HandOver, hand_over
from tracker.services.person import set_active
from tracker.store import audit
from tracker.store import deadline as deadlines
from tracker.store import engagement as engagements
from tracker.store.audit import AuditEntry
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.notice import OutboxNotice
from tracker.store.person import Person
from tracker.store.question import Question
from tracker.store.risk import Risk
from tracker.store.transaction import transaction


def give(engagement: Engagement, owner: Person) -> None:
    """An open date, a question and a risk to look after."""
    with transaction(db.session, now=NOW):
        spec = DateSpec(DeadlineKind.CUSTOM, Dates(due_on=date(2026, 4, 1)), None, "Handbook", owner_id=owner.id)
        set_date(db.session, SYSTEM, engagement.id, spec, now=NOW)
        db.session.add(Question(engagement_id=engagement.id, text="Which?", side="team", owner_id=owner.id, asked_at=NOW))
        risk = {"severity": "warns", "mitigation": "", "audience": "internal", "raised_at": NOW}
        db.session.add(Risk(engagement_id=engagement.id, title="Slow", owner_id=owner.id, **risk))


def assign(engagement: Engagement, person: Person) -> None:
    with transaction(db.session, now=NOW):
        add_member(db.session, SYSTEM, engagement.id, person.id, now=NOW)


def pass_on(who: Person, giver: Person, taker: Person, *chosen: Engagement, reason: str = "Leaves us") -> None:
    with transaction(db.session, now=NOW):
        said = HandOver(giver.id, taker.id, [each.id for each in chosen], reason)
        hand_over(db.session, actor(who), said, now=NOW)


def lead(engagement: Engagement) -> UUID:
    """Who leads an engagement, as it is kept."""
    return db.session.get_one(Engagement, engagement.id, populate_existing=True).manager_id


def owners(engagement: Engagement) -> set[object]:
    """Who owns the open things of an engagement."""
    found: set[object] = {each.owner_id for each in deadlines.of_engagement(db.session, engagement.id) if each.owner_id}
    for table in (Question, Risk):
        found |= set(db.session.scalars(sa.select(table.owner_id).where(table.engagement_id == engagement.id)))
    return found


def test_lead_and_open_things_go_along_and_the_history_says_so(app: Flask) -> None:
    admin, mei, ada = (
        make_person("admin"),
        make_person(name="Mei", slack_user_id="UMEI"),
        make_person(name="Ada", slack_user_id="UADA"),
    )
    led, kept = make_engagement(mei), make_engagement(mei)
    for each in (led, kept):
        give(each, mei)
    pass_on(admin, mei, ada, led)
    assert (lead(led), lead(kept)) == (ada.id, mei.id)
    assert (owners(led), owners(kept)) == ({ada.id}, {mei.id})
    entry = audit.entries_of(db.session, led.id, before=None, limit=1)[0]
    assert entry.action == "engagement.handed_over"
    told = {"from": "Mei", "to": "Ada", "leads": True, "assigned": False, "reason": "Leaves us"}
    assert entry.payload == told | {"dates": 1, "questions": 1, "risks": 1}
    mentioned = sa.select(OutboxNotice.mention).where(OutboxNotice.engagement_id == led.id, OutboxNotice.deadline_id.is_not(None))
    assert set(db.session.scalars(mentioned)) == {"UADA"}
    assert audit.chain_faults(db.session) == []


def test_an_assignment_goes_to_whoever_takes_over(app: Flask) -> None:
    admin, mei, ben = make_person("admin"), make_person("engineer"), make_person("engineer")
    engagement = make_engagement()
    assign(engagement, mei)
    pass_on(admin, mei, ben, engagement)
    assert [person.id for person in engagements.members_of(db.session, engagement.id)] == [ben.id]
    with pytest.raises(NotFound):
        engagements.get(db.session, actor(mei), engagement.id)
    assert engagements.get(db.session, actor(ben), engagement.id).id == engagement.id


def test_who_is_on_it_already_is_not_assigned_twice(app: Flask) -> None:
    admin, mei, ben = make_person("admin"), make_person("engineer"), make_person("engineer")
    engagement = make_engagement()
    assign(engagement, mei)
    assign(engagement, ben)
    pass_on(admin, mei, ben, engagement)
    assert [person.id for person in engagements.members_of(db.session, engagement.id)] == [ben.id]


def test_what_cannot_be_handed_over_leaves_everything_as_it_was(app: Flask) -> None:
    admin, mei, ada, ben = make_person("admin"), make_person(), make_person(), make_person("engineer")
    gone = make_person()
    with transaction(db.session, now=NOW):
        set_active(db.session, actor(admin), gone.id, active=False, now=NOW)
    led, foreign = make_engagement(mei), make_engagement(ada)
    assigned = make_engagement(ada)
    assign(assigned, mei)
    refused = [
        (ben, [assigned, led], "why", "to", "Choose an engagement manager or an administrator"),
        (gone, [led], "why", "to", "Only active members of the staff"),
        (make_person("customer_approver"), [led], "why", "to", "Only active members of the staff"),
        (mei, [led], "why", "to", "Choose somebody else"),
        (ada, [], "why", "engagement_ids", "Choose at least one"),
        (ada, [led, foreign], "why", "engagement_ids", "does not work on"),
        (ada, [led], "  ", "reason", "Say why"),
    ]
    for taker, chosen, reason, field, message in refused:
        with pytest.raises(Invalid, match=message) as caught:
            pass_on(admin, mei, taker, *chosen, reason=reason)
        assert [error.field for error in caught.value.errors] == [field]
    assert lead(led) == mei.id
    assert [person.id for person in engagements.members_of(db.session, assigned.id)] == [mei.id]
    actions = db.session.scalars(sa.select(AuditEntry.action).where(AuditEntry.action == "engagement.handed_over"))
    assert list(actions) == []


def test_managers_hand_over_their_own_and_engineers_nothing(app: Flask) -> None:
    mei, ada, ben = make_person(), make_person(), make_person("engineer")
    engagement = make_engagement(mei)
    for who in (ada, ben):
        with pytest.raises(NotAllowed):
            pass_on(who, mei, ada, engagement)
    pass_on(mei, mei, ada, engagement)
    assert lead(engagement) == ada.id


def test_it_is_looked_at_before_it_is_done(client: FlaskClient) -> None:
    mei, ada = make_person(name="Mei"), make_person(name="Ada")
    led, other = make_engagement(mei, name="Museum"), make_engagement(mei, name="Bakery")
    give(led, mei)
    sign_in(client, mei)
    path = f"/people/{mei.id}/hand-over"
    first = client.get(path).text
    assert first.count("checked") == 2
    assert "Choose a colleague and at least one engagement." in client.get(f"{path}?to=&engagement_ids={led.id}").text
    preview = client.get(f"{path}?to={ada.id}&engagement_ids={led.id}").text
    assert "What Ada takes over" in preview
    assert "1 open date, 1 open question, 1 open risk" in preview
    assert "Bakery" not in preview
    data = {"to": str(ada.id), "engagement_ids": [str(led.id)], "reason": ""}
    refused = client.post(path, data=data)
    assert (refused.status_code, "Say why" in refused.text, "What Ada takes over" in refused.text) == (422, True, True)
    done = client.post(path, data=data | {"reason": "New job"}, follow_redirects=True)
    assert "Handed over." in done.text
    assert [lead(led), lead(other)] == [ada.id, mei.id]
    assert client.get(f"/people/{ada.id}/hand-over").status_code == 403


def test_deactivating_who_leads_points_to_handing_over(client: FlaskClient) -> None:
    admin, mei = make_person("admin"), make_person(name="Mei")
    make_engagement(mei, name="Museum")
    sign_in(client, admin)
    page = client.post(f"/people/{mei.id}/deactivate", follow_redirects=True).text
    assert "Deactivated, and signed out everywhere." in page
    assert "They still lead running engagements." in page
    assert "Hand over from Mei" in page
    assert "Museum" in client.get(f"/people/{mei.id}").text


def test_the_team_shows_who_has_how_much_in_hand(client: FlaskClient) -> None:
    mei = make_person(name="Mei")
    make_engagement(mei)
    held = make_engagement(mei)
    ben = make_person("engineer", name="Ben")
    assign(held, ben)
    sign_in(client, mei)
    page = client.get("/team").text
    assert "2<span" in page.partition("Mei")[2]
    assert f"/people/{mei.id}/hand-over" in page
    assert f"/people/{ben.id}/hand-over" not in page
    sign_in(client, ben)
    assert client.get("/team").status_code == 403
