"""The timer: it starts where work may be booked, asks after a long run, and its stop loses no minute whatever happened."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import NOW, TODAY, actor, make_agreed_site, make_engagement, make_person, make_site, some_work
from tracker.domain.access import SYSTEM, Actor
from tracker.domain.budget import BudgetExceeded, WorkKind
from tracker.domain.errors import EditedMeanwhile, Guard, Invalid, NotFound, UnlistedSite
from tracker.domain.timer import BudgetEmpty, TimerRuns
from tracker.services import timer as service
from tracker.services.budget import BlockSpec, sell_block
from tracker.services.engagement import EngagementChange, add_member, edit_engagement, remove_member
from tracker.services.hours_lock import close_hours
from tracker.services.person import OwnChange, edit_self, set_active
from tracker.services.time_entry import book
from tracker.services.timer import Started, StartOrder, Stopped, TimerChange
from tracker.store import audit
from tracker.store import timer as timers
from tracker.store.budget import counter_faults
from tracker.store.database import db
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry, entry_faults
from tracker.store.timer import Timer, UnplacedTime
from tracker.store.transaction import transaction

LATER = NOW + timedelta(minutes=72)


@pytest.fixture
def site(app: Flask) -> Site:
    return make_agreed_site(name="Shop")


@pytest.fixture
def engineer(site: Site) -> Person:
    """Somebody assigned to the site's engagement."""
    person = make_person("engineer", name="Mei")
    assign(person, site)
    return person


def admin() -> Actor:
    return actor(make_person("admin"))


def assign(person: Person, site: Site) -> None:
    with transaction(db.session, now=NOW):
        add_member(db.session, SYSTEM, site.engagement_id, person.id, now=NOW)


def order(site: Site, kind: WorkKind = WorkKind.ALLOWANCE, **over: Any) -> StartOrder:
    stated: dict[str, Any] = {"activity": "research"} if kind is WorkKind.ALLOWANCE else {}
    said: dict[str, Any] = {"site_id": site.id, "kind": kind} | stated | over
    return StartOrder(**said)


def start(who: Person, ordered: StartOrder, *, now: datetime = NOW) -> Started:
    with transaction(db.session, now=now):
        return service.start(db.session, actor(who), ordered, now=now)


def stop(who: Person, minutes: int | None = None, *, now: datetime = LATER, **over: Any) -> Stopped:
    with transaction(db.session, now=now):
        return service.stop(db.session, actor(who), minutes, now=now, **over)


def edit(who: Person, *, now: datetime = LATER, version: int | None = None, **values: Any) -> Timer:
    with transaction(db.session, now=now):
        return service.edit(db.session, actor(who), TimerChange(values, version), now=now)


def use_up(site: Site, minutes: int = 300) -> None:
    """Somebody else books the allowance."""
    boss = admin()
    with transaction(db.session, now=NOW):
        book(db.session, boss, some_work(site, minutes), now=NOW)


def sell(site: Site, minutes: int = 240) -> None:
    boss = admin()
    with transaction(db.session, now=NOW):
        sell_block(db.session, boss, site.engagement_id, BlockSpec(minutes, "Q-7", TODAY), now=NOW)


def running(who: Person) -> Timer | None:
    found = timers.running(db.session, actor(who))
    return found.timer if found else None


def actions(site: Site) -> list[str]:
    found = audit.entries_of(db.session, site.engagement_id, before=None, limit=50)
    return [each.action for each in reversed(found) if each.action.split(".")[0] in ("timer", "time_entry", "unplaced_time")]


def test_a_timer_becomes_a_draft_of_the_minutes_it_ran(site: Site, engineer: Person) -> None:
    start(engineer, order(site, note="Redirect loop"))
    stopped = stop(engineer, now=NOW + timedelta(minutes=72, seconds=30))
    (booked,) = stopped.booked
    assert (booked.entry.minutes, booked.entry.state, booked.entry.worked_on) == (73, "draft", TODAY)
    assert (booked.entry.person_id, booked.entry.note) == (engineer.id, "Redirect loop")
    assert running(engineer) is None
    assert actions(site) == ["timer.started", "timer.stopped", "time_entry.booked"]


