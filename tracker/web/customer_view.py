"""An engagement as its customer reads it: what they have to do, by when, what they get, what is left, whom they ask.

What waits on them comes from a few sources, `SOURCES`, each a function of what is known of the engagement; a further
source is one more function. The page takes the same number of statements for one site and for fifty.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.deadline import KINDS, DeadlineKind, may_finish
from tracker.domain.scope import Decision
from tracker.domain.workday import Calendar
from tracker.edge.gate import VIEW_AS, current_actor
from tracker.edge.rule import allow, also_looking
from tracker.services.planning import calendar_of
from tracker.store import budget as budgets
from tracker.store import comment as comments
from tracker.store import deadline as deadlines
from tracker.store import engagement as engagements
from tracker.store import kickoff as kickoffs
from tracker.store import link as links
from tracker.store import person as people
from tracker.store import portfolio, waiting
from tracker.store import time_entry as entries
from tracker.store import weekly_update as updates
from tracker.store.budget import Budget
from tracker.store.database import db
from tracker.store.deadline import Deadline
from tracker.store.engagement import Engagement
from tracker.store.question import Question
from tracker.store.scope import ScopeItem
from tracker.store.site import Site
from tracker.web import dates, present, section
from tracker.web.dates import DateView
from tracker.web.filters import say_day, say_distance
from tracker.web.form import Form
from tracker.web.present import Shown, count_of
from tracker.web.talk import comment_row, kickoff_card, link_row, update_row

bp = Blueprint("customer_view", __name__)
# Further ahead a date is no task yet: it stands among the dates.
AHEAD_BUSINESS_DAYS = 10
RECENT_ENTRIES = 15
SUBJECTS = {"requirements": "Project requirements", "uat": "Acceptance test", "cutover": "DNS cutover", "freeze": "Freeze"}
ROUTES = {
    "account-rep": "ask your account rep",
    "ps-hours": "can be paid from PS hours",
    "self-service": "you can do it yourself",
    "customer": "yours to do",
}
DECISIONS = {
    Decision.INCLUDED: "Included",
    Decision.PREMIUM: "Your Premium extra",
    Decision.PS: "Paid from PS hours",
    Decision.OUT_OF_SCOPE: "Out of scope",
    Decision.UNDECIDED: "Still to be decided",
}


@dataclass(frozen=True)
class Ground:
    """What is known of an engagement before anybody asks what waits on its customer."""

    engagement: Engagement
    actor: Actor
    now: datetime
    calendar: Calendar
    site_names: Mapping[UUID, str]
    dated: list[Deadline]
    questions: list[Question]
    must_sign: bool  # the requirements are agreed, and nobody has signed them

    @property
    def is_live(self) -> bool:
        return self.engagement.status == "active"

    @property
    def today(self) -> date:
        return self.calendar.local_date(self.now)


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
    """Dates on which the customer acts and that are late or come close. What runs already is no task any more."""
    last = ground.calendar.add_business_days(ground.today, AHEAD_BUSINESS_DAYS)
    for deadline in ground.dated:
        kind = KINDS[DeadlineKind(deadline.kind)]
        begun = kind.runs and deadline.day < ground.today
        if kind.owner == "customer" and deadline.done_at is None and deadline.day <= last and not begun:
            yield _date_todo(deadline, ground)


def _date_todo(deadline: Deadline, ground: Ground) -> Todo:
    kind, zone = DeadlineKind(deadline.kind), ground.engagement.time_zone
    finishable = may_finish(ground.actor, kind, owner_id=deadline.owner_id, done_by=None, open_again=False)
    label = "Mark as sent" if kind is DeadlineKind.INVENTORY else "Mark as done"
    return Todo(
        title=f"{deadline.title}{_of_site(ground, deadline.site_id)}",
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
    """Questions that the customer has not answered."""
    for question in ground.questions:
        days = (question.due_on - ground.today).days if question.due_on else None
        site = f"?site={question.site_id}" if question.site_id else ""
        yield Todo(
            title=question.text,
            detail=f"A question{_of_site(ground, question.site_id)}.",
            day=question.due_on,
            when=say_day(question.due_on) if question.due_on else None,
            relative=_distance(question.due_on, ground) if question.due_on else None,
            tone="grey" if days is None or days > dates.SOON_DAYS else "red" if days <= 0 else "amber",
            link=(f"/engagements/{ground.engagement.id}/comments{site}", "Answer"),
        )


SOURCES: tuple[Callable[[Ground], Iterable[Todo]], ...] = (signature_todos, date_todos, question_todos)


def _of_site(ground: Ground, site_id: UUID | None) -> str:
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


def page_of(engagement: Engagement, listed: list[Site], actor: Actor, signing: Mapping[str, Any], *, refused: Form | None) -> str:
    """The page. `signing` is the card of the requirements with the form under it."""
    now = utc_now()
    customer = engagements.customer(db.session, engagement.customer_id)
    ground = ground_of(engagement, customer.country, listed, actor, signing, now)
    stage, _count = portfolio.stages_of(db.session, [engagement])[engagement.id]
    manager = people.get(db.session, engagement.manager_id)
    return render_template(
        "engagement/customer.html",
        nav_current="portfolio",
        section_rows=section.of_engagement(actor, engagement.id, "overview"),
        refused=refused,
        engagement=present.engagement_head(engagement, customer.name, manager.name, stage),
        agreement=present.agreement_card(engagements.agreement_of(db.session, engagement.id)),
        todos=todos_of(ground),
        deadlines=_dates(ground),
        urls={"sign": f"/engagements/{engagement.id}/sign" if actor.may(Permission.SIGN) else None, "agree": None},
        manager=manager,
        channel_url=_channel_url(engagement),
        **signing,
        **_sites(ground, listed),
        **_talk(ground),
    )


def ground_of(
    engagement: Engagement, country: str | None, listed: list[Site], actor: Actor, signing: Mapping[str, Any], now: datetime
) -> Ground:
    """Read what the page stands on. What was withdrawn with its site waits on nobody."""
    over = {site.id for site in listed if site.stage == "withdrawn"}
    dated = deadlines.of_engagement(db.session, engagement.id)
    card = signing["requirements"]
    return Ground(
        engagement=engagement,
        actor=actor,
        now=now,
        calendar=calendar_of(engagement.time_zone, country, [now.date()]),
        site_names={site.id: site.name for site in listed},
        dated=[each for each in dated if each.site_id not in over],
        questions=[each for each in waiting.questions(db.session, engagement.id) if each.site_id not in over],
        must_sign=card.agreed_on is not None and card.signed_on is None,
    )


def _dates(ground: Ground) -> list[Shown]:
    """Every date, what is still to come before what is done; distances as the list above counts them."""
    named = people.people_named(db.session, dates.people_in(ground.dated))
    view = DateView(ground.engagement, ground.actor, ground.now, site_names=ground.site_names, people=named)
    rows = [_date_row(deadline, view, ground) for deadline in ground.dated]
    return sorted(rows, key=lambda row: bool(row.is_done))


def _date_row(deadline: Deadline, view: DateView, ground: Ground) -> Shown:
    row = dates.deadline_row(deadline, view)
    if row.is_live:
        row.relative = say_working_distance(deadline, ground)
    return row


def _sites(ground: Ground, listed: list[Site]) -> dict[str, Any]:
    """What they get and what is left, site by site; what was signed, and the hours that were logged last."""
    engagement_id = ground.engagement.id
    kept = budgets.of_engagement(db.session, engagement_id)
    items = waiting.scope(db.session, engagement_id)
    pool = next((budget for budget in kept if budget.site_id is None), None)
    states = present.CUSTOMER_ENTRY_STATES
    logged = entries.recent(db.session, ground.actor, engagement_id, states=states, limit=RECENT_ENTRIES)
    return {
        "sites": [_site(site, kept, items) for site in listed if site.stage != "withdrawn"],
        "for_all": scope_groups(item for item in items if item.site_id is None),
        "ps": present.ps_card(pool, budgets.blocks_of(db.session, engagement_id)),
        "signatures": [_signature(*each, ground) for each in waiting.signatures(db.session, engagement_id)],
        "entries": [present.entry_row(entry, person, site, ground.actor) for entry, person, site in logged],
    }


def _site(site: Site, kept: Iterable[Budget], items: Iterable[ScopeItem]) -> Shown:
    row = present.site_row(site, [budget for budget in kept if budget.site_id == site.id])
    row.scope = scope_groups(item for item in items if item.site_id == site.id)
    return row


def scope_groups(items: Iterable[ScopeItem]) -> list[Shown]:
    """What is included, extra, paid apart, out of scope with the way on, and open: each with its titles."""
    chosen = list(items)
    return [
        Shown(label=label, titles=titles)
        for decision, label in DECISIONS.items()
        if (titles := [_titled(item) for item in chosen if item.decision == decision])
    ]


def _titled(item: ScopeItem) -> str:
    way = ROUTES.get(item.route or "") if item.decision == Decision.OUT_OF_SCOPE else None
    return f"{item.title}: {way}" if way else item.title


def _signature(signature: Any, name: str, ground: Ground) -> Shown:
    on = say_day(ground.calendar.local_date(signature.signed_at))
    what = SUBJECTS.get(signature.subject, present.stage_label(signature.subject).capitalize())
    return Shown(what=f"{what}{_of_site(ground, signature.site_id)}", by=f"{name}, {on}")


def _channel_url(engagement: Engagement) -> str | None:
    """Where Slack opens the channel that both sides share."""
    return f"https://slack.com/app_redirect?channel={engagement.slack_channel}" if engagement.slack_channel else None


def _talk(ground: Ground) -> dict[str, Any]:
    """The latest update, what was said last, the kick-off's notes, and the links."""
    engagement, actor = ground.engagement, ground.actor
    said = comments.latest(db.session, actor, engagement.id)
    authors = people.people_named(db.session, {comment.author_id for comment in said})
    latest = updates.latest(db.session, actor, engagement.id)
    kept = links.of_engagement(db.session, actor, engagement.id)
    return {
        "update": update_row(latest, engagement.time_zone) if latest else None,
        "comments": [comment_row(each, authors, ground.site_names, actor, engagement.time_zone) for each in said],
        "kickoff": kickoff_card(kickoffs.of_engagement(db.session, actor, engagement.id), actor),
        "links": [link_row(link, ground.site_names, actor) for link in kept],
    }


@bp.post("/engagements/<uuid:engagement_id>/view-as-customer")
@allow(Permission.SEE_INTERNAL)
def look(engagement_id: UUID) -> ResponseReturnValue:
    """From now on, see everything as this engagement's customer does."""
    session[VIEW_AS] = str(engagements.get(db.session, current_actor(), engagement_id).id)
    return redirect(url_for("engagement.show", engagement_id=engagement_id), 303)


@bp.post("/view-as-customer/leave")
@allow(Permission.OWN_ACCOUNT)
@also_looking
def leave() -> ResponseReturnValue:
    """Back to one's own view, of the engagement that was looked at."""
    looked_at = session.pop(VIEW_AS, None)
    flash("This is your own view again.", "success")
    return redirect(url_for("engagement.show", engagement_id=UUID(looked_at)) if looked_at else "/", 303)
