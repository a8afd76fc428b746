"""The OpenAPI 3.1 document, made from the operations' own annotations."""

import inspect
import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from tracker.api.operation import Operation

TITLE, VERSION = "Engagement tracker", "1"
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence for a person."},
        "code": {"type": "string", "description": "Stable; for programs."},
        "errors": {
            "type": "array",
            "items": {"type": "object", "properties": {"field": {"type": "string"}, "message": {"type": "string"}}},
        },
    },
}
FAULTS = {
    "401": "Nobody we know is asking.",
    "403": "Not permitted.",
    "404": "Not there, or not yours to know of.",
    "422": "What was sent cannot be used.",
}
WRITE_FAULTS = {
    "409": "A rule forbids it now, or somebody else changed it meanwhile.",
    "413": "More was sent than is read.",
    "503": "The database is away, locked or full; nothing was changed.",
}


def describe(operations: Iterable[Operation], base_url: str) -> dict[str, Any]:
    """The whole document."""
    every = list(operations)
    models: list[type[BaseModel]] = []
    for operation in every:
        models += [model for model in (operation.body, operation.answer) if model is not None and model not in models]
    keys, schemas = models_json_schema([(model, "validation") for model in models], ref_template="#/components/schemas/{model}")
    refs = {model: keys[model, "validation"] for model in models}
    paths: dict[str, dict[str, Any]] = {}
    for operation in every:
        path = re.sub(r"<uuid:(\w+)>", r"{\1}", operation.path)
        paths.setdefault(f"/api/v1{path}", {})[operation.method.lower()] = _operation(operation, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": VERSION,
            "description": "Times in UTC, durations in whole minutes, days as dates.",
        },
        "servers": [{"url": base_url}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas.get("$defs", {}) | {"Problem": PROBLEM},
        },
    }


def _operation(operation: Operation, refs: dict[type[BaseModel], Any]) -> dict[str, Any]:
    said = inspect.getdoc(operation.view) or operation.view.__name__
    described: dict[str, Any] = {
        "operationId": operation.view.__name__,
        "summary": said.split("\n")[0],
        "description": said,
        "parameters": _parameters(operation),
        "responses": _responses(operation, refs),
    }
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": refs[operation.body]}}}
    if operation.reads is not None:
        file = {"schema": {"type": "string", "format": "binary", "minLength": 1}}
        described["requestBody"] = {"required": True, "content": {"application/octet-stream": file}}
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
        for name in re.findall(r"<uuid:(\w+)>", operation.path)
    ]
    if operation.query is not None:
        # What a query refers to stands in its own description: it is short, and named nowhere else.
        schema = _without_refs(operation.query.model_json_schema())
        required = schema.get("required", [])
        parameters += [
            {"name": name, "in": "query", "required": name in required, "schema": each}
            for name, each in schema["properties"].items()
        ]
    if operation.method != "GET":
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "maxLength": 200},
            }
        )
    if operation.edits:
        parameters.append({"name": "If-Match", "in": "header", "required": False, "schema": {"type": "string"}})
    return parameters


def _responses(operation: Operation, refs: dict[type[BaseModel], Any]) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done." if operation.method != "GET" else "Found."}
    if operation.answer is not None:
        good["content"] = {"application/json": {"schema": refs[operation.answer]}}
    if operation.media_type is not None:
        good["content"] = {operation.media_type: {"schema": {"type": "string"}}}
    responses = {str(operation.status): good}
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status, meaning in (FAULTS | ({} if operation.method == "GET" else WRITE_FAULTS)).items():
        responses[status] = {"description": meaning, "content": problem}
    return responses


def _without_refs(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema whose definitions stand where they are used; they do not refer to each other."""
    defined = schema.pop("$defs", {})

    def put(part: Any) -> Any:
        if isinstance(part, list):
            return [put(each) for each in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return defined[part["$ref"].rpartition("/")[2]]
        return {name: put(each) for name, each in part.items()}

    placed: dict[str, Any] = put(schema)
    return placed
