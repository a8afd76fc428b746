"""What the channels hear when a budget fills up: at 60, 80 and 100 %, once, each side in its own words."""

from dataclasses import dataclass
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import NOW, actor, agree, make_engagement, make_person, make_site, raise_change_request, some_work
from tracker.domain.access import Actor
from tracker.domain.budget import BudgetExceeded, WorkKind
from tracker.services import budget as sale
from tracker.services import change_request, time_entry
from tracker.services.budget import BlockSpec
from tracker.services.time_entry import DraftChange, Target
from tracker.slack.blocks import render
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.notice import OutboxNotice
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry
from tracker.store.transaction import transaction

pytestmark = pytest.mark.usefixtures("app")
CUSTOMER, TEAM = "C1", "C2"


@dataclass
class Place:
    """A site with its five hours, and who works on it."""

    site: Site
    manager: Person
    boss: Actor

    @property
    def engagement_id(self) -> UUID:
        return self.site.engagement_id


def make_place(*, site: dict[str, Any] | None = None, slack_user_id: str = "U7JONAS", **over: Any) -> Place:
    manager = make_person(name="Jonas Weber", slack_user_id=slack_user_id)
    engagement = make_engagement(manager, **({"internal_slack_channel": TEAM, "name": "Museum move"} | over))
    made = make_site(engagement, **({"name": "shop"} | (site or {})))
    agree(engagement)
    return Place(made, manager, actor(manager))


@pytest.fixture
def place(app: Flask) -> Place:
    return make_place()


def book(place: Place, minutes: int, kind: WorkKind = WorkKind.ALLOWANCE, *, split: bool = False) -> TimeEntry:
    with transaction(db.session, now=NOW):
        return time_entry.book(db.session, place.boss, some_work(place.site, minutes, kind), split=split, now=NOW)[0].entry


def reverse(place: Place, entry: TimeEntry) -> None:
    with transaction(db.session, now=NOW):
        time_entry.reverse(db.session, place.boss, entry.id, None, now=NOW)


def sell(place: Place, minutes: int) -> None:
    with transaction(db.session, now=NOW):
        spec = BlockSpec(minutes, "Q-7", NOW.date())
        sale.sell_block(db.session, place.boss, place.engagement_id, spec, now=NOW)


def notices(place: Place) -> list[OutboxNotice]:
    db.session.close()
    query = sa.select(OutboxNotice).where(OutboxNotice.engagement_id == place.engagement_id, OutboxNotice.kind.like("budget%"))
    return list(db.session.scalars(query.order_by(OutboxNotice.key)))


def told(place: Place, channel: str | None = TEAM) -> list[str]:
    """The headlines for one channel, of whatever was ever told."""
    return sorted(each.headline for each in notices(place) if each.channel == channel)


def levels(place: Place, channel: str | None = TEAM) -> list[str]:
    return [next(word for word in headline.split() if word.isdigit()) for headline in told(place, channel)]


# --- when ------------------------------------------------------------------------------------------------------------


def test_each_level_is_told_by_the_entry_that_reaches_it_and_by_no_other(place: Place) -> None:
    seen = []
    for minutes in (179, 1, 59, 1, 59, 1):
        book(place, minutes)
        seen.append((len(told(place, TEAM)), len(told(place, CUSTOMER))))
    assert seen == [(0, 0), (1, 1), (1, 1), (2, 2), (2, 2), (3, 3)]


def test_an_entry_that_jumps_two_levels_tells_of_both(place: Place) -> None:
    book(place, 250)
    assert told(place) == [
        "shop: 60 % of Known-incompatibility allowance booked",
        "shop: 80 % of Known-incompatibility allowance booked",
    ]
    assert told(place, CUSTOMER) == [
        "shop: 60 % of the hours for known incompatibilities used",
        "shop: 80 % of the hours for known incompatibilities used",
    ]


def test_what_was_told_is_not_told_again_after_a_reversal(place: Place) -> None:
    entry = book(place, 250)
    ids = [each.id for each in notices(place)]
    reverse(place, entry)
    book(place, 250)
    assert [each.id for each in notices(place)] == ids


def test_a_draft_that_grows_tells_and_one_that_shrinks_does_not(place: Place) -> None:
    draft = book(place, 100)
    for minutes, expected in ((200, ["60"]), (100, ["60"]), (240, ["60", "80"])):
        with transaction(db.session, now=NOW):
            time_entry.mend(db.session, place.boss, draft.id, DraftChange({"minutes": minutes}), now=NOW)
        assert levels(place) == expected


