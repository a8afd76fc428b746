"""The API's description is valid, and what the API does is what it describes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance, unsupported_method

from tests.conftest import settings_for
from tests.factories import make_person, make_token
from tracker import layout
from tracker.api.operation import Operation
from tracker.api.routes import APIS
from tracker.app import create_app
from tracker.store import schema
from tracker.store.database import db

EXAMPLES = 15
OPERATIONS = [operation for each in APIS for operation in each.operations]


def test_the_description_is_valid_openapi(app: Flask) -> None:
    document: Any = app.test_client().get("/api/v1/openapi.json").json
    assert document["openapi"] == "3.1.0"
    validate(document)
    described = {(path, method.upper()) for path, item in document["paths"].items() for method in item}
    served = {
        (rule.rule.replace("<uuid:", "{").replace(">", "}"), method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/v1/") and rule.endpoint != "api.openapi"
    }
    assert described == served


@dataclass(frozen=True)
class Described:
    """The API on SQLite, its description as schemathesis reads it, and an administrator's token."""

    schema: Any
    token: str


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Described]:
    """An application of its own, for requests that are made up."""
    app = create_app(settings_for(tmp_path_factory.mktemp("tried")))
    with app.app_context():
        schema.upgrade(db.engine, layout.folder("migrations"))
        token = make_token(make_person("admin"))
        db.session.remove()
    yield Described(schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app), token)
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: f"{operation.method} {operation.path}")
def test_the_api_does_what_it_describes(described: Described, operation: Operation) -> None:
    path = re.sub(r"<uuid:(\w+)>", r"{\1}", f"/api/v1{operation.path}")
    made_up = described.schema[path][operation.method]

    @given(case=made_up.as_strategy() | made_up.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def holds(case: Any) -> None:
        case.call_and_validate(
            headers={"Authorization": f"Bearer {described.token}"},
            excluded_checks=[positive_data_acceptance, unsupported_method],
        )

    holds()