def test_the_day_is_that_of_the_start_where_the_person_is(site: Site) -> None:
    tokyo = make_person("engineer", time_zone="Asia/Tokyo")
    assign(tokyo, site)
    before_midnight = datetime.combine(TODAY, NOW.timetz()).replace(hour=14, minute=50)
    start(tokyo, order(site), now=before_midnight)
    assert stop(tokyo, now=before_midnight + timedelta(hours=1)).booked[0].entry.worked_on == TODAY
    start(tokyo, order(site), now=before_midnight + timedelta(minutes=10))
    assert stop(tokyo, now=before_midnight + timedelta(hours=1)).booked[0].entry.worked_on == TODAY + timedelta(days=1)


def test_nobody_has_two_timers(site: Site, engineer: Person) -> None:
    start(engineer, order(site))
    with pytest.raises(TimerRuns, match=r"Your timer runs already: 1:12 on Shop\. Stop it first, or keep it\."):
        start(engineer, order(site), now=LATER)
    kept = running(engineer)
    assert kept is not None
    assert kept.started_at == NOW


def test_the_first_timer_is_stopped_and_booked_in_the_same_step(site: Site, engineer: Person) -> None:
    start(engineer, order(site, note="First"))
    begun = start(engineer, order(site, WorkKind.INCLUDED, note="Second", stop_running=True), now=LATER)
    assert begun.stopped is not None
    assert [(each.entry.minutes, each.entry.note) for each in begun.stopped.booked] == [(72, "First")]
    second = running(engineer)
    assert second is not None
    assert (second.note, second.started_at) == ("Second", LATER)


def test_where_the_second_cannot_start_the_first_runs_on(site: Site, engineer: Person) -> None:
    start(engineer, order(site))
    with pytest.raises(Invalid, match="research or a known solution"):
        start(engineer, order(site, activity=None, stop_running=True), now=LATER)
    assert running(engineer) is not None
    assert db.session.scalar(sa.select(sa.func.count()).select_from(TimeEntry)) == 0


def test_a_first_timer_that_ran_too_long_is_asked_about_before_a_second_starts(site: Site, engineer: Person) -> None:
    start(engineer, order(site))
    with pytest.raises(TimerRuns, match="Stop it first, and say how long you worked") as refused:
        start(engineer, order(site, stop_running=True), now=NOW + timedelta(hours=11))
    assert refused.value.asks


def test_an_empty_budget_blocks_the_start_and_names_the_ways_on(site: Site, engineer: Person) -> None:
    use_up(site)
    with pytest.raises(BudgetEmpty, match="nothing is left, so no timer starts on it") as refused:
        start(engineer, order(site))
    assert refused.value.details() == {
        "left_minutes": 0,
        "options": [
            {"action": "buy_ps", "kind": "ps", "minutes": 240},
            {"action": "change_request", "kind": "known_incompatibility", "minutes": 240},
        ],
    }
    sell(site)
    with pytest.raises(BudgetEmpty) as refused:
        start(engineer, order(site))
    assert next((each.action, each.kind, each.minutes) for each in refused.value.options) == ("split", "ps", 240)
    begun = start(engineer, order(site, split=True)).timer
    assert (begun.kind, begun.ps_kind) == ("ps", "custom-code-troubleshooting")


def test_included_work_is_never_blocked(site: Site, engineer: Person) -> None:
    use_up(site)
    start(engineer, order(site, WorkKind.INCLUDED))
    assert stop(engineer).booked[0].draws == []


def closed(site: Site, engineer: Person) -> StartOrder:
    boss = admin()
    with transaction(db.session, now=NOW):
        close_hours(db.session, boss, site.engagement_id, TODAY, now=NOW)
    return order(site)


def unlisted(_site: Site, engineer: Person) -> StartOrder:
    other = make_site(make_engagement())
    assign(engineer, other)
    return order(other)


def withdrawn(site: Site, _engineer: Person) -> StartOrder:
    with transaction(db.session, now=NOW):
        db.session.get_one(Site, site.id).stage = "withdrawn"
    return order(site)


def foreign(_site: Site, _engineer: Person) -> StartOrder:
    return order(make_agreed_site())


