"""Ask, answer and withdraw questions. The answer to one about a fact becomes the fact, and the scope follows."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.deadline import check_day
from tracker.domain.errors import EditedMeanwhile, FieldError, Guard, Invalid, NotAllowed
from tracker.domain.fact import COLUMN_FACTS, read_answer
from tracker.domain.text import TextError, read_text
from tracker.services.scoping import consider, hold, put_facts
from tracker.store import audit
from tracker.store import engagement as engagements
from tracker.store import question as questions
from tracker.store import site as sites
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.question import SIDES, STATES, Question

TEXT_LENGTH, ANSWER_LENGTH = 1000, 2000
NOBODY = "Choose somebody who works on this engagement, or nobody."


@dataclass(frozen=True)
class QuestionSpec:
    """A question as it is asked."""

    text: str
    side: str = "customer"
    site_id: UUID | None = None
    owner_id: UUID | None = None
    due_on: date | None = None


def ask(session: AnySession, actor: Actor, engagement_id: UUID, spec: QuestionSpec, *, now: datetime) -> Question:
    """Ask something. Raises NotFound, NotAllowed, and Invalid at the field."""
    engagement = engagements.get(session, actor, engagement_id)
    actor.must(Permission.ANSWER)
    if spec.side not in SIDES:
        raise Invalid.at("side", f"Choose one of: {', '.join(SIDES)}.")
    if spec.site_id is not None and sites.get(session, actor, spec.site_id).engagement_id != engagement_id:
        raise Invalid.at("site_id", "That site belongs to another engagement.")
    _check_owner(session, engagement, spec.owner_id)
    check_day("due_on", spec.due_on)
    question = Question(
        engagement_id=engagement_id,
        site_id=spec.site_id,
        text=_read("text", spec.text, TEXT_LENGTH, "Write the question."),
        side=spec.side,
        owner_id=spec.owner_id,
        due_on=spec.due_on,
        asked_by=actor.person_id,
        asked_at=now,
    )
    session.add(question)
    session.flush()
    audit.record(session, actor, engagement_id, "question.asked", ("question", question.id), {"text": question.text})
    return question


@dataclass(frozen=True)
class QuestionChange:
    """What is to change of `answer, owner_id, due_on, state`; what is not named stays."""

    values: dict[str, Any]
    version: int | None = None


def change_question(session: AnySession, actor: Actor, question_id: UUID, change: QuestionChange, *, now: datetime) -> Question:
    """Answer a question, hand it to somebody, move its day, or withdraw it.

    Raises NotFound, NotAllowed, EditedMeanwhile, Guard for one that is closed, and Invalid at the field.
    """
    question, engagement = questions.get(session, actor, question_id)
    values = change.values
    actor.must(Permission.ANSWER)
    if (set(values) & {"owner_id", "due_on"} or values.get("state") == "withdrawn") and not actor.may(Permission.WORK_ON_SITES):
        raise NotAllowed("The team says who answers and by when.")
    hold(session, engagement, question)
    if change.version is not None and change.version != question.version:
        raise EditedMeanwhile
    if not values:
        return question
    if question.state != "open":
        raise Guard("This question is closed. Ask anew, or change the fact itself.", rule="question_open", missing=["open"])
    _assign(session, engagement, question, values)
    _settle(session, actor, engagement, question, values, now)
    session.flush()
    audit.record(session, actor, question.engagement_id, "question.changed", ("question", question.id), _say(question))
    return question


def _assign(session: AnySession, engagement: Engagement, question: Question, values: dict[str, Any]) -> None:
    if "owner_id" in values:
        _check_owner(session, engagement, values["owner_id"])
        question.owner_id = values["owner_id"]
    if "due_on" in values:
        check_day("due_on", values["due_on"])
        question.due_on = values["due_on"]
    question.version += 1


def _settle(
    session: AnySession, actor: Actor, engagement: Engagement, question: Question, values: dict[str, Any], now: datetime
) -> None:
    state = values.get("state") or ("answered" if values.get("answer") is not None else "open")
    if state not in STATES:
        raise Invalid.at("state", f"Choose one of: {', '.join(STATES)}.")
    if state == "withdrawn":
        if question.fact is not None:
            raise Guard(
                "The scope waits for this answer. Decide the items that wait for it, and the question closes by itself.",
                rule="fact_needed",
                missing=[question.fact],
            )
        question.state = "withdrawn"
    elif state == "answered":
        answer = _read("answer", values.get("answer") or "", ANSWER_LENGTH, "Write the answer.")
        if question.fact is None:
            question.state, question.answer = "answered", answer
            question.answered_by, question.answered_at = actor.person_id, now
        else:
            _answer_fact(session, actor, engagement, question, answer, now)


def _answer_fact(
    session: AnySession, actor: Actor, engagement: Engagement, question: Question, answer: str, now: datetime
) -> None:
    """The answer becomes the fact; that closes the question, and decides what waited for it."""
    assert question.fact is not None
    assert question.site_id is not None
    if question.fact in COLUMN_FACTS and question.side == "team" and not actor.may(Permission.EDIT_ENGAGEMENT):
        raise NotAllowed("Plan and code base are settled by the team.")
    site = sites.get(session, actor, question.site_id)
    hold(session, engagement, site)
    said = {question.fact: read_answer(question.fact, answer)}
    put_facts(site, actor, said, source="question", now=now)
    site.version += 1
    session.flush()
    audit.record(session, actor, site.engagement_id, "site.facts_answered", ("site", site.id), said)
    consider(session, engagement, site, now=now)


def _check_owner(session: AnySession, engagement: Engagement, owner_id: UUID | None) -> None:
    if owner_id is not None and engagements.somebody_on(session, engagement, owner_id) is None:
        raise Invalid.at("owner_id", NOBODY)


def _read(field: str, text: str, longest: int, empty: str) -> str:
    try:
        read = read_text(text, longest)
    except TextError as error:
        raise Invalid([FieldError(field, error.message)]) from None
    if not read:
        raise Invalid.at(field, empty)
    return read


def _say(question: Question) -> dict[str, object]:
    return {name: getattr(question, name) for name in ("state", "answer", "owner_id", "due_on", "fact")}
