"""Lifecycles as data, and the one function that reads them."""

import pytest

from tracker.domain.errors import Guard, Invalid
from tracker.domain.lifecycle import Lifecycle, Need, Step, advance, open_steps, say_state
from tracker.domain.site import LAUNCHED_STAGES, SITE_LIFECYCLE, WORKABLE, SiteStage
from tracker.domain.time_entry import ENTRY_LIFECYCLE

KEY = Need("key_found", "The key has not been found.", "R-1")
LIGHT = Need("light_on", "The light is off.", "R-2")
DOOR: Lifecycle = {"shut": (Step("open", (KEY, LIGHT)), Step("walled_up")), "open": (Step("shut"),), "walled_up": ()}


def test_a_step_needs_all_its_facts() -> None:
    assert advance(DOOR, "shut", "open", {"key_found", "light_on"}) == "open"


def test_a_guard_names_its_rule_and_all_that_is_missing() -> None:
    with pytest.raises(Guard) as refused:
        advance(DOOR, "shut", "open", {"light_on"})
    assert (refused.value.rule, refused.value.missing, refused.value.message) == (
        "R-1",
        ["key_found"],
        "The key has not been found.",
    )
    with pytest.raises(Guard) as refused:
        advance(DOOR, "shut", "open")
    assert (refused.value.rule, refused.value.missing) == ("R-1", ["key_found", "light_on"])
    assert refused.value.message == "The key has not been found. The light is off."


def test_a_step_that_does_not_exist_from_here_is_another_refusal_than_a_state_that_does_not_exist() -> None:
    with pytest.raises(Guard, match="From walled up there is no step to open") as refused:
        advance(DOOR, "walled_up", "open")
    assert refused.value.rule == "order"
    with pytest.raises(Invalid, match="There is no state called ajar") as unknown:
        advance(DOOR, "shut", "ajar")
    assert unknown.value.errors[0].field == "to"


def test_the_open_steps_say_what_each_still_misses() -> None:
    assert [(step.to, [need.fact for need in missing]) for step, missing in open_steps(DOOR, "shut", {"key_found"})] == [
        ("open", ["light_on"]),
        ("walled_up", []),
    ]


@pytest.mark.parametrize("lifecycle", [SITE_LIFECYCLE, ENTRY_LIFECYCLE], ids=["site", "entry"])
def test_every_step_leads_to_a_state_that_exists(lifecycle: Lifecycle) -> None:
    assert {step.to for steps in lifecycle.values() for step in steps} <= set(lifecycle)


def test_every_stage_of_a_site_can_be_reached_and_left_until_it_ends() -> None:
    assert set(SITE_LIFECYCLE) == set(SiteStage)
    reached, waiting = {"listed"}, ["listed"]
    while waiting:
        for step in SITE_LIFECYCLE[waiting.pop()]:
            if step.to not in reached:
                reached.add(step.to)
                waiting.append(step.to)
    assert reached == set(SITE_LIFECYCLE)
    assert {stage for stage, steps in SITE_LIFECYCLE.items() if not steps} == {"closed", "withdrawn"}


def test_a_site_cannot_be_withdrawn_once_its_names_point_here() -> None:
    kept = {stage for stage, steps in SITE_LIFECYCLE.items() if steps and all(step.to != "withdrawn" for step in steps)}
    assert kept == {"cutover_open", "dns_verified", "launched", "hypercare"}


def test_work_goes_on_after_the_launch_and_ends_with_the_site() -> None:
    assert LAUNCHED_STAGES - {"closed"} <= WORKABLE
    assert not WORKABLE & {"closed", "withdrawn"}


def test_states_are_said_as_people_say_them() -> None:
    assert [say_state(state) for state in ("ready_for_uat", "dns_verified")] == ["ready for UAT", "DNS verified"]