@pytest.mark.parametrize(
    ("ordered", "error"),
    [
        pytest.param(closed, Guard, id="today is closed"),
        pytest.param(unlisted, UnlistedSite, id="not in the requirements"),
        pytest.param(withdrawn, Guard, id="withdrawn"),
        pytest.param(foreign, NotFound, id="somebody else's"),
        pytest.param(lambda site, _: order(site, activity=None), Invalid, id="no activity"),
        pytest.param(lambda site, _: order(site, WorkKind.PS), Invalid, id="no kind of PS work"),
        pytest.param(lambda site, _: order(site, WorkKind.PREMIUM), Invalid, id="no Premium extra here"),
        pytest.param(lambda site, _: order(site, note="password: hunter2"), Invalid, id="a secret in the note"),
        pytest.param(lambda site, _: order(site, known_issue_id="no-such-issue"), Invalid, id="no such known issue"),
    ],
)
def test_what_cannot_be_booked_cannot_be_started(
    site: Site, engineer: Person, ordered: Callable[[Site, Person], StartOrder], error: type[Exception]
) -> None:
    asked = ordered(site, engineer)
    with pytest.raises(error):
        start(engineer, asked)
    assert running(engineer) is None


def test_a_stop_without_room_keeps_the_time_with_the_refusal(site: Site, engineer: Person) -> None:
    start(engineer, order(site, note="Cache"))
    use_up(site, 280)
    stopped = stop(engineer)
    assert isinstance(stopped.refusal, BudgetExceeded)
    assert stopped.booked == []
    kept = stopped.unplaced
    assert kept is not None
    assert (kept.minutes, kept.worked_on, kept.note, kept.person_id) == (72, TODAY, "Cache", engineer.id)
    assert kept.refused == "Known-incompatibility allowance: 20 min left, so this does not fit."
    assert running(engineer) is None
    assert actions(site)[-2:] == ["timer.stopped", "unplaced_time.kept"]


def test_a_stop_may_split(site: Site, engineer: Person) -> None:
    start(engineer, order(site))
    use_up(site, 280)
    sell(site)
    stopped = stop(engineer, split=True)
    assert [(each.entry.kind, each.entry.minutes) for each in stopped.booked] == [("known_incompatibility", 20), ("ps", 52)]
    assert counter_faults(db.session) == []
    assert entry_faults(db.session) == []


def withdraw(site: Site, _engineer: Person) -> None:
    withdrawn(site, _engineer)


def close(site: Site, engineer: Person) -> None:
    closed(site, engineer)


def put_on_hold(site: Site, _engineer: Person) -> None:
    boss = admin()
    with transaction(db.session, now=NOW):
        change = EngagementChange(None, {"status": "on_hold"})
        edit_engagement(db.session, boss, site.engagement_id, change, now=NOW)


def unassign(site: Site, engineer: Person) -> None:
    boss = admin()
    with transaction(db.session, now=NOW):
        remove_member(db.session, boss, site.engagement_id, engineer.id, now=NOW)


@pytest.mark.parametrize(
    ("meanwhile", "why"),
    [
        pytest.param(withdraw, "closed, on hold or withdrawn", id="the site is withdrawn"),
        pytest.param(put_on_hold, "closed, on hold or withdrawn", id="the engagement is on hold"),
        pytest.param(close, "The hours up to 2026-03-02 are closed.", id="the day is closed"),
        pytest.param(unassign, "You are no longer assigned to this engagement.", id="the person has left the engagement"),
    ],
)
def test_whatever_happens_while_it_runs_the_stop_keeps_the_time(
    site: Site, engineer: Person, meanwhile: Callable[[Site, Person], None], why: str
) -> None:
    start(engineer, order(site))
    meanwhile(site, engineer)
    kept = stop(engineer).unplaced
    assert kept is not None
    assert why in kept.refused
    assert running(engineer) is None


def test_somebody_who_moved_to_another_zone_stops_all_the_same(site: Site, engineer: Person) -> None:
    late = NOW.replace(hour=23, minute=30)
    start(engineer, order(site), now=late)
    with transaction(db.session, now=late):
        edit_self(db.session, actor(engineer), OwnChange(time_zone="Pacific/Auckland"), now=late)
    db.session.expire_all()
    stopped = stop(db.session.get_one(Person, engineer.id), now=late + timedelta(minutes=20))
    assert stopped.booked[0].entry.worked_on == TODAY + timedelta(days=1)


def test_the_timer_of_somebody_who_is_deactivated_is_kept_for_a_manager(site: Site, engineer: Person) -> None:
    start(engineer, order(site))
    boss = admin()
    with transaction(db.session, now=LATER):
        set_active(db.session, boss, engineer.id, active=False, now=LATER)
    (kept,) = timers.waiting(db.session, actor(make_person()))
    assert (kept.time.minutes, kept.person_name) == (72, "Mei")
    assert kept.time.refused == "Mei was deactivated while the timer ran."
    assert running(engineer) is None


