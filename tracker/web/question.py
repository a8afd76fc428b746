"""Questions: all of an engagement, asked and answered in place."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import DateField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.fact import EVERY_FACT
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import question as service
from tracker.services.question import QuestionChange, QuestionSpec
from tracker.store import engagement as engagements
from tracker.store import person as people
from tracker.store import question as questions
from tracker.store import site as sites
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.question import Question
from tracker.web import present, section
from tracker.web import site as site_pages
from tracker.web.filters import say_day, say_distance
from tracker.web.form import Form, save
from tracker.web.present import Shown, choices

bp = Blueprint("question", __name__)
SIDE_LABELS = {"customer": "Customer", "team": "Team"}
WAITING = {"customer": "Waiting on the customer", "team": "Waiting on the team"}
SETTLED_SHOWN = 50
SOON_DAYS = 3


class AskForm(Form):
    text = TextAreaField("Question", [InputRequired("Write the question."), Length(max=1000)])
    side = SelectField("Who is asked", choices=choices(SIDE_LABELS))
    site_id = SelectField("Site", [Optional()])
    owner_id = SelectField("Who answers", [Optional()])
    due_on = DateField("Answer by", [Optional()])

    def offer(self, engagement: Engagement) -> None:
        """The engagement's sites and its people."""
        offer_site_and_owner(self, engagement)

    def spec(self) -> QuestionSpec:
        """The question as it was typed."""
        return QuestionSpec(
            text=self.text.data or "",
            side=self.side.data,
            site_id=UUID(self.site_id.data) if self.site_id.data else None,
            owner_id=UUID(self.owner_id.data) if self.owner_id.data else None,
            due_on=self.due_on.data,
        )


class AnswerForm(Form):
    answer = StringField("Answer", [InputRequired("Write the answer."), Length(max=2000)])


class AssignForm(Form):
    owner_id = SelectField("Who answers", [Optional()])
    due_on = DateField("Answer by", [Optional()])

    def change(self) -> QuestionChange:
        """Who and when, as it was chosen."""
        owner = UUID(self.owner_id.data) if self.owner_id.data else None
        return QuestionChange({"owner_id": owner, "due_on": self.due_on.data}, self.edited_version())


def offer_site_and_owner(form: Form, engagement: Engagement) -> None:
    """Fill in the selects of a form that names a site and a person of an engagement."""
    if "site_id" in form:
        listed = {str(site.id): site.name for site in sites.of_engagement(db.session, engagement.id) if site.stage != "withdrawn"}
        form["site_id"].choices = choices(listed, "The whole engagement")
    named = {str(person.id): person.name for person in engagements.everybody_on(db.session, engagement)}
    form["owner_id"].choices = choices(named, "Nobody in particular")


@dataclass(frozen=True)
class QuestionView:
    """What the questions of one engagement are shown by."""

    engagement: Engagement
    actor: Actor
    now: datetime
    site_names: Mapping[UUID, str] = field(default_factory=dict)
    people: Mapping[UUID, str] = field(default_factory=dict)
    refused: Mapping[UUID, Form] = field(default_factory=dict)

    @property
    def today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.engagement.time_zone)).date()


def people_in(asked: Iterable[Question]) -> set[UUID]:
    """Everybody whom questions name."""
    return {who for each in asked for who in (each.owner_id, each.asked_by, each.answered_by) if who is not None}


def question_row(question: Question, view: QuestionView) -> Shown:
    """One question with what can be done about it."""
    may_work, of_team = view.actor.may(Permission.WORK_ON_SITES), question.side == "team" and question.fact is not None
    may_answer = view.actor.may(Permission.EDIT_ENGAGEMENT if of_team else Permission.ANSWER)
    base, is_open = f"/questions/{question.id}", question.state == "open"
    owner = view.people.get(question.owner_id) if question.owner_id else None
    return Shown(
        id=question.id,
        text=question.text,
        site_name=view.site_names.get(question.site_id) if question.site_id else None,
        side=question.side,
        side_label=SIDE_LABELS[question.side],
        owner=owner,
        due=say_due(question.due_on, view.today) if is_open else None,
        tone=due_tone(question.due_on, view.today),
        kind=EVERY_FACT[question.fact].kind if question.fact else "free",
        choices=answers_of(question),
        state=question.state,
        answer=question.answer,
        settled=_say_settled(question, view),
        version=question.version,
        refused=view.refused.get(question.id),
        answer_url=f"{base}/answer" if is_open and may_answer else None,
        assign_url=f"{base}/assign" if is_open and may_work else None,
        withdraw_url=f"{base}/withdraw" if is_open and may_work and question.fact is None else None,
    )


def answers_of(question: Question) -> dict[str, str]:
    """What may be chosen; empty where the answer is written."""
    if question.fact is None:
        return {}
    fact = EVERY_FACT[question.fact]
    return {"yes": "Yes", "no": "No"} if fact.kind == "yes_no" else dict(fact.choices)


def say_due(day: date | None, today: date) -> str | None:
    """By when something is due, with the distance."""
    return f"{say_day(day)}, {say_distance(day, today)}" if day else None


