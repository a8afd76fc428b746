"""Draft the weekly update from the facts, edit it, and post it once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.deadline import KINDS, DeadlineKind
from tracker.domain.errors import EditedMeanwhile, Guard, Invalid
from tracker.domain.lifecycle import say_state
from tracker.domain.notice import Audience, Notice
from tracker.domain.text import TextError, read_text
from tracker.domain.weekly_update import AHEAD_BUSINESS_DAYS, DECIDED_AS, KIND, TEXT_LENGTH, Coming, Facts, compose, monday_of
from tracker.domain.workday import MIDNIGHT
from tracker.services.outlook import decisions_of_customer, of_site, questions_to_customer, say_when
from tracker.services.planning import Ground, ground_of, take, tell
from tracker.store import audit, requirements, waiting
from tracker.store import deadline as deadlines
from tracker.store import engagement as engagements
from tracker.store import time_entry as entries
from tracker.store import weekly_update as updates
from tracker.store.database import AnySession
from tracker.store.deadline import Deadline
from tracker.store.engagement import Engagement
from tracker.store.weekly_update import WeeklyUpdate

USEFUL_FOR = timedelta(days=7)
SIGNED = {"requirements": "the requirements", "uat": "the acceptance test", "cutover": "the DNS cutover", "freeze": "the freeze"}


@dataclass(frozen=True)
class Week:
    """The week an update speaks of, as the engagement's own calendar has it."""

    monday: date
    today: date
    began_at: datetime


def compose_update(
    session: AnySession, actor: Actor, engagement_id: UUID, *, text: str | None = None, now: datetime
) -> WeeklyUpdate:
    """Draft this week's update: from the facts, or with a text of one's own.

    Raises NotFound, NotAllowed, Guard where this week has an update already, and Invalid at `text`.
    """
    engagement = engagements.get(session, actor, engagement_id)
    actor.must(Permission.WORK_ON_SITES)
    take(session, engagement)
    ground = ground_of(session, engagement, around=[now.date()])
    today = ground.calendar.local_date(now)
    week = Week(monday_of(today), today, ground.calendar.at(monday_of(today), MIDNIGHT))
    if updates.of_week(session, engagement_id, week.monday) is not None:
        raise Guard("This week has its update already. A second thought is next week's.", rule="one_update_a_week")
    said = compose(facts_of(session, ground, week)) if text is None else _read(text)
    assert actor.person_id is not None
    update = WeeklyUpdate(
        engagement_id=engagement_id, week_of=week.monday, text=said, author_id=actor.person_id, state="draft", created_at=now
    )
    session.add(update)
    session.flush()
    audit.record(session, actor, engagement_id, "weekly_update.drafted", ("weekly_update", update.id), {"week_of": week.monday})
    return update


def facts_of(session: AnySession, ground: Ground, week: Week) -> Facts:
    """What an engagement's week was, in ten statements. Internal notes and drafts are not among it."""
    engagement_id, names = ground.engagement.id, ground.site_names
    moves = audit.done_since(session, engagement_id, "site.moved", week.began_at)
    worked = entries.minutes_by_site(session, engagement_id, week.monday, week.today)
    dated = [each for each in deadlines.of_engagement(session, engagement_id) if each.done_at is None and _counts(each, ground)]
    reached = {move.subject_id: str(move.payload["to"]) for move in moves if move.payload and move.subject_id in names}
    return Facts(
        hours=[(names[site], minutes) for site, minutes in worked.items()],
        stages=[(names[site], say_state(stage)) for site, stage in reached.items() if site is not None],
        decided=list(_decided(session, ground, week)),
        waiting=list(_waiting(session, ground, week, dated)),
        coming=list(_coming(ground, week, dated)),
    )


def _counts(deadline: Deadline, ground: Ground) -> bool:
    return deadline.site_id not in ground.withdrawn