def test_after_ten_hours_the_stop_asks_how_long_was_worked(site: Site, engineer: Person) -> None:
    start(engineer, order(site), now=NOW)
    assert stop(engineer, now=NOW + timedelta(hours=10)).unplaced is not None, "ten hours are more than the allowance holds"
    start(engineer, order(site), now=NOW)
    late = NOW + timedelta(hours=14, minutes=20)
    with pytest.raises(Invalid) as asked:
        stop(engineer, now=late)
    assert asked.value.errors[0].field == "duration"
    assert asked.value.message == "It has run for 14 h 20 since Mon 12:00. How long did you work?"
    assert running(engineer) is not None
    assert stop(engineer, 90, now=late).booked[0].entry.minutes == 90


@pytest.mark.parametrize("minutes", [0, -5, 1441])
def test_minutes_that_nobody_works_are_refused_and_the_timer_runs_on(site: Site, engineer: Person, minutes: int) -> None:
    start(engineer, order(site))
    with pytest.raises(Invalid, match="Write from 1 minute to 24 h"):
        stop(engineer, minutes)
    assert running(engineer) is not None


def test_what_the_timer_says_of_the_work_can_be_changed_while_it_runs(site: Site, engineer: Person) -> None:
    start(engineer, order(site))
    earlier = NOW - timedelta(minutes=30)
    changed = edit(engineer, note="Redirects", kind="included", activity=None, started_at=earlier, version=1)
    assert (changed.note, changed.kind, changed.started_at, changed.version) == ("Redirects", "included", earlier, 2)
    assert stop(engineer).booked[0].entry.minutes == 102
    with pytest.raises(Invalid, match="No timer of yours runs"):
        edit(engineer, note="Again")


@pytest.mark.parametrize(
    ("values", "error"),
    [
        pytest.param({"started_at": LATER + timedelta(minutes=1)}, Invalid, id="begins in the future"),
        pytest.param({"started_at": NOW.replace(year=2025)}, Invalid, id="before the agreement"),
        pytest.param({"activity": None}, Invalid, id="no activity"),
        pytest.param({"kind": "premium"}, Invalid, id="no such hours here"),
        pytest.param({"note": "x", "version": 7}, EditedMeanwhile, id="a stale version"),
    ],
)
def test_a_running_timer_is_changed_by_the_same_rules(
    site: Site, engineer: Person, values: dict[str, Any], error: type[Exception]
) -> None:
    start(engineer, order(site))
    with pytest.raises(error):
        edit(engineer, **values)
    kept = running(engineer)
    assert kept is not None
    assert kept.version == 1


def test_a_note_is_changed_though_the_budget_is_empty_by_now_but_no_empty_budget_is_chosen(site: Site, engineer: Person) -> None:
    start(engineer, order(site))
    use_up(site)
    assert edit(engineer, note="Still at it").note == "Still at it"
    with pytest.raises(BudgetEmpty):
        edit(engineer, kind="ps", activity=None, ps_kind="custom-upstream")


def test_it_moves_to_a_site_of_another_engagement(site: Site, engineer: Person) -> None:
    other = make_agreed_site(name="Blog")
    assign(engineer, other)
    start(engineer, order(site))
    edit(engineer, site_id=other.id)
    assert stop(engineer).booked[0].entry.engagement_id == other.engagement_id


def test_a_discarded_timer_leaves_nothing_but_its_trail(site: Site, engineer: Person) -> None:
    start(engineer, order(site))
    with transaction(db.session, now=LATER):
        service.discard(db.session, actor(engineer), now=LATER)
    assert running(engineer) is None
    assert db.session.scalar(sa.select(sa.func.count()).select_from(UnplacedTime)) == 0
    assert actions(site) == ["timer.started", "timer.discarded"]


def test_who_lost_sight_of_the_engagement_is_not_told_its_names(site: Site, engineer: Person) -> None:
    start(engineer, order(site))
    seen = timers.running(db.session, actor(engineer))
    assert seen is not None
    assert seen.site_name == "Shop"
    unassign(site, engineer)
    unseen = timers.running(db.session, actor(engineer))
    assert unseen is not None
    assert (unseen.site_name, unseen.engagement_name) == (None, None)
