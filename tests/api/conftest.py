"""A program that talks to the API."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.factories import make_person, make_token
from tracker.store.person import Person

Ask = Callable[..., TestResponse]


@pytest.fixture
def asking(app: Flask) -> Callable[[Person], Ask]:
    """Ask the API as somebody."""

    def as_person(person: Person, scope: str = "admin", **over: Any) -> Ask:
        token = make_token(person, scope, **over)
        client = app.test_client()

        def ask(method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return client.open(f"/api/v1{path}", method=method, json=body, headers={"Authorization": f"Bearer {token}"} | named)

        return ask

    return as_person


@pytest.fixture
def ask(asking: Callable[[Person], Ask]) -> Ask:
    """Ask the API as an administrator."""
    return asking(make_person("admin"))