def due_tone(day: date | None, today: date) -> str | None:
    """Red for today and late, amber for what comes close."""
    if day is None or (day - today).days > SOON_DAYS:
        return None
    return "red" if day <= today else "amber"


def _say_settled(question: Question, view: QuestionView) -> str | None:
    if question.answered_at is None:
        return None
    who = view.people.get(question.answered_by) if question.answered_by else None
    return ", ".join(filter(None, [who, say_day(question.answered_at.astimezone(ZoneInfo(view.engagement.time_zone)).date())]))


@bp.get("/engagements/<uuid:engagement_id>/questions")
@allow(Permission.SEE_ENGAGEMENTS)
def show(engagement_id: UUID) -> str:
    """The questions of an engagement."""
    return questions_page(engagement_id)


@bp.post("/engagements/<uuid:engagement_id>/questions")
@allow(Permission.ANSWER)
def ask(engagement_id: UUID) -> ResponseReturnValue:
    """Ask something."""
    actor = current_actor()
    form = AskForm()
    form.offer(engagements.get(db.session, actor, engagement_id))
    asked = save(form, lambda: service.ask(db.session, actor, engagement_id, form.spec(), now=utc_now()), home_of)
    if asked is not None:
        flash("The question is asked.", "success")
        return asked
    return questions_page(engagement_id, form), form.status


def home_of(question: Question) -> str:
    """Where a question stands."""
    return url_for("question.show", engagement_id=question.engagement_id)


@bp.post("/questions/<uuid:question_id>/answer")
@allow(Permission.ANSWER)
def answer(question_id: UUID) -> ResponseReturnValue:
    """Answer a question."""
    form = AnswerForm()
    said = {"answer": form.answer.data or ""}
    return _change(form, question_id, lambda: QuestionChange(said, form.edited_version()), "Thank you for the answer.")


@bp.post("/questions/<uuid:question_id>/withdraw")
@allow(Permission.WORK_ON_SITES)
def withdraw(question_id: UUID) -> ResponseReturnValue:
    """Withdraw a question."""
    form = Form()
    change = QuestionChange({"state": "withdrawn"}, form.edited_version())
    return _change(form, question_id, lambda: change, "The question is withdrawn.")


def _change(form: Form, question_id: UUID, change: Callable[[], QuestionChange], told: str) -> ResponseReturnValue:
    actor = current_actor()
    saved = save(form, lambda: service.change_question(db.session, actor, question_id, change(), now=utc_now()), home_of)
    if saved is not None:
        flash(told, "success")
        return saved
    found, _engagement = questions.get(db.session, actor, question_id)
    return questions_page(found.engagement_id, refused={question_id: form}), form.status


def questions_page(engagement_id: UUID, form: AskForm | None = None, refused: Mapping[UUID, Form] | None = None) -> str:
    """All questions, the open ones first, also with what was refused. A fixed number of statements."""
    actor = current_actor()
    engagement = engagements.get(db.session, actor, engagement_id)
    if form is None:
        form = AskForm(formdata=None)
        form.offer(engagement)
    asked = questions.open_of(db.session, engagement_id)
    settled = questions.settled_of(db.session, engagement_id, limit=SETTLED_SHOWN)
    both = [*asked, *settled]
    view = QuestionView(
        engagement,
        actor,
        utc_now(),
        site_names=sites.names_of(db.session, {each.site_id for each in both if each.site_id}),
        people=people.people_named(db.session, people_in(both)),
        refused=refused or {},
    )
    return render_template(
        "question/questions.html",
        nav_current="portfolio",
        section_rows=section.of_engagement(actor, engagement_id, "questions"),
        engagement=site_pages.head_of(engagement),
        form=form,
        groups=[(label, [question_row(each, view) for each in asked if each.side == side]) for side, label in WAITING.items()],
        settled=[question_row(each, view) for each in settled],
    )


@bp.route("/questions/<uuid:question_id>/assign", methods=["GET", "POST"])
@allow(Permission.WORK_ON_SITES)
def assign(question_id: UUID) -> ResponseReturnValue:
    """Say who answers, and by when."""
    actor = current_actor()
    question, engagement = questions.get(db.session, actor, question_id)
    form = AssignForm(data=shown_values(question) | {"version": question.version})
    offer_site_and_owner(form, engagement)
    saved = save(form, lambda: service.change_question(db.session, actor, question_id, form.change(), now=utc_now()), home_of)
    if saved is not None:
        flash("Noted who answers, and by when.", "success")
        return saved
    question, engagement = questions.get(db.session, actor, question_id)
    if form.status == 409:
        form.version.data = str(question.version)
        present.show_current(form, shown_values(question))
    head, back = site_pages.head_of(engagement), home_of(question)
    page = render_template(
        "question/assign.html", nav_current="portfolio", form=form, text=question.text, engagement=head, back_url=back
    )
    return page, form.status


def shown_values(question: Question) -> dict[str, object]:
    """What the form shows of a question."""
    return {"owner_id": str(question.owner_id) if question.owner_id else "", "due_on": question.due_on}
