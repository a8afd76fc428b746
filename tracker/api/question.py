"""Questions around an engagement."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from tracker.api.operation import LONGEST_PAGE, Api, Call, In, Listing, Out, PageQuery, id_cursor, one_of
from tracker.domain.access import Permission
from tracker.services import question as service
from tracker.services.question import QuestionChange, QuestionSpec
from tracker.store import question as questions
from tracker.store.question import STATES, Question

api = Api("question")


class QuestionIn(In):
    text: str = Field(max_length=4000)
    side: str = Field("customer", description="customer or team: who is asked")
    site_id: UUID | None = None
    owner_id: UUID | None = None
    due_on: date | None = None


class QuestionPatch(In):
    answer: str | None = Field(None, description="To a question about a fact: its value, such as yes, or the word of a choice.")
    owner_id: UUID | None = None
    due_on: date | None = None
    state: str | None = Field(None, description="withdrawn, by the team")


class QuestionOut(Out):
    id: UUID
    engagement_id: UUID
    site_id: UUID | None
    version: int
    text: str
    fact: str | None
    side: str
    owner_id: UUID | None
    due_on: date | None
    state: str
    asked_by: UUID | None
    asked_at: datetime
    answer: str | None
    answered_by: UUID | None
    answered_at: datetime | None


class QuestionQuery(PageQuery):
    limit: int = Field(LONGEST_PAGE, ge=1, le=LONGEST_PAGE)
    state: str | None = Field(None, description="open, answered or withdrawn")


def question_out(question: Question) -> QuestionOut:
    return QuestionOut(**{name: getattr(question, name) for name in QuestionOut.model_fields})


@api.get("/engagements/<uuid:engagement_id>/questions", Permission.SEE_ENGAGEMENTS)
def list_questions(call: Call, engagement_id: UUID, query: QuestionQuery) -> Listing[QuestionOut]:
    """The questions of an engagement, in the order in which they were asked."""
    state = one_of("state", query.state, STATES)
    rows = questions.page(
        call.session,
        engagement_id,
        states=[state] if state else STATES,
        after=id_cursor(query.cursor),
        limit=query.limit + 1,
    )
    items = [question_out(row) for row in rows[: query.limit]]
    return Listing(items=items, next_cursor=str(items[-1].id) if len(rows) > query.limit else None)


@api.post("/engagements/<uuid:engagement_id>/questions", Permission.ANSWER)
def ask_question(call: Call, engagement_id: UUID, body: QuestionIn) -> QuestionOut:
    """Ask something, of the customer or of the team."""
    spec = QuestionSpec(**body.model_dump())
    return question_out(service.ask(call.session, call.actor, engagement_id, spec, now=call.now))


@api.get("/questions/<uuid:question_id>", Permission.SEE_ENGAGEMENTS)
def get_question(call: Call, question_id: UUID) -> QuestionOut:
    """One question."""
    return question_out(questions.get(call.session, call.actor, question_id)[0])


@api.patch("/questions/<uuid:question_id>", Permission.ANSWER)
def change_question(call: Call, question_id: UUID, body: QuestionPatch) -> QuestionOut:
    """Answer a question; the team also hands it to somebody, moves its day, or withdraws it.

    The answer to a question about a fact becomes the fact. A closed question answers 409 `guard`.
    """
    change = QuestionChange({name: getattr(body, name) for name in body.model_fields_set}, call.version)
    return question_out(service.change_question(call.session, call.actor, question_id, change, now=call.now))
