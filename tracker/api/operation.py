"""The API's seam: a view's annotations say what it reads and answers; checking, units of work and OpenAPI follow from them.

A view that writes runs inside one `transaction()`, under its `Idempotency-Key` where one is sent.
"""

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar, get_type_hints
from uuid import UUID

from flask import Blueprint, Response, g, jsonify, request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from tracker.domain.access import Actor, Permission, Scope
from tracker.domain.errors import FieldError, Invalid, NotAllowed, NotFound, TooLarge
from tracker.edge.csv_file import CSV, CsvFile
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow, takes_up_to
from tracker.edge.work import work
from tracker.store.database import AnySession, db
from tracker.store.transaction import Repeated, RequestKey, Unit

Item = TypeVar("Item")
PAGE, LONGEST_PAGE = 50, 200


def _integral(value: Any) -> Any:
    """JSON knows no integers apart from numbers: 1.0 is one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_integral)]


class In(BaseModel):
    """What is sent to us: strict types, no unknown fields."""

    model_config = ConfigDict(strict=True, extra="forbid")


class Out(BaseModel):
    """What we answer."""

    model_config = ConfigDict(extra="forbid")


class Listing(Out, Generic[Item]):
    """One page of a list, and the cursor of the next; null at its end."""

    items: list[Item]
    next_cursor: str | None = None


class Query(BaseModel):
    """What may stand in the address behind the question mark."""

    model_config = ConfigDict(extra="forbid")


class PageQuery(Query):
    """Paging: how many, and from where."""

    limit: int = Field(PAGE, ge=1, le=LONGEST_PAGE)
    cursor: str | None = Field(None, max_length=200)


@dataclass(frozen=True)
class Call:
    """What every view is given."""

    session: AnySession
    actor: Actor
    now: datetime
    version: int | None


@dataclass(frozen=True)
class Operation:
    """One method on one path, as OpenAPI describes it."""

    method: str
    path: str
    view: Callable[..., Any]
    permission: Permission
    status: int
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    answer: type[BaseModel] | None
    edits: bool
    # The answer holds a secret that is shown once: it is not kept for a repeat.
    confidential: bool = False
    # The body is a file: it is read by this before the unit of work begins, and the view gets what was read.
    reads: "FileReader | None" = None
    # The answer is a file of this type instead of JSON.
    media_type: str | None = None


# Takes the bytes and the query. Raises Invalid, such as UnreadableFile.
FileReader = Callable[[bytes, Any], Any]


class Api:
    """A blueprint whose views are operations."""

    def __init__(self, name: str) -> None:
        self.blueprint = Blueprint(f"api_{name}", __name__, url_prefix="/api/v1")
        self.operations: list[Operation] = []

    def get(self, path: str, permission: Permission) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        return self._operation("GET", path, permission, 200)

    def post(
        self,
        path: str,
        permission: Permission,
        status: int = 201,
        *,
        confidential: bool = False,
        edits: bool = False,
        reads: FileReader | None = None,
        largest: int | None = None,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """`edits` takes If-Match: what is decided on is the version that was read.

        `reads` takes a file instead of JSON, of `largest` bytes where that is more than others may send.
        """
        return self._operation(
            "POST", path, permission, status, confidential=confidential, edits=edits, reads=reads, largest=largest
        )

    def patch(self, path: str, permission: Permission) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        return self._operation("PATCH", path, permission, 200, edits=True)

    def delete(self, path: str, permission: Permission) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        return self._operation("DELETE", path, permission, 204)

    def _operation(
        self,
        method: str,
        path: str,
        permission: Permission,
        status: int,
        *,
        confidential: bool = False,
        edits: bool = False,
        reads: FileReader | None = None,
        largest: int | None = None,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def register(view: Callable[..., Any]) -> Callable[..., Any]:
            hints = get_type_hints(view)
            body, query, answer = None if reads else hints.get("body"), hints.get("query"), hints.get("return")
            media_type = CSV if answer is CsvFile else None
            answer = answer if inspect.isclass(answer) and issubclass(answer, BaseModel) else None
            operation = Operation(
                method, path, view, permission, status, body, query, answer, edits, confidential, reads, media_type
            )
            self.operations.append(operation)

            def endpoint(**ids: UUID) -> Response:
                return _answer(operation, ids)

            endpoint.__name__ = view.__name__
            if largest is not None:
                takes_up_to(largest)(endpoint)
            self.blueprint.add_url_rule(path, view.__name__, allow(permission)(endpoint), methods=[method])
            return view

        return register


def _answer(operation: Operation, ids: Mapping[str, UUID]) -> Response:
    arguments: dict[str, Any] = dict(ids)
    if operation.query is not None:
        arguments["query"] = _read_query(operation.query)
    elif request.args:
        raise Invalid([FieldError(name, "This address takes no such parameter.") for name in request.args])
    if operation.body is not None:
        arguments["body"] = _read_body(operation.body)
    if operation.reads is not None:
        arguments["body"] = operation.reads(_file(), arguments.get("query"))
    call = Call(db.session, current_actor(), g.now, _version() if operation.edits else None)
    if operation.media_type is not None:
        file: CsvFile = operation.view(call, **arguments)
        return file.response()
    if operation.method == "GET":
        return _response(operation.status, _plain(operation.view(call, **arguments)))
    if call.actor.scope is Scope.READ:
        raise NotAllowed("This token may only read.")
    try:
        with work(None if operation.confidential else _request_key(call.actor)) as unit:
            return _carry_out(operation, call, arguments, unit)
    except Repeated as repeated:
        response = _response(repeated.response["status"], repeated.response["body"])
        response.headers["Idempotency-Replayed"] = "true"
        return response


def _carry_out(operation: Operation, call: Call, arguments: Mapping[str, Any], unit: Unit) -> Response:
    answer = _plain(operation.view(call, **arguments))
    unit.remember({"status": operation.status, "body": answer})
    return _response(operation.status, answer)


def _plain(answer: BaseModel | None) -> Any:
    return None if answer is None else answer.model_dump(mode="json")


def _response(status: int, body: Any) -> Response:
    if body is None:
        return Response(status=204)
    response = jsonify(body)
    response.status_code = status
    return response


def _request_key(actor: Actor) -> RequestKey | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= 200 or not key.isprintable():
        raise Invalid.at("Idempotency-Key", "Use 1 to 200 printable characters.")
    return RequestKey.of(f"api:{actor.person_id}", key, request.method, request.path, request.get_data())


def _version() -> int | None:
    text = request.headers.get("If-Match")
    if text is None:
        return None
    stripped = text.strip().strip('"')
    if not stripped.isascii() or not stripped.isdecimal() or len(stripped) > 9:
        raise Invalid.at("If-Match", "Send the version number of the resource as it was read.")
    return int(stripped)


def _read_body(model: type[BaseModel]) -> BaseModel:
    data = request.get_data()
    try:
        return _without_nul(model.model_validate_json(data or b"{}"))
    except ValidationError as error:
        raise Invalid(_field_errors(error)) from None


def _file() -> bytes:
    """The body as it was sent. Raises TooLarge before it is read."""
    try:
        return request.get_data()
    except RequestEntityTooLarge:
        most = (request.max_content_length or 0) // 1024**2
        raise TooLarge(f"This file is larger than {most} MB, which no such list is. Is it the right file?") from None


def _read_query(model: type[BaseModel]) -> BaseModel:
    try:
        return _without_nul(model.model_validate(request.args.to_dict()))
    except ValidationError as error:
        raise Invalid(_field_errors(error)) from None


def _without_nul(said: BaseModel) -> BaseModel:
    """Raises Invalid for a text with a NUL in it: no database of ours holds one, and no person types one."""
    fields = [field for field, text in _texts(said.model_dump(exclude_unset=True), "") if "\0" in text]
    if fields:
        raise Invalid([FieldError(field, "This text holds a character that cannot be kept (NUL).") for field in fields])
    return said


def _texts(value: Any, field: str) -> Iterator[tuple[str, str]]:
    """Every text in what was sent, and the name of its field."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, dict | list):
        for name, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(each, f"{field}.{name}".removeprefix("."))