def test_a_larger_pool_is_another_occasion(place: Place) -> None:
    sell(place, 240)
    book(place, 240, WorkKind.PS)
    assert levels(place) == ["100", "60", "80"]
    sell(place, 240)
    assert len(told(place)) == 3, "a purchase itself reaches no level"
    book(place, 60, WorkKind.PS)
    assert levels(place) == ["100", "60", "60", "80"]


def test_a_pool_that_a_change_request_made_larger_is_another_occasion_too(place: Place) -> None:
    sell(place, 240)
    book(place, 240, WorkKind.PS)
    engagement = db.session.get_one(Engagement, place.engagement_id)
    approver = make_person("customer_approver")
    request = raise_change_request(engagement, approver)
    for who, estimate in ((place.boss, 30), (actor(approver), None)):
        with transaction(db.session, now=NOW):
            change_request.approve(db.session, who, request.id, now=NOW, estimate_minutes=estimate)
    book(place, 60, WorkKind.PS)
    assert levels(place) == ["100", "60", "60", "80"]


def test_a_split_tells_of_the_budget_it_fills_and_of_the_one_it_goes_on_to(place: Place) -> None:
    sell(place, 240)
    book(place, 300 + 150, split=True)
    assert told(place) == [
        "Museum move: 60 % of PS hours booked",
        "shop: 100 % of Known-incompatibility allowance booked",
        "shop: 60 % of Known-incompatibility allowance booked",
        "shop: 80 % of Known-incompatibility allowance booked",
    ]


def test_a_move_tells_of_the_budget_it_goes_to(app: Flask) -> None:
    place = make_place(site={"package": "premium", "premium_option": "extra-hours-10"})
    sell(place, 240)
    entry = book(place, 150)
    assert told(place) == []
    with transaction(db.session, now=NOW):
        to = Target(WorkKind.PS, ps_kind="custom-upstream")
        time_entry.move(db.session, place.boss, entry.id, to, now=NOW)
    assert told(place) == ["Museum move: 60 % of PS hours booked"]


def test_included_work_and_budgets_of_other_sites_tell_nothing(place: Place) -> None:
    other = make_place(name="Other", slack_user_id="U8")
    book(place, 1000, WorkKind.INCLUDED)
    book(other, 250)
    assert (notices(place), levels(other)) == ([], ["60", "80"])


def test_what_is_refused_or_undone_tells_nobody(place: Place) -> None:
    with pytest.raises(BudgetExceeded):
        book(place, 301)
    with pytest.raises(RuntimeError, match="after the booking"):
        book_and_fail(place)
    assert notices(place) == []


def book_and_fail(place: Place) -> None:
    with transaction(db.session, now=NOW):
        time_entry.book(db.session, place.boss, some_work(place.site, 300), now=NOW)
        raise RuntimeError("the unit fails after the booking")


# --- to whom ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("own", [None, CUSTOMER])
def test_the_customers_channel_never_gets_what_is_for_the_team(app: Flask, own: str | None) -> None:
    place = make_place(internal_slack_channel=own)
    book(place, 300)
    assert {(each.kind, each.channel) for each in notices(place)} == {("budget.customer", CUSTOMER)}


def test_without_any_channel_the_customers_words_wait_for_one(app: Flask) -> None:
    place = make_place(slack_channel=None, internal_slack_channel=None)
    book(place, 180)
    assert [(each.kind, each.channel, each.state) for each in notices(place)] == [("budget.customer", None, "planned")]


def test_with_a_team_channel_alone_the_team_hears_and_the_customers_words_wait(app: Flask) -> None:
    place = make_place(slack_channel=None)
    book(place, 180)
    assert {each.kind: each.channel for each in notices(place)} == {"budget.customer": None, "budget.team": TEAM}


# --- in which words --------------------------------------------------------------------------------------------------


def words(place: Place, level: int, channel: str) -> OutboxNotice:
    return next(each for each in notices(place) if f"{level} %" in each.headline and each.channel == channel)


def test_at_60_percent_nobody_has_to_act_yet(place: Place) -> None:
    book(place, 180)
    assert words(place, 60, CUSTOMER).text == "3 h of 5 h are used or held, 2 h left. You need do nothing now."
    team = words(place, 60, TEAM)
    assert "3 h of 5 h are booked, what is not approved yet included; 2 h left." in team.text
    assert "tell Jonas Weber today if it does not" in team.text
    assert (team.mention, team.path, team.facts) == (None, f"/sites/{place.site.id}#hours", [["Engagement", "Museum move"]])


