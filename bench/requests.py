"""The requests that are sent, whole and in bytes, so that a client spends its time on sending them."""

import json
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask

from bench.databases import Pair
from bench.shape import ITEMS, SPAN, STAFF
from bench.yardstick_seed import key_of

MANY = 4000  # different requests of a kind; a load sends any of them
LONGEST_MINUTES = 60
PS_SHARE = 0.25


def get(path: str, header: str | None = None) -> bytes:
    """A request that reads, with the header that says who is asking."""
    who = f"{header}\r\n" if header else ""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{who}\r\n".encode()


def post(path: str, header: str, body: dict[str, Any]) -> bytes:
    """A request that writes."""
    text = json.dumps(body)
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{header}\r\nContent-Type: application/json\r\nContent-Length: {len(text)}"
    return f"{head}\r\n\r\n{text}".encode()


def cookie_of(app: Flask, secret: str) -> str:
    """The header of a browser in which somebody is signed in."""
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    assert serializer is not None
    return f"Cookie: {app.config['SESSION_COOKIE_NAME']}={serializer.dumps({'session': secret})}"


def _many(make: Callable[[random.Random], bytes]) -> list[bytes]:
    chance = random.Random(MANY)  # noqa: S311 -- to be run again, not to be secret
    return [make(chance) for _ in range(MANY)]


def entries(pair: Pair) -> list[bytes]:
    """Time on any site of any engagement by anybody of those who work on it, on any day of the last year."""

    def one(chance: random.Random) -> bytes:
        place = chance.choice(pair.world.places)
        paid = {"kind": "ps", "ps_kind": "custom-upstream"}
        if chance.random() >= PS_SHARE:
            paid = {"kind": "known_incompatibility", "activity": "research"}
        body = {"site_id": str(chance.choice(place.site_ids)), **_work(pair, chance), **paid}
        return post("/api/v1/time-entries", f"Authorization: Bearer {chance.choice(place.tokens)}", body)

    return _many(one)


def checked(pair: Pair) -> list[bytes]:
    """The same of the yardstick."""

    def one(chance: random.Random) -> bytes:
        number = chance.randrange(pair.shape.engagements)
        about = {"engagement_id": number + 1, "item_id": number * ITEMS + chance.randrange(ITEMS) + 1}
        return post("/checked", f"X-Api-Key: {key_of(chance.randrange(STAFF))}", about | _work(pair, chance))

    return _many(one)


def _work(pair: Pair, chance: random.Random) -> dict[str, Any]:
    day = pair.shape.today - timedelta(days=chance.randrange(SPAN))
    minutes = chance.randint(1, LONGEST_MINUTES)
    return {"worked_on": day.isoformat(), "minutes": minutes, "note": "Found the cause, wrote it down."}


def yardstick_pages(pair: Pair) -> list[bytes]:
    return _many(lambda chance: get(f"/page/{chance.randrange(pair.shape.engagements) + 1}"))


def yardstick_portfolios(pair: Pair) -> list[bytes]:
    """Any page of fifty."""
    return _many(lambda chance: get(f"/portfolio?after={chance.randrange(max(1, pair.shape.engagements - 50))}"))
