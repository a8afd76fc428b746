"""Opening and editing engagements, and who is assigned to them."""

from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from tests.factories import NOW, SIGNED_ON, actor, make_engagement, make_person, make_site
from tracker.domain.access import SYSTEM, Actor, Role
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.engagement import Windows
from tracker.domain.errors import EditedMeanwhile, Guard, Invalid, NotAllowed, NotFound
from tracker.services import engagement as service
from tracker.services.deadline import DateSpec, set_date
from tracker.services.engagement import AgreementSpec, EngagementChange
from tracker.store import audit
from tracker.store import deadline as deadlines
from tracker.store import engagement as engagements
from tracker.store.budget import Budget
from tracker.store.database import db
from tracker.store.engagement import Agreement, Customer, Engagement
from tracker.store.transaction import transaction

pytestmark = pytest.mark.usefixtures("app")


def edit(engagement: Engagement, values: dict[str, Any], version: int | None = None, who: Actor = SYSTEM) -> Engagement:
    with transaction(db.session, now=NOW):
        return service.edit_engagement(db.session, who, engagement.id, EngagementChange(version, values), now=NOW)


def refused_fields(**over: Any) -> list[str]:
    with pytest.raises(Invalid) as refused:
        make_engagement(**over)
    return [error.field for error in refused.value.errors]


def test_an_engagement_opens_with_an_empty_ps_pool_and_what_follows_from_the_kick_off() -> None:
    engagement = make_engagement(kickoff_on=date(2026, 4, 1))
    pool = db.session.scalars(sa.select(Budget).where(Budget.engagement_id == engagement.id)).one()
    assert (pool.kind, pool.limit_minutes, pool.site_id) == ("ps", 0, None)
    assert [(each.kind, each.source) for each in deadlines.of_engagement(db.session, engagement.id)] == [
        ("inventory", "computed"),
        ("kickoff", "manual"),
        ("join_channel", "computed"),
    ]


def test_a_customer_is_made_once_however_its_name_is_capitalised() -> None:
    first, second = make_engagement(customer="Köln Gmbh"), make_engagement(customer="  KÖLN  GMBH ")
    assert first.customer_id == second.customer_id
    assert db.session.get_one(Customer, first.customer_id).name == "Köln Gmbh"


def test_every_field_that_cannot_stand_is_named() -> None:
    agreement = AgreementSpec("", date(26, 1, 1), Windows(5, 2, 10, "maybe"))
    over = {"name": " ", "time_zone": "Mars/Olympus", "type": "other", "country": "XX", "slack_channel": "#general"}
    assert refused_fields(**over, agreement=agreement, kickoff_on=date(9999, 1, 1), account_rep="a\u202eb") == [
        "name",
        "time_zone",
        "type",
        "country",
        "account_rep",
        "slack_channel",
        "agreement.reference",
        "agreement.signed_on",
        "agreement.uat_silence",
        "kickoff_on",
    ]
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Engagement)) == 0


def test_a_managed_engagement_rests_on_an_agreement_a_self_service_one_need_not() -> None:
    assert refused_fields(agreement=None) == ["agreement"]
    assert make_engagement(agreement=None, type="self_service").type == "self_service"


@pytest.mark.parametrize("days", [0, -1, 10**9])
def test_the_windows_of_an_agreement_are_plausible(days: int) -> None:
    fields = refused_fields(agreement=AgreementSpec("SOW-1", SIGNED_ON, Windows(uat=days, cutover=2, hypercare=10)))
    assert len(fields) == 1


def test_names_are_kept_tidied_in_whatever_script() -> None:
    engagement = make_engagement(name="  <!channel>\u00a0 \ufeffמיגרציה 🚀 ", account_rep=" Ann  Smith ")
    assert (engagement.name, engagement.account_rep) == ("<!channel> מיגרציה 🚀", "Ann Smith")
    edited = edit(engagement, {"name": " New \t name ", "account_rep": "", "internal_slack_channel": ""})
    assert (edited.name, edited.account_rep, edited.internal_slack_channel) == ("New name", None, None)


CUTOVER = date(2026, 6, 1)


def agreement_of(engagement: Engagement) -> Agreement | None:
    db.session.close()
    return engagements.agreement_of(db.session, engagement.id)


def hypercare_end(engagement: Engagement) -> date | None:
    db.session.close()
    found = [each.day for each in deadlines.of_engagement(db.session, engagement.id) if each.kind == "hypercare_end"]
    return found[0] if found else None


def set_cutover(engagement: Engagement) -> None:
    site = make_site(engagement)
    with transaction(db.session, now=NOW):
        spec = DateSpec(DeadlineKind.DNS_CUTOVER, Dates(due_on=CUTOVER), site.id)
        set_date(db.session, SYSTEM, engagement.id, spec, now=NOW)


def last_told(engagement: Engagement, action: str) -> Any:
    db.session.close()
    trail = audit.entries_of(db.session, engagement.id, before=None, limit=50)
    return next((entry.payload for entry in trail if entry.action == action), None)


def test_a_corrected_agreement_keeps_what_is_not_named_and_counts_its_dates_anew() -> None:
    engagement = make_engagement()
    set_cutover(engagement)
    assert hypercare_end(engagement) == date(2026, 6, 15)
    assert edit(engagement, {"agreement": {"hypercare_business_days": 5, "reference": " SOW-2 "}}).version == 2
    agreement = agreement_of(engagement)
    assert agreement is not None
    assert (agreement.reference, agreement.signed_on, agreement.windows) == ("SOW-2", SIGNED_ON, Windows(5, 2, 5, "hold"))
    assert hypercare_end(engagement) == date(2026, 6, 8)
    told = last_told(engagement, "agreement.changed")
    assert (told["before"]["hypercare_business_days"], told["after"]["hypercare_business_days"]) == (10, 5)
    assert (told["before"]["reference"], told["after"]["reference"]) == ("SOW-1", "SOW-2")


