"""What waits on a customer in one engagement, the most urgent first.

It comes from a few sources, `SOURCES`, each a function of what is known of the engagement; a further one is one more
function.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.change_request import Side, waits_for
from tracker.domain.deadline import KINDS, DeadlineKind, may_finish
from tracker.domain.duty import DUTIES
from tracker.domain.freeze import FreezeKind
from tracker.domain.site import LAUNCHED_STAGES, SITE_LIFECYCLE
from tracker.domain.workday import Calendar
from tracker.services.planning import calendar_of
from tracker.store import change_request as change_requests
from tracker.store import deadline as deadlines
from tracker.store import duty as duties
from tracker.store import freeze as freezes
from tracker.store import question as questions
from tracker.store.change_request import ChangeRequest
from tracker.store.database import db
from tracker.store.deadline import Deadline
from tracker.store.duty import Duty
from tracker.store.engagement import Engagement
from tracker.store.freeze import FreezeRow
from tracker.store.question import Question
from tracker.store.site import Site
from tracker.web import dates
from tracker.web.filters import say_day, say_distance
from tracker.web.present import Shown, count_of

AHEAD_BUSINESS_DAYS = 10


@dataclass(frozen=True)
class Ground:
    """What is known of an engagement before anybody asks what waits on its customer."""

    engagement: Engagement
    actor: Actor
    now: datetime
    calendar: Calendar
    site_names: Mapping[UUID, str]
    stages: Mapping[UUID, str]
    dated: list[Deadline]
    questions: list[Question]
    team_questions: list[Question]
    duties: list[tuple[Duty, Deadline | None]]
    freezes: list[FreezeRow]
    requests: list[ChangeRequest]
    must_sign: bool  # the requirements are agreed, and nobody has signed them

    @property
    def is_live(self) -> bool:
        return self.engagement.status == "active"

    @property
    def today(self) -> date:
        return self.calendar.local_date(self.now)

    @property
    def last_day(self) -> date:
        """The last day on which something is a task already; further ahead it stands among the dates."""
        return self.calendar.add_business_days(self.today, AHEAD_BUSINESS_DAYS)


def ground_of(
    engagement: Engagement, country: str | None, listed: list[Site], actor: Actor, card: Shown, now: datetime
) -> Ground:
    """Read what the to-dos stand on. What was withdrawn with its site waits on nobody. `card` is that of the requirements."""
    over = {site.id for site in listed if site.stage == "withdrawn"}
    dated = deadlines.of_engagement(db.session, engagement.id)
    asked = [each for each in questions.open_of(db.session, engagement.id) if each.site_id not in over]
    return Ground(
        engagement=engagement,
        actor=actor,
        now=now,
        calendar=calendar_of(db.session, engagement, country, [now.date()]),
        site_names={site.id: site.name for site in listed},
        stages={site.id: site.stage for site in listed},
        dated=[each for each in dated if each.site_id not in over],
        questions=[each for each in asked if each.side == "customer"],
        team_questions=[each for each in asked if each.side == "team"],
        duties=duties.open_of_engagement(db.session, engagement.id, dated, over),
        freezes=freezes.open_of_engagement(db.session, engagement.id),
        requests=change_requests.open_of_engagement(db.session, engagement.id),
        must_sign=card.agreed_on is not None and card.signed_on is None,
    )


@dataclass(frozen=True)
class Todo:
    """One thing that waits on the customer: what, why, by when, and what they press."""

    title: str
    detail: str = ""
    day: date | None = None  # None is now, where `urgent`, else without a date
    when: str | None = None
    relative: str | None = None
    tone: str = "grey"
    urgent: bool = False
    link: tuple[str, str] | None = None  # address and label
    press: tuple[str, str, Mapping[str, str]] | None = None  # address, label, what is sent along

    @property
    def turn(self) -> tuple[bool, date]:
        """What is urgent comes first, then by day; what has no day comes last."""
        return not self.urgent, self.day or date.max


def todos_of(ground: Ground) -> list[Todo]:
    """Everything that waits on the customer, the most urgent first; nothing while the engagement rests."""
    found = [todo for source in SOURCES for todo in source(ground)] if ground.is_live else []
    return sorted(found, key=lambda todo: todo.turn)


def signature_todos(ground: Ground) -> Iterator[Todo]:
    """The requirements that nobody has signed."""
    if ground.must_sign:
        may_sign = ground.actor.may(Permission.SIGN)
        yield Todo(
            title="Sign the project requirements",
            detail="Work on your sites starts once they are signed."
            + ("" if may_sign else " Somebody who may sign for you does this."),
            tone="amber",
            urgent=True,
            link=("#requirements", "Read and sign" if may_sign else "Read them"),
        )


def date_todos(ground: Ground) -> Iterator[Todo]:
    """Dates on which the customer acts and that are late or come close. What runs already is no task any more.

    Nor is a freeze that is answered; a content freeze that is not asks for its answer by itself.
    """
    told = {duty.deadline_id for duty, _deadline in ground.duties}
    told |= {row.deadline.id for row in ground.freezes if row.freeze.answer or row.freeze.kind == FreezeKind.CONTENT}
    for deadline in ground.dated:
        kind = KINDS[DeadlineKind(deadline.kind)]
        is_on = kind.runs and deadline.day < ground.today
        is_over = deadline.done_at is not None or is_on or _is_lifted(DeadlineKind(deadline.kind), deadline.site_id, ground)
        if kind.owner == "customer" and not is_over and deadline.id not in told and deadline.day <= ground.last_day:
            yield _date_todo(deadline, ground)


def duty_todos(ground: Ground) -> Iterator[Todo]:
    """Duties whose date is late or comes close, or that a site waits for now, each with what settles it."""
    for duty, deadline in ground.duties:
        if _is_lifted(DUTIES[duty.kind].deadline, duty.site_id, ground):
            continue
        is_close = deadline is not None and deadline.day <= ground.last_day
        if not is_close and not _is_waited_for(duty, ground):
            continue
        yield Todo(
            title=f"{duty.title}{of_site(ground, duty.site_id)}",
            detail=_ask(DUTIES[duty.kind].deadline),
            link=_way_to_settle(duty, ground),
            **_day_of(deadline, ground),
        )


def _is_lifted(kind: DeadlineKind, site_id: UUID | None, ground: Ground) -> bool:
    """Whether that is a freeze of a site that has launched, where nothing is frozen any more."""
    return KINDS[kind].runs and site_id is not None and ground.stages.get(site_id) in LAUNCHED_STAGES


def _is_waited_for(duty: Duty, ground: Ground) -> bool:
    """Whether the next step of the duty's site waits for it."""
    stage, brings = ground.stages.get(duty.site_id) if duty.site_id else None, DUTIES[duty.kind].brings
    return stage is not None and any(need.fact == brings for step in SITE_LIFECYCLE[stage] for need in step.needs)


