"""Changes as plain values: read, told in words, kept and read again; and whose turn it is."""

from typing import Any
from uuid import UUID

import pytest

from tracker.domain.access import Actor, Role
from tracker.domain.change import KINDS, MoveDate, PsHours, Standing, slug_of
from tracker.domain.change_list import foreseen, in_common, plain, read_change, read_changes, relists
from tracker.domain.change_request import REQUEST_LIFECYCLE, RequestState, Side, approval_leads_to, side_of, waits_for
from tracker.domain.errors import Guard, Invalid
from tracker.services.change_application import CARRY_OUT
from tracker.web.change_form import ROWS

SHOP, KICKOFF = UUID(int=1), UUID(int=2)
SITE: dict[str, Any] = {"name": "Shop", "url": "https://shop.example.com", "cms": "wordpress", "package": "standard"}
SITE |= {"premium_option": None, "multisite_decision": None, "stage": "listed"}
STANDING = Standing(
    requirements_version=1,
    sites={SHOP: SITE},
    dates={KICKOFF: {"title": "Kick-off", "site_id": None, "said": "Mon 2 Mar 2026", "done": False}},
    scope={(None, "redirects"): "included"},
    titles={"redirects": "Redirects"},
)
EVERY_KIND: list[dict[str, Any]] = [
    {"kind": "add_site", "name": "Blog", "url": "https://blog.example.com", "cms": "drupal", "package": "standard"},
    {"kind": "ps_hours", "minutes": 480, "reference": "Q-1", "purchased_on": "2026-03-02"},
    {"kind": "move_date", "deadline_id": str(KICKOFF), "due_on": "2026-03-09", "reason": "Illness"},
    {"kind": "move_date", "deadline_id": str(KICKOFF), "due_at": "2026-03-09T09:00:00+00:00", "reason": "Illness"},
    {"kind": "scope", "item": "redirects", "decision": "ps", "reason": "Too many"},
    {"kind": "edit_site", "site_id": str(SHOP), "name": "Store"},
    {"kind": "withdraw_site", "site_id": str(SHOP), "reason": "Closed"},
]


def test_every_kind_can_be_typed_and_carried_out() -> None:
    assert set(ROWS) == set(KINDS)
    assert set(CARRY_OUT) == set(KINDS.values())
    assert {each["kind"] for each in EVERY_KIND} == set(KINDS)


@pytest.mark.parametrize("values", EVERY_KIND, ids=lambda values: values["kind"])
def test_a_change_is_kept_and_read_again_as_it_was(values: dict[str, Any]) -> None:
    change = read_change(values)
    assert plain(change) == values
    assert read_change(plain(change)) == change


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (EVERY_KIND[0], "Blog (https://blog.example.com) is added to the agreed sites, on the Standard package, with 5 h."),
        (EVERY_KIND[1], "8 h of PS hours are sold for all sites together, under Q-1."),
        (EVERY_KIND[2], "Kick-off moves to Mon 9 Mar 2026. What is counted from it moves too."),
        (EVERY_KIND[4], "“Redirects” becomes paid by PS hours for the whole engagement."),
        (EVERY_KIND[5], "Shop: name changes in the agreed requirements."),
        (EVERY_KIND[6], "Shop leaves the agreed sites. Nothing more is done on it."),
    ],
)
def test_a_change_is_told_in_plain_words(values: dict[str, Any], says: str) -> None:
    assert read_change(values).say(STANDING) == says


def test_what_is_before_and_after_is_told() -> None:
    shifts = [(shift.before, shift.after) for each in EVERY_KIND[2:] for shift in read_change(each).shifts(STANDING)]
    assert shifts[0] == ("Mon 2 Mar 2026", "Mon 9 Mar 2026")
    assert shifts[2:] == [("included", "paid by PS hours"), ("Shop", "Store")]


def test_a_change_without_a_reason_has_the_one_of_the_request() -> None:
    (change,) = read_changes([{key: value for key, value in EVERY_KIND[2].items() if key != "reason"}], "We moved.", STANDING)
    assert isinstance(change, MoveDate)
    assert change.reason == "We moved."


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ([], "changes"),
        ([EVERY_KIND[1]] * 21, "changes"),
        ([EVERY_KIND[5], EVERY_KIND[6]], "changes.1.kind"),
        ([EVERY_KIND[0], EVERY_KIND[0] | {"url": "BLOG.example.com/"}], "changes.1.kind"),
        ([EVERY_KIND[0] | {"url": "shop.example.com"}], "changes.0.url"),
        ([EVERY_KIND[2] | {"due_on": "1492-10-12"}], "changes.0.due_on"),
        ([EVERY_KIND[2] | {"due_on": None}], "changes.0.due_on"),
    ],
)
def test_what_cannot_stand_is_named(values: list[dict[str, Any]], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_changes(values, "So", STANDING)
    assert field in [error.field for error in refused.value.errors]


def test_a_site_before_the_agreement_is_listed_instead() -> None:
    with pytest.raises(Guard) as refused:
        read_changes([EVERY_KIND[0]], "So", Standing())
    assert refused.value.rule == "BR-01"


def test_the_list_is_foreseen_as_the_requirements_will_say_it() -> None:
    entry = {"id": str(SHOP), "budgets": {"known_incompatibility": 300}}
    entry |= {name: value for name, value in SITE.items() if name != "stage"}
    premium = {"kind": "edit_site", "site_id": str(SHOP), "package": "premium", "premium_option": "extra-hours-10"}
    after = foreseen([entry], [read_change(EVERY_KIND[0]), read_change(premium)])
    assert [(each["name"], each["budgets"]) for each in after] == [
        ("Shop", {"known_incompatibility": 300, "premium_extra": 600}),
        ("Blog", {"known_incompatibility": 300}),
    ]
    assert in_common(after) == in_common([each | {"id": "another"} for each in reversed(after)])
    assert foreseen([entry], [read_change(EVERY_KIND[6])]) == []
    assert not relists([PsHours(minutes=240, reference="Q")])


def test_the_second_approval_applies() -> None:
    assert approval_leads_to("open", Side.TEAM) == RequestState.APPROVED_BY_TEAM
    assert approval_leads_to("approved_by_team", Side.CUSTOMER) == RequestState.APPLIED
    assert approval_leads_to("approved_by_customer", Side.TEAM) == RequestState.APPLIED
    assert set(REQUEST_LIFECYCLE) == set(RequestState)


def test_nobody_approves_for_the_other_side() -> None:
    sides = {role: side_of(Actor(None, "Ann", role)) for role in Role}
    assert sides == {
        Role.ADMIN: Side.TEAM,
        Role.ENGAGEMENT_MANAGER: Side.TEAM,
        Role.ENGINEER: None,
        Role.CUSTOMER_APPROVER: Side.CUSTOMER,
        Role.CUSTOMER_VIEWER: None,
    }


def test_the_team_estimates_before_the_customer_is_asked() -> None:
    assert waits_for("open", None) is Side.TEAM
    assert waits_for("approved_by_team", 0) is Side.CUSTOMER
    assert waits_for("approved_by_customer", 0) is Side.TEAM
    assert waits_for("applied", 0) is None


def test_a_thing_of_ones_own_is_kept_under_its_words() -> None:
    assert slug_of("redirects", STANDING.titles) == "redirects"
    assert slug_of("Search, in 3 languages!", STANDING.titles) == "own-search-in-3-languages"
