"""The customer's acceptance test: who tests, what they find wrong, and how a round ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.errors import EditedMeanwhile, Guard, Invalid, NotAllowed
from tracker.domain.lifecycle import advance, say_state
from tracker.domain.notice import Audience
from tracker.domain.text import TextError, read_line, read_text
from tracker.domain.uat import (
    CUSTOMERS_STEPS,
    DEFECT_LIFECYCLE,
    TESTED_STAGES,
    DefectClass,
    DefectState,
    RoundState,
    read_testers,
)
from tracker.domain.workday import Calendar
from tracker.services import freezing, obligations, signing
from tracker.services.planning import replan, take
from tracker.services.rounds import close_round, open_round, path_of
from tracker.services.telling import tell
from tracker.store import audit
from tracker.store import deadline as deadlines
from tracker.store import duty as duties
from tracker.store import engagement as engagements
from tracker.store import site as sites
from tracker.store import uat as rounds
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.uat import Defect, DefectRow, RoundRow, UatRound

TITLE_LENGTH, DETAILS_LENGTH = 200, 4000
LAPSED = "Lapsed without an answer; the agreement says that work then goes on."


def may_name_testers(actor: Actor) -> bool:
    """Staff who work on sites name testers, and so do the customer's approvers."""
    return actor.may(Permission.WORK_ON_SITES) or actor.may(Permission.COMPLETE_OWN_DUTY)


def name_testers(
    session: AnySession, actor: Actor, round_id: UUID, testers: Sequence[Mapping[str, Any]], *, version: int | None
) -> RoundRow:
    """Say who tests in a round. Raises NotFound, NotAllowed, EditedMeanwhile, Guard for a closed one, Invalid at `testers`."""
    row = _hold(session, actor, round_id, version)
    if not may_name_testers(actor):
        raise NotAllowed
    _put_testers(session, actor, row.round, testers)
    session.flush()
    return row


def _put_testers(session: AnySession, actor: Actor, tested: UatRound, testers: Sequence[Mapping[str, Any]]) -> None:
    tested.testers = read_testers(testers)
    tested.version += 1
    said = {"testers": len(tested.testers)}
    audit.record(session, actor, tested.engagement_id, "uat.testers", ("uat_round", tested.id), said)


def start(
    session: AnySession, actor: Actor, site_id: UUID, testers: Sequence[Mapping[str, Any]] | None, *, now: datetime
) -> RoundRow:
    """The round that is open while a site is in UAT, with its testers; made where the site has none yet.

    Raises NotFound, NotAllowed, Guard for a site that is not in UAT or whose test is signed, Invalid at `testers`.
    """
    site, engagement = sites.get_with_engagement(session, actor, site_id)
    if not may_name_testers(actor):
        raise NotAllowed
    take(session, engagement)
    session.refresh(site)
    if site.stage not in TESTED_STAGES:
        raise Guard(f"{site.name} is {say_state(site.stage)}: it is not tested now.", rule="BR-15", missing=sorted(TESTED_STAGES))
    tested = open_round(session, actor, site, engagement, now=now)
    if tested is None:
        raise Guard(f"The test of {site.name} is signed already.", rule="BR-49", missing=[])
    if testers is not None:
        _put_testers(session, actor, tested, testers)
    session.flush()
    return rounds.get_round(session, actor, tested.id)


def sign_off(session: AnySession, actor: Actor, round_id: UUID, digest: str, *, now: datetime) -> RoundRow:
    """Accept the site as a customer approver; it closes the round and completes the duty.

    Raises NotFound, NotAllowed, EditedMeanwhile for another hash than the one in force, Guard.
    """
    row = _hold(session, actor, round_id, None)
    actor.must(Permission.SIGN)
    signing.put_name(session, actor, row.engagement, row.site, "uat", digest, now=now)
    return rounds.get_round(session, actor, round_id)


def reject(session: AnySession, actor: Actor, round_id: UUID, reason: str, *, version: int | None, now: datetime) -> RoundRow:
    """Say as a customer approver that the site is not accepted yet, and why. The team fixes and a further round follows.

    Raises NotFound, NotAllowed, EditedMeanwhile, Guard for a closed round, Invalid at `reason`.
    """
    row = _hold(session, actor, round_id, version)
    actor.must(Permission.SIGN)
    why = freezing.read("reason", reason)
    close_round(session, actor, row.round, RoundState.REJECTED, why, now=now)
    tell(
        session,
        row.engagement,
        row.site,
        "uat.rejected",
        f"{round_id}",
        f"{actor.name} does not accept the site yet",
        "Team: fix what is wrong and open a further round.",
        path=path_of(row.site.id),
        audience=Audience.INTERNAL,
        now=now,
    )
    return rounds.get_round(session, actor, round_id)


def lapse(session: AnySession, actor: Actor, round_id: UUID, *, version: int | None, now: datetime) -> RoundRow:
    """Close a round that nobody answered in time, under the agreed clause; never as a signature (reading 8).

    Raises NotFound, NotAllowed, EditedMeanwhile, Guard where the agreement does not say so or the date has not passed.
    """
    row = _hold(session, actor, round_id, version)
    actor.must(Permission.EDIT_ENGAGEMENT)
    _check_lapse(session, row, row.engagement, now)
    close_round(session, actor, row.round, RoundState.LAPSED, LAPSED, now=now)
    duty = duties.one(session, row.engagement.id, row.site.id, "uat")
    if duty is not None and duty.state == "open":
        obligations.waive(session, actor, duty, LAPSED)
    session.flush()
    replan(session, row.engagement, now=now)
    return rounds.get_round(session, actor, round_id)


