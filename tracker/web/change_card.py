"""A change request as its readers see it: in the list, on its page, in its history."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import url_for

from tracker.domain.change import KINDS, LABELS, Change
from tracker.domain.change_request import (
    Side,
    side_of,
    waits_for,
)
from tracker.domain.duration import say_minutes
from tracker.edge.gate import current_actor
from tracker.services.change_application import told
from tracker.services.standing import standing_of
from tracker.store.change_request import ChangeRequest, ChangeRequestStep
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.web import present
from tracker.web.filters import say_moment
from tracker.web.present import Shown

TURNS = {Side.TEAM: "Waits for the team", Side.CUSTOMER: "Waits for the customer", None: ""}
WORDS: Mapping[str, Mapping[str, str]] = {
    LABELS["cms"]: present.CMS_LABELS,
    LABELS["cms_variant"]: present.VARIANT_LABELS,
    LABELS["plan"]: present.PLAN_LABELS,
    LABELS["package"]: present.PACKAGE_LABELS,
    LABELS["premium_option"]: present.PREMIUM_LABELS,
    LABELS["upstream_choice"]: present.UPSTREAM_LABELS,
    LABELS["multisite_decision"]: present.MULTISITE_LABELS,
}
STEP_LABELS = {
    "raised": "raised it",
    "edited": "changed it; earlier approvals no longer count",
    "estimated": "said how much time it takes",
    "approved_by_team": "approved it for the team",
    "approved_by_customer": "approved it for the customer",
    "applied": "made it take effect",
    "rejected": "rejected it",
    "withdrawn": "took it back",
}


def say_when(moment: datetime, engagement: Engagement) -> str:
    """A moment on the engagement's clock, with its zone."""
    zone = engagement.time_zone
    return f"{say_moment(moment, zone)} {moment.astimezone(ZoneInfo(zone)):%Z}"


def turn_of(asked: ChangeRequest) -> str:
    """Whose turn it is, as the reader would say it."""
    side = waits_for(asked.state, asked.estimate_minutes)
    return "Waits for you" if side is not None and side is side_of(current_actor()) else TURNS[side]


def row_of(each: ChangeRequest, names: dict[UUID, str], engagement: Engagement) -> Shown:
    """One request in the list."""
    return Shown(
        number=each.number,
        title=each.title,
        url=url_for("change_request.show", change_request_id=each.id),
        kinds=", ".join(dict.fromkeys(KINDS[change["kind"]].label for change in each.changes)),
        state=each.state,
        turn=turn_of(each),
        estimate=each.estimate_minutes,
        raised=f"{names.get(each.raised_by, 'somebody')}, {say_when(each.raised_at, engagement)}",
    )


def card_of(asked: ChangeRequest, engagement: Engagement, changes: list[Change], names: dict[UUID, str]) -> Shown:
    """The request in the words of its changes: as they were told when it was applied, else as things stand."""
    lines = asked.told if asked.told is not None else told(changes, standing_of(db.session, engagement))
    return Shown(
        id=asked.id,
        version=asked.version,
        number=asked.number,
        title=asked.title,
        reason=asked.reason,
        state=asked.state,
        turn=turn_of(asked),
        estimate=None if asked.estimate_minutes is None else say_minutes(asked.estimate_minutes),
        decision_reason=asked.decision_reason,
        raised=f"{names.get(asked.raised_by, 'somebody')}, {say_when(asked.raised_at, engagement)}",
        lines=[_line(each) for each in lines],
        requirements_version=asked.requirements_version_after
        if asked.requirements_version_after != asked.requirements_version_before
        else None,
    )


def _line(each: Mapping[str, Any]) -> Shown:
    """One change in words, with what is before and after."""
    return Shown(
        label=KINDS[each["kind"]].label,
        says=each["says"],
        is_new=all(before is None for _name, before, _after in each["shifts"]),
        shifts=[
            Shown(label=name, before=_word(name, before), after=_word(name, after)) for name, before, after in each["shifts"]
        ],
    )


def _word(label: str, value: str | None) -> str | None:
    """A value that is chosen from a list, as the list names it."""
    return None if value is None else WORDS.get(label, {}).get(value, value)


def signing_of(engagement: Engagement, foreseen: list[dict[str, Any]]) -> Shown:
    """What the approval is a signature under, in words."""
    return Shown(
        version=engagement.requirements_version + 1,
        count=present.count_of(len(foreseen), "site"),
        sites=[present.listed_row(each) for each in foreseen],
        customer="",
    )


def step_of(step: ChangeRequestStep, names: dict[UUID, str], engagement: Engagement) -> Shown:
    """One step of its history: who did what, when."""
    return Shown(
        at=say_when(step.at, engagement),
        says=f"{names.get(step.by, 'Somebody')} {STEP_LABELS.get(step.what, step.what)}",
        note=step.note,
    )