def _decided(session: AnySession, ground: Ground, week: Week) -> Iterator[str]:
    agreed = requirements.latest(session, ground.engagement.id)
    if agreed is not None and agreed.agreed_at >= week.began_at:
        yield f"The project requirements are agreed (version {agreed.version})"
    for signature, name in waiting.signatures(session, ground.engagement.id):
        if signature.signed_at >= week.began_at:
            what = SIGNED.get(signature.subject, say_state(signature.subject))
            yield f"{name} signed {what}{of_site(ground.site_names, signature.site_id)}"
    for item in waiting.decided_since(session, ground.engagement.id, week.began_at):
        yield f"{item.title}{of_site(ground.site_names, item.site_id)}: {DECIDED_AS[item.decision]}"


def _waiting(session: AnySession, ground: Ground, week: Week, dated: list[Deadline]) -> Iterator[str]:
    yield from decisions_of_customer(session, ground.engagement.id)
    for deadline in dated:
        kind = KINDS[DeadlineKind(deadline.kind)]
        if kind.owner == "customer" and not kind.runs and deadline.day < week.today:
            yield f"{deadline.title}{of_site(ground.site_names, deadline.site_id)}: was for {say_when(ground, deadline)}"
    yield from questions_to_customer(session, ground)


def _coming(ground: Ground, week: Week, dated: list[Deadline]) -> Iterator[Coming]:
    last = ground.calendar.add_business_days(week.today, AHEAD_BUSINESS_DAYS)
    for deadline in dated:
        if week.today <= deadline.day <= last:
            site = ground.site_names.get(deadline.site_id) if deadline.site_id else None
            yield Coming(say_when(ground, deadline), deadline.title, site)


def edit_update(
    session: AnySession, actor: Actor, update_id: UUID, text: str, *, version: int | None = None, now: datetime
) -> WeeklyUpdate:
    """Change a draft. Raises NotFound, NotAllowed, EditedMeanwhile, Guard for one that was posted, Invalid at `text`."""
    update = _held(session, actor, update_id, Permission.WORK_ON_SITES, version)
    update.text, update.version = _read(text), update.version + 1
    session.flush()
    audit.record(session, actor, update.engagement_id, "weekly_update.edited", ("weekly_update", update.id), {"at": now})
    return update


def post_update(session: AnySession, actor: Actor, update_id: UUID, *, version: int | None = None, now: datetime) -> WeeklyUpdate:
    """Let the customer read it, and tell their channel once; from then on it is fixed.

    Raises NotFound, NotAllowed, EditedMeanwhile, Guard for one that was posted.
    """
    update = _held(session, actor, update_id, Permission.EDIT_ENGAGEMENT, version)
    engagement = engagements.get(session, actor, update.engagement_id)
    update.state, update.posted_by, update.posted_at, update.version = "posted", actor.person_id, now, update.version + 1
    session.flush()
    payload = {"week_of": update.week_of}
    audit.record(session, actor, update.engagement_id, "weekly_update.posted", ("weekly_update", update.id), payload)
    tell(session, engagement, _notice(update, engagement, now), now=now)
    return update


def _held(session: AnySession, actor: Actor, update_id: UUID, permission: Permission, version: int | None) -> WeeklyUpdate:
    """A draft, held for this unit and read anew."""
    update = updates.get(session, actor, update_id)
    actor.must(permission)
    session.refresh(update, with_for_update={"key_share": True})
    if update.state == "posted":
        raise Guard("This update was posted, and stays as it is. A second thought is next week's.", rule="posted_is_final")
    if version is not None and version != update.version:
        raise EditedMeanwhile
    return update


def _read(typed: str) -> str:
    try:
        text = read_text(typed, TEXT_LENGTH)
    except TextError as error:
        raise Invalid.at("text", error.message) from None
    if not text:
        raise Invalid.at("text", "Write what the customer should know.")
    return text


def _notice(update: WeeklyUpdate, engagement: Engagement, now: datetime) -> Notice:
    return Notice(
        key=f"update:{update.id}",
        kind=KIND,
        audience=Audience.CUSTOMER,
        headline=f"{engagement.name}: update for the week of {update.week_of:%a %-d %b %Y}",
        text=update.text,
        facts=(),
        path=f"/engagements/{engagement.id}/updates#update-{update.id}",
        due_at=now,
        useless_after=now + USEFUL_FOR,
    )