def _day_of(deadline: Deadline | None, ground: Ground) -> dict[str, Any]:
    """By when, and how close that is; nothing without a date."""
    if deadline is None:
        return {}
    zone = ground.engagement.time_zone
    return {
        "day": deadline.day,
        "when": dates.say_due(deadline, zone),
        "relative": say_working_distance(deadline, ground),
        "tone": dates.tone_of(deadline, zone, ground.now),
    }


def _way_to_settle(duty: Duty, ground: Ground) -> tuple[str, str]:
    """Where a duty is settled: at the thing itself where that is more than a word, and only read by who may not."""
    if duty.kind == "uat":
        return f"/sites/{duty.site_id}/uat", "Test and sign"
    if duty.kind == "code-freeze":
        return f"/sites/{duty.site_id}/freezes", "Answer"
    if duty.kind == "dns-cutover" and ground.actor.may(Permission.SIGN) and _is_waited_for(duty, ground):
        return f"/sites/{duty.site_id}/cutover", "Sign"
    if DUTIES[duty.kind].completed_by is None and ground.actor.may(Permission.COMPLETE_OWN_DUTY):
        return f"/duties/{duty.id}/done", "Done…"
    return f"/engagements/{ground.engagement.id}/duties", "Read more"


def freeze_todos(ground: Ground) -> Iterator[Todo]:
    """Content freezes that come close and that nobody has answered; a code freeze is a duty of its own."""
    for row in ground.freezes:
        if row.freeze.answer is not None or row.freeze.kind != FreezeKind.CONTENT or row.deadline.day > ground.last_day:
            continue
        yield Todo(
            title=f"Answer the content freeze{of_site(ground, row.site.id)}",
            detail="Will nothing be written to the source from then on, or do you carry over what is?",
            day=row.deadline.day,
            when=dates.say_due(row.deadline, ground.engagement.time_zone),
            relative=say_working_distance(row.deadline, ground),
            tone=dates.tone_of(row.deadline, ground.engagement.time_zone, ground.now),
            link=(f"/sites/{row.site.id}/freezes", "Answer" if ground.actor.may(Permission.SIGN) else "Read more"),
        )


