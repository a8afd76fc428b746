"""Carries out an approved change request, whole or not at all, in the transaction of the second approval.

What a kind of change does is one function and its line in CARRY_OUT. Sources: BR-01, BR-05, BR-06, BR-47.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from tracker.domain.access import Actor
from tracker.domain.budget import BUDGET_LABELS, entitled
from tracker.domain.change import AddSite, Change, EditSite, MoveDate, PsHours, Scope, Standing, WithdrawSite
from tracker.domain.change_list import foreseen, in_common, relists
from tracker.domain.errors import Guard, Invalid, RuleViolation
from tracker.domain.lifecycle import advance
from tracker.domain.listing import read_values
from tracker.domain.site import SITE_LIFECYCLE
from tracker.domain.workday import Calendar
from tracker.services import dating
from tracker.services.listing import change_site, list_site
from tracker.services.planning import replan
from tracker.services.ps_sale import BlockSpec, add_block
from tracker.services.requirements_version import put_signature, write_version
from tracker.services.scope_change import Origin, decide
from tracker.services.standing import catalogue_of, standing_of
from tracker.store import audit, requirements
from tracker.store import budget as budgets
from tracker.store.budget import Posting
from tracker.store.change_request import ChangeRequest
from tracker.store.database import AnySession
from tracker.store.deadline import Deadline
from tracker.store.engagement import Engagement
from tracker.store.site import Site

AGAINST_EDITS = {"key_share": True}


@dataclass(frozen=True)
class Course:
    """What every change is carried out with."""

    session: AnySession
    actor: Actor
    engagement: Engagement
    request: ChangeRequest
    standing: Standing
    team_approver: UUID
    now: datetime


def carry_out(course: Course, changes: Sequence[Change]) -> None:
    """Make every change, in order, agree the list of sites anew where it is another one, and plan the reminders.

    The engagement's row is held. Raises Guard naming the change that cannot be made (any more), and why.
    """
    session, engagement, request = course.session, course.engagement, course.request
    if engagement.status != "active":
        state = engagement.status.replace("_", " ")
        raise Guard(f"The engagement is {state}. Nothing is changed before it runs again.", rule="order", missing=["active"])
    request.told = told(changes, course.standing)
    for number, change in enumerate(changes, start=1):
        try:
            change.fits(course.standing)
            CARRY_OUT[type(change)](course, change)
        except (Invalid, RuleViolation) as error:
            rule = error.rule if isinstance(error, Guard) else "BR-47"
            said = f"Change {number} ({change.label.lower()}) cannot be made: {error.message} Nothing was changed."
            raise Guard(said, rule=rule, missing=[f"changes.{number - 1}"]) from None
    request.requirements_version_before = engagement.requirements_version
    if relists(changes) and engagement.requirements_version > 0:
        _agree_anew(course)
    request.requirements_version_after = engagement.requirements_version
    replan(session, engagement, now=course.now)


def told(changes: Sequence[Change], standing: Standing) -> list[dict[str, Any]]:
    """The changes in the words both sides read, with what is before and after."""
    return [
        {
            "kind": change.kind,
            "says": change.say(standing),
            "shifts": [[shift.label, shift.before, shift.after] for shift in change.shifts(standing)],
        }
        for change in changes
    ]


def foresee(session: AnySession, engagement: Engagement, changes: Sequence[Change]) -> list[dict[str, Any]] | None:
    """The sites as the requirements will list them, where that is another list than the agreed one."""
    agreed = requirements.latest(session, engagement.id)
    if agreed is None or not relists(changes):
        return None
    return foreseen(agreed.document["sites"], changes)


def _agree_anew(course: Course) -> None:
    """Agree the next version for the team's approver; it is signed by the customer's approval where they saw this list.

    Where the former version was never signed, nothing is signed here. Reason: docs/rules/change_request.md.
    """
    session, engagement, request = course.session, course.engagement, course.request
    former = requirements.latest(session, engagement.id)
    assert former is not None
    was_signed = requirements.signature(session, engagement.id, "requirements", former.hash) is not None
    version = write_version(session, course.actor, engagement, agreed_by=course.team_approver, now=course.now)
    seen = request.customer_foresaw
    if not was_signed or seen is None or in_common(seen) != in_common(version.document["sites"]):
        return
    assert request.customer_approved_by is not None
    put_signature(
        session,
        course.actor,
        engagement.id,
        "requirements",
        version.hash,
        signed_by=request.customer_approved_by,
        now=course.now,
    )


def _add_site(course: Course, change: AddSite) -> None:
    values = change.values()
    # Its version is the one that is agreed when every change of this request is made.
    list_site(course.session, course.actor, course.engagement, values, now=course.now)


def _edit_site(course: Course, change: EditSite) -> None:
    site = _held(course, change.site_id)
    values = read_values(change.values())
    _keep_what_was_drawn(course.session, site, values)
    change_site(course.session, course.actor, course.engagement, site, values, now=course.now)


def _keep_what_was_drawn(session: AnySession, site: Site, values: Mapping[str, Any]) -> None:
    """A budget that has paid for work stays: a package without it comes too late. Raises Guard."""
    wanted = entitled(values.get("package", site.package), values.get("premium_option", site.premium_option))
    for kind, budget in budgets.of_site(session, site.engagement_id, site.id).items():
        drawn = sa.select(Posting.id).where(Posting.budget_id == budget.id).limit(1)
        if budget.site_id is not None and kind not in wanted and session.scalar(drawn) is not None:
            raise Guard(f"Work was logged on {BUDGET_LABELS[kind]} of {site.name}, so the extra stays.", rule="BR-02")


def _withdraw_site(course: Course, change: WithdrawSite) -> None:
    site = _held(course, change.site_id)
    before = site.stage
    site.stage = advance(SITE_LIFECYCLE, before, "withdrawn")
    site.version += 1
    course.session.flush()
    moved = {"from": before, "to": site.stage, "reason": change.reason}
    audit.record(course.session, course.actor, site.engagement_id, "site.moved", ("site", site.id), moved)


def _held(course: Course, site_id: UUID) -> Site:
    site = course.session.get_one(Site, site_id)
    course.session.refresh(site, with_for_update=AGAINST_EDITS)
    return site


def _sell(course: Course, change: PsHours) -> None:
    today = Calendar(course.engagement.time_zone, frozenset()).local_date(course.now)
    reference = change.reference or f"Change request {course.request.number}"
    spec = BlockSpec(change.minutes, reference, change.purchased_on or today)
    add_block(course.session, course.actor, course.engagement.id, spec, now=course.now)


def _move(course: Course, change: MoveDate) -> None:
    deadline = course.session.get_one(Deadline, change.deadline_id)
    course.session.refresh(deadline)
    if deadline.done_at is not None or deadline.withdrawn_at is not None:
        raise Guard(f"{deadline.title} is done, so it cannot move.", rule="order", missing=["open_date"])
    # Both sides have approved that it moves, and why: that is the word which a freeze that is on asks for.
    dating.move(
        course.session,
        course.actor,
        course.engagement,
        deadline,
        change.dates,
        dating.read("reason", change.reason),
        override_reason=f"Change request {course.request.number}: {change.reason}",
        now=course.now,
    )
    deadline.version += 1
    course.session.flush()
    about = ("deadline", deadline.id)
    audit.record(course.session, course.actor, deadline.engagement_id, "deadline.changed", about, dating.say(deadline))


def _rescope(course: Course, change: Scope) -> None:
    origin = Origin(course.team_approver, f"Change request {course.request.number}")
    catalogue = catalogue_of(course.session, course.engagement)
    decide(course.session, course.actor, course.engagement.id, change, catalogue, origin, now=course.now)


CARRY_OUT: Mapping[type[Change], Callable[[Course, Any], None]] = {
    AddSite: _add_site,
    EditSite: _edit_site,
    WithdrawSite: _withdraw_site,
    PsHours: _sell,
    MoveDate: _move,
    Scope: _rescope,
}


def course_of(session: AnySession, actor: Actor, request: ChangeRequest, engagement: Engagement, *, now: datetime) -> Course:
    """What an approved request is carried out with."""
    assert request.team_approved_by is not None
    return Course(session, actor, engagement, request, standing_of(session, engagement), request.team_approved_by, now)