def test_at_80_percent_the_manager_settles_what_pays_and_the_customer_knows_how_to_get_more(app: Flask) -> None:
    place = make_place(account_rep="Lena Fischer")
    book(place, 240)
    assert words(place, 80, CUSTOMER).text == (
        "4 h of 5 h are used or held, 1 h left. If you want more, ask your account rep, Lena Fischer, for PS hours, "
        "or raise a change request. Jonas Weber asks you before anything goes beyond your hours."
    )
    team = words(place, 80, TEAM)
    assert "Jonas Weber: agree with the customer, before they are gone, what pays for the rest" in team.text
    assert team.mention == "U7JONAS"


def test_at_100_percent_both_hear_what_happens_now(place: Place) -> None:
    sell(place, 240)
    book(place, 300)
    book(place, 240, WorkKind.PS)
    site, pool = (
        [each for each in notices(place) if "100 %" in each.headline and bool(each.site_id) is of_site]
        for of_site in (True, False)
    )
    said = {(each.kind, bool(each.site_id)): each.text for each in (*site, *pool)}
    assert "nothing is left. From now on an entry on it is refused, or split" in said["budget.team", True]
    assert "From now on an entry on it is refused. Jonas Weber: sell a PS block" in said["budget.team", False]
    assert (
        "other hours of yours that are meant for it, if you have any; nothing is worked beyond" in said["budget.customer", True]
    )
    assert "Nothing further is worked on them without your agreement." in said["budget.customer", False]
    assert {each.path for each in pool} == {f"/engagements/{place.engagement_id}#ps"}


def test_a_level_reads_well_in_slack(place: Place) -> None:
    book(place, 300)
    body = render(words(place, 100, TEAM), base_url="https://tracker.example.com")
    section, actions = body["blocks"]
    assert section["text"]["text"].startswith("<@U7JONAS> *shop: 100 % of Known-incompatibility allowance booked*\n5 h of 5 h")
    assert actions["elements"][-1]["url"] == f"https://tracker.example.com/sites/{place.site.id}#hours"
    assert body["text"].startswith("shop: 100 % of Known-incompatibility allowance booked · 5 h of 5 h are booked")
    assert body["text"].endswith("before anybody works beyond them. · Engagement: Museum move")


# --- at once ---------------------------------------------------------------------------------------------------------


def test_of_bookings_at_once_each_level_is_told_once(app: Flask, place: Place) -> None:
    sell(place, 240)
    start, faults = Barrier(6), list[BaseException]()

    def work_on(kind: WorkKind) -> None:
        with app.app_context():
            start.wait()
            for _ in range(10):
                try:
                    book(place, 10, kind)
                except BudgetExceeded:
                    pass
                except BaseException as error:  # noqa: BLE001 -- a deadlock is what the test looks for
                    faults.append(error)
            db.session.remove()

    workers = [Thread(target=work_on, args=[kind]) for kind in (WorkKind.ALLOWANCE, WorkKind.PS) for _ in range(3)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert faults == []
    for channel in (CUSTOMER, TEAM):
        assert sorted(levels(place, channel)) == ["100", "100", "60", "60", "80", "80"]


def test_a_booking_and_a_change_request_for_more_hours_never_wait_crosswise(app: Flask, place: Place) -> None:
    """The booking takes the pool and tells of a level, the approval takes the engagement and enlarges the pool."""
    engagement = db.session.get_one(Engagement, place.engagement_id)
    approver = make_person("customer_approver")
    sell(place, 240)
    requests = [raise_change_request(engagement, approver).id for _ in range(8)]
    for request_id in requests:
        with transaction(db.session, now=NOW):
            change_request.approve(db.session, place.boss, request_id, now=NOW, estimate_minutes=30)
    customer, start, faults = actor(approver), Barrier(2), list[BaseException]()

    def alongside(deed: Any, times: int) -> None:
        with app.app_context():
            start.wait()
            for number in range(times):
                try:
                    deed(number)
                except BudgetExceeded:
                    pass
                except BaseException as error:  # noqa: BLE001 -- a deadlock is what the test looks for
                    faults.append(error)
            db.session.remove()

    def approve(number: int) -> None:
        with transaction(db.session, now=NOW):
            change_request.approve(db.session, customer, requests[number], now=NOW)

    workers = [
        Thread(target=alongside, args=[approve, len(requests)]),
        Thread(target=alongside, args=[lambda _number: book(place, 120, WorkKind.PS), 16]),
    ]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert faults == []
