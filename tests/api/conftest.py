"""A program that talks to the API."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from tests.factories import make_person, make_token
from tracker.store.person import Person


@dataclass(frozen=True)
class Answer:
    """What the API answered."""

    status_code: int
    json: Any
    headers: dict[str, str]


Ask = Callable[..., Answer]
Asking = Callable[..., Ask]


@pytest.fixture
def asking(app: Flask) -> Callable[[Person], Ask]:
    """Ask the API as somebody."""

    def as_person(person: Person, scope: str = "admin", **over: Any) -> Ask:
        token = make_token(person, scope, **over)
        client = app.test_client()

        def ask(method: str, path: str, body: Any = None, **headers: str) -> Answer:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            named["Authorization"] = f"Bearer {token}"
            sent = {"data": body} if isinstance(body, bytes) else {"json": body}
            answer = client.open(f"/api/v1{path}", method=method, headers=named, **sent)
            return Answer(answer.status_code, answer.json if answer.is_json else None, dict(answer.headers))

        return ask

    return as_person


@pytest.fixture
def ask(asking: Callable[[Person], Ask]) -> Ask:
    """Ask the API as an administrator."""
    return asking(make_person("admin"))