def change_todos(ground: Ground) -> Iterator[Todo]:
    """Change requests that the customer has not approved yet."""
    for request in ground.requests:
        if waits_for(request.state, request.estimate_minutes) is Side.CUSTOMER:
            yield Todo(
                title=f"Decide on change request {request.number}: {request.title}",
                detail="Read what changes and what it costs, then approve or reject it.",
                tone="amber",
                urgent=True,
                link=(f"/change-requests/{request.id}", "Read and decide" if ground.actor.may(Permission.SIGN) else "Read it"),
            )


def _date_todo(deadline: Deadline, ground: Ground) -> Todo:
    kind, zone = DeadlineKind(deadline.kind), ground.engagement.time_zone
    finishable = may_finish(ground.actor, kind, owner_id=deadline.owner_id, done_by=None, open_again=False)
    label = "Mark as sent" if kind is DeadlineKind.INVENTORY else "Mark as done"
    return Todo(
        title=f"{deadline.title}{of_site(ground, deadline.site_id)}",
        detail=_ask(kind),
        day=deadline.day,
        when=dates.say_due(deadline, zone),
        relative=say_working_distance(deadline, ground),
        tone=dates.tone_of(deadline, zone, ground.now),
        press=(f"/deadlines/{deadline.id}/done", label, {"version": str(deadline.version)}) if finishable else None,
    )


def _ask(kind: DeadlineKind) -> str:
    """What a reminder of that kind asks, to whoever is asked."""
    asked = KINDS[kind].ask.removeprefix("Customer: ")
    return asked[:1].upper() + asked[1:]


def question_todos(ground: Ground) -> Iterator[Todo]:
    """Questions that the customer has not answered; what the facts of one site ask is one thing to do."""
    of_facts: dict[UUID, list[Question]] = {}
    for question in ground.questions:
        if question.fact is not None and question.site_id is not None:
            of_facts.setdefault(question.site_id, []).append(question)
        else:
            yield _question_todo(
                [question], question.text, f"/engagements/{ground.engagement.id}/questions#question-{question.id}", ground
            )
    for site_id, asked in of_facts.items():
        title = (
            asked[0].text
            if len(asked) == 1
            else f"{count_of(len(asked), 'question')} about {ground.site_names.get(site_id, 'a site')}"
        )
        yield _question_todo(asked, title, f"/sites/{site_id}/facts", ground)


def _question_todo(asked: Sequence[Question], title: str, url: str, ground: Ground) -> Todo:
    due = min((question.due_on for question in asked if question.due_on is not None), default=None)
    days = (due - ground.today).days if due is not None else None
    site = ground.site_names.get(asked[0].site_id) if asked[0].site_id else None
    return Todo(
        title=title,
        detail="What you get there is decided by it."
        if asked[0].fact
        else f"A question about {site}."
        if site
        else "A question to you.",
        day=due,
        when=say_day(due) if due else None,
        relative=_distance(due, ground) if due else None,
        tone="grey" if days is None or days > dates.SOON_DAYS else "red" if days <= 0 else "amber",
        link=(url, "Answer"),
    )


SOURCES: tuple[Callable[[Ground], Iterable[Todo]], ...] = (
    signature_todos,
    change_todos,
    duty_todos,
    freeze_todos,
    date_todos,
    question_todos,
)


def of_site(ground: Ground, site_id: UUID | None) -> str:
    return f", {ground.site_names[site_id]}" if site_id is not None and site_id in ground.site_names else ""


def say_working_distance(deadline: Deadline, ground: Ground) -> str:
    """How far off a date is, in the days on which the customer works; of one that has passed, how late it is."""
    zone = ground.engagement.time_zone
    if dates.is_late(deadline, zone, ground.now):
        return dates.distance(deadline, zone, ground.now)
    return _distance(deadline.day, ground)


def _distance(day: date, ground: Ground) -> str:
    working = ground.calendar.business_days_between(ground.today, day)
    if (day - ground.today).days < 2 or working < 1:
        return say_distance(day, ground.today)
    return f"in {count_of(working, 'working day')}"