def _check_lapse(session: AnySession, row: RoundRow, engagement: Engagement, now: datetime) -> None:
    agreement = engagements.agreement_of(session, engagement.id)
    if agreement is None or agreement.uat_silence != "proceed":
        raise Guard(
            "The agreement says to wait for an answer, so silence is not taken for one.",
            rule="BR-15",
            missing=["uat_silence_proceed"],
        )
    date = deadlines.one(session, engagement.id, row.site.id, "uat")
    if date is None or date.dates.ends_at(Calendar(engagement.time_zone)) > now:
        raise Guard("The agreed time for the test is not over yet.", rule="BR-15", missing=["uat_date_passed"])


def _hold(session: AnySession, actor: Actor, round_id: UUID, version: int | None) -> RoundRow:
    """An open round, held with its engagement's dates. Raises NotFound, EditedMeanwhile, Guard."""
    row = rounds.get_round(session, actor, round_id)
    take(session, row.engagement)
    session.refresh(row.round)
    if version is not None and version != row.round.version:
        raise EditedMeanwhile
    if row.round.state != RoundState.OPEN:
        raise Guard(f"Round {row.round.number} is closed.", rule="BR-15", missing=["open_round"])
    return row


# Defects


@dataclass(frozen=True)
class DefectChange:
    """What is to change about a defect; what is None stays."""

    version: int | None
    title: str | None = None
    details: str | None = None
    classification: DefectClass | None = None
    state: DefectState | None = None
    source_checked: str | None = None


def report(session: AnySession, actor: Actor, site_id: UUID, title: str, details: str, *, now: datetime) -> DefectRow:
    """Report something that is wrong with a site, while a round is open.

    Raises NotFound, NotAllowed, Guard where no round is open, Invalid at the field.
    """
    site, engagement = sites.get_with_engagement(session, actor, site_id)
    actor.must(Permission.ANSWER)
    take(session, engagement)
    last = rounds.latest_round(session, site_id)
    if last is None or last.state != RoundState.OPEN:
        raise Guard(
            f"No round of UAT is open for {site.name}. Raise it as a question instead.", rule="BR-15", missing=["open_round"]
        )
    assert actor.person_id is not None
    defect = Defect(
        engagement_id=engagement.id,
        site_id=site_id,
        round_id=last.id,
        title=_read_title(title),
        details=_read("details", details),
        classification=DefectClass.UNCLASSIFIED,
        state=DefectState.OPEN,
        source_checked="",
        reported_by=actor.person_id,
        reported_at=now,
    )
    session.add(defect)
    session.flush()
    audit.record(session, actor, engagement.id, "defect.reported", ("defect", defect.id), {"title": defect.title})
    tell(
        session,
        engagement,
        site,
        "defect.reported",
        f"{defect.id}",
        f"{actor.name} reported a defect",
        f"Team: classify “{defect.title}” and say what happens to it.",
        path=f"/defects/{defect.id}",
        audience=Audience.INTERNAL,
        now=now,
    )
    return rounds.get_defect(session, actor, defect.id)


def change_defect(session: AnySession, actor: Actor, defect_id: UUID, change: DefectChange) -> DefectRow:
    """Classify a defect, move it on, or word it better.

    Staff classify and mend; the customer's people confirm what was fixed, or say that it is not. Whoever reported it may
    reword it. Raises NotFound, NotAllowed, EditedMeanwhile, Guard, Invalid at the field.
    """
    row = rounds.get_defect(session, actor, defect_id)
    defect = row.defect
    session.refresh(defect, with_for_update=True)
    _check_permitted(actor, defect, change)
    if change.version is not None and change.version != defect.version:
        raise EditedMeanwhile
    if change.title is not None:
        defect.title = _read_title(change.title)
    if change.details is not None:
        defect.details = _read("details", change.details)
    if change.source_checked is not None:
        defect.source_checked = _read("source_checked", change.source_checked)
    if change.classification is not None:
        defect.classification = change.classification
    if defect.classification == DefectClass.PRE_EXISTING and not defect.source_checked:
        raise Invalid.at("source_checked", "Say how you saw it on the source as well: the address, and what happens there.")
    if change.state is not None and change.state != defect.state:
        defect.state = advance(DEFECT_LIFECYCLE, defect.state, change.state)
    if defect.state == DefectState.DECLINED and defect.classification in (DefectClass.UNCLASSIFIED, DefectClass.MIGRATION_DEFECT):
        raise Invalid.at("classification", "Only what is not the migration’s is declined. Say first what it is.")
    defect.version += 1
    session.flush()
    said = {"title": defect.title, "classification": defect.classification, "state": defect.state}
    audit.record(session, actor, defect.engagement_id, "defect.changed", ("defect", defect.id), said)
    return row


def _check_permitted(actor: Actor, defect: Defect, change: DefectChange) -> None:
    actor.must(Permission.ANSWER)
    is_theirs = (defect.state, change.state) in CUSTOMERS_STEPS
    if actor.is_staff:
        if not actor.may(Permission.WORK_ON_SITES) or change.state == DefectState.CONFIRMED:
            raise NotAllowed("Somebody of the customer confirms that it is fixed.")
        return
    if change.classification is not None or change.source_checked is not None:
        raise NotAllowed
    if change.state is not None and change.state != defect.state and not is_theirs:
        raise NotAllowed
    if (change.title is not None or change.details is not None) and defect.reported_by != actor.person_id:
        raise NotAllowed


def _read_title(text: str) -> str:
    try:
        title = read_line(text, TITLE_LENGTH)
    except TextError as error:
        raise Invalid.at("title", error.message) from None
    if not title:
        raise Invalid.at("title", "Say in a few words what is wrong.")
    return title


def _read(field: str, text: str) -> str:
    try:
        return read_text(text, DETAILS_LENGTH)
    except TextError as error:
        raise Invalid.at(field, error.message) from None