SENTENCES = {
    "missing": "This field is required.",
    "extra_forbidden": "There is no such field.",
    "json_invalid": "The body is not valid JSON.",
    "model_type": "Send a JSON object.",
    "string_type": "Write text.",
    "int_type": "Write a whole number.",
    "bool_type": "Write true or false.",
    "date_parsing": "Write a day like 2026-11-20.",
    "date_from_datetime_parsing": "Write a day like 2026-11-20.",
    "date_type": "Write a day like 2026-11-20.",
    "datetime_parsing": "Write a moment with its offset, like 2026-11-20T16:00:00+01:00.",
    "datetime_from_date_parsing": "Write a moment with its offset, like 2026-11-20T16:00:00+01:00.",
    "timezone_aware": "Say in which zone: write the moment with its offset, like 2026-11-20T16:00:00+01:00.",
    "uuid_parsing": "That is not an id.",
    "uuid_type": "That is not an id.",
}


def _field_errors(error: ValidationError) -> list[FieldError]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        FieldError(
            ".".join(str(part) for part in each["loc"]),
            SENTENCES.get(each["type"], each["msg"].removeprefix("Value error, ")),
        )
        for each in found
    ]


def id_cursor(text: str | None) -> UUID | None:
    """Read a cursor that is an id. Raises Invalid at `cursor`."""
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise Invalid.at("cursor", "That is not a cursor of this list.") from None


def page_of(items: Sequence[Item], query: PageQuery, key: Callable[[Item], UUID]) -> Listing[Item]:
    """One page of a list that is always short, such as the members of an engagement. Raises Invalid at `cursor`."""
    start, after = 0, id_cursor(query.cursor)
    if after is not None:
        places = [place for place, item in enumerate(items) if key(item) == after]
        if not places:
            raise Invalid.at("cursor", "That is not a cursor of this list.")
        start = places[0] + 1
    shown = list(items[start : start + query.limit])
    more = len(items) > start + query.limit
    return Listing(items=shown, next_cursor=str(key(shown[-1])) if more else None)


def one_of(field: str, text: str | None, known: Collection[str]) -> str | None:
    """Read a filter that knows certain words. Raises Invalid at the field for another one."""
    if text is not None and text not in known:
        raise Invalid.at(field, f"Choose one of: {', '.join(known)}.")
    return text


def found(thing: Item | None) -> Item:
    """Raises NotFound for nothing."""
    if thing is None:
        raise NotFound
    return thing