def test_an_agreement_named_as_it_stands_is_no_change() -> None:
    engagement = make_engagement()
    edit(engagement, {"agreement": {"reference": "SOW-1"}})
    assert last_told(engagement, "agreement.changed") is None


def test_a_self_service_engagement_gets_its_agreement_later_and_may_then_be_managed() -> None:
    engagement = make_engagement(agreement=None, type="self_service")
    set_cutover(engagement)
    assert hypercare_end(engagement) is None
    with pytest.raises(Invalid, match="rests on an agreement"):
        edit(engagement, {"type": "managed"})
    with pytest.raises(Invalid) as refused:
        edit(engagement, {"agreement": {"reference": "SOW-1", "uat_business_days": 5}})
    missing = ["signed_on", "cutover_business_days", "hypercare_business_days"]
    assert [error.field for error in refused.value.errors] == [f"agreement.{name}" for name in missing]
    whole = {"reference": "SOW-1", "signed_on": SIGNED_ON}
    windows = {"uat_business_days": 5, "cutover_business_days": 2, "hypercare_business_days": 10}
    edited = edit(engagement, {"type": "managed", "agreement": whole | windows})
    assert edited.type == "managed"
    assert hypercare_end(engagement) == date(2026, 6, 15)
    assert last_told(engagement, "agreement.changed")["before"] is None
    assert edit(engagement, {"type": "self_service"}).type == "self_service"


def test_a_stale_edit_is_refused_and_one_without_a_version_is_not() -> None:
    engagement = make_engagement()
    edit(engagement, {"name": "First"}, version=1)
    with pytest.raises(EditedMeanwhile):
        edit(engagement, {"name": "Second"}, version=1)
    assert edit(engagement, {"name": "Third"}).version == 3


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 10_000}, "name"),
        ({"account_rep": "a\x00"}, "account_rep"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"status": "closed"}, "status"),
        ({"type": "gift"}, "type"),
        ({"agreement": {"reference": ""}}, "agreement.reference"),
        ({"agreement": {"reference": None}}, "agreement.reference"),
        ({"agreement": {"signed_on": date(26, 1, 1)}}, "agreement.signed_on"),
        ({"agreement": {"uat_business_days": 0}}, "agreement.uat_business_days"),
        ({"agreement": {"uat_silence": "shout"}}, "agreement.uat_silence"),
        ({"slack_channel": "C 1"}, "slack_channel"),
        ({"kickoff_on": date(26, 1, 1)}, "kickoff_on"),
        ({"engagement_manager": "nobody@example.com"}, "engagement_manager"),
    ],
)
def test_an_edit_that_cannot_stand_changes_nothing(values: dict[str, Any], field: str) -> None:
    engagement = make_engagement(name="As it was")
    with pytest.raises(Invalid) as refused:
        edit(engagement, values)
    assert [error.field for error in refused.value.errors] == [field]
    db.session.close()
    kept = db.session.get_one(Engagement, engagement.id)
    assert (kept.name, kept.version) == ("As it was", 1)


def test_the_manager_is_an_active_manager() -> None:
    engineer = make_person(Role.ENGINEER)
    engagement = make_engagement()
    with pytest.raises(Invalid, match="engagement manager or administrator"):
        edit(engagement, {"engagement_manager": engineer.email})
    other = make_person()
    assert edit(engagement, {"engagement_manager": other.email}).manager_id == other.id


def test_assigning_twice_changes_nothing_and_the_manager_stays() -> None:
    manager, engineer = make_person(), make_person(Role.ENGINEER)
    engagement = make_engagement(manager)
    for _ in range(2):
        with transaction(db.session, now=NOW):
            service.add_member(db.session, SYSTEM, engagement.id, engineer.id, now=NOW)
    assert [person.id for person in engagements.members_of(db.session, engagement.id)] == [engineer.id]
    with transaction(db.session, now=NOW):
        service.remove_member(db.session, SYSTEM, engagement.id, engineer.id, now=NOW)
    with pytest.raises(NotFound), transaction(db.session, now=NOW):
        service.remove_member(db.session, SYSTEM, engagement.id, engineer.id, now=NOW)
    with transaction(db.session, now=NOW):
        service.add_member(db.session, SYSTEM, engagement.id, manager.id, now=NOW)
    with pytest.raises(Guard, match="stays assigned"), transaction(db.session, now=NOW):
        service.remove_member(db.session, SYSTEM, engagement.id, manager.id, now=NOW)


def test_customers_are_not_assigned() -> None:
    engagement, approver = make_engagement(), make_person(Role.CUSTOMER_APPROVER)
    with pytest.raises(Invalid, match="Only active members of the staff"), transaction(db.session, now=NOW):
        service.add_member(db.session, SYSTEM, engagement.id, approver.id, now=NOW)


def test_managers_edit_and_nobody_else() -> None:
    engagement = make_engagement()
    assert edit(engagement, {"name": "Mine"}, who=actor(make_person())).name == "Mine"
    engineer = make_person(Role.ENGINEER)
    with transaction(db.session, now=NOW):
        service.add_member(db.session, SYSTEM, engagement.id, engineer.id, now=NOW)
    with pytest.raises(NotAllowed):
        edit(engagement, {"name": "x"}, who=actor(engineer))
    for stranger in (make_person(Role.ENGINEER), make_person(Role.CUSTOMER_APPROVER)):
        with pytest.raises(NotFound):
            edit(engagement, {"name": "x"}, who=actor(stranger))
