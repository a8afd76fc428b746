"""The ambiguity matrix: each fault and each error of Slack's, for a post and for a look, and the state that follows from it.

The states are those of docs/rules/delivery.md, "Classes", written down here once more: the table must not follow the program.
"""

import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

import sqlalchemy as sa

from tests.slack_double.faults import SCHEDULED_KINDS, FaultKind
from tests.slack_double.workspace import TOKEN
from tests.storm.scenes import POLL_SECONDS, Stage, crew
from tracker.clock import utc_now
from tracker.domain.notice import Post
from tracker.edge.work import work
from tracker.jobs import step
from tracker.jobs.step import Delivery
from tracker.services import delivery
from tracker.slack import outcome
from tracker.slack.blocks import render
from tracker.slack.sender import SlackSender
from tracker.store.database import db
from tracker.store.notice import OutboxNotice

POST, HISTORY = "chat.postMessage", "conversations.history"
WAIT = 1.0  # seconds, instead of thirty, after which is tried again what never arrived
CERTAIN = {FaultKind.RATE_LIMITED: "ready", FaultKind.ACCEPT_DRIP: "sent"}
ERRORS = {
    "ready": (
        "ratelimited", "rate_limited", "request_timeout",
        "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope",
        "app_access_restricted", "two_factor_setup_required", "org_login_required", "team_added_to_org",
        "enterprise_is_restricted", "message_limit_exceeded",
    ),
    "parked": (
        "channel_not_found", "not_in_channel", "is_archived", "no_permission", "ekm_access_denied", "restricted_action",
        "restricted_action_read_only_channel", "messages_tab_disabled",
    ),
    "dead": (
        "invalid_blocks", "invalid_blocks_format", "msg_too_long", "msg_blocks_too_long", "no_text", "too_many_attachments",
        "metadata_too_large", "invalid_metadata_format", "invalid_metadata_schema", "markdown_text_conflict",
    ),
    "unknown": ("fatal_error", "internal_error", "service_unavailable", "duplicate_channel_not_found", "never_heard_of"),
}  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One fault, and the state in which its notice stands afterwards."""

    name: str
    fault: dict[str, Any]
    state: str


CELLS = (
    *(Cell(kind, {"kind": kind}, CERTAIN.get(kind, "unknown")) for kind in SCHEDULED_KINDS),
    *(Cell(error, {"kind": FaultKind.API_ERROR, "error": error}, state) for state, errors in ERRORS.items() for error in errors),
)


def matrix(stage: Stage) -> None:
    """Each cell has a channel and a notice; all are on the wire at once, and in the end each is told once or not at all."""
    assert stage.storm.notices == stage.storm.channels == len(CELLS)
    outcome.RETRY_SECONDS = WAIT  # The workers are forked from here, and take it along.
    for number, cell in enumerate(CELLS):
        stage.slack.push(**cell.fault, method=POST, channel=f"C{number}")
    with stage.app.app_context():
        found = send_all(stage)
        wrong = [f"{cell.name}: {found[f'C{number}']}" for number, cell in enumerate(CELLS) if found[f"C{number}"] != cell.state]
        requests = Counter(entry["channel"] for entry in stage.slack.log() if entry["method"] == POST and entry["channel"])
        wrong += look_at_all(stage)
        db.session.remove()
        db.engine.dispose()
    with crew(stage):
        while stage.goes_on():
            time.sleep(POLL_SECONDS)
    stage.slack.wait_until_settled(seconds=20)
    stage.counted |= settled(stage) | {
        "cells": len(CELLS),
        "wrong": wrong,
        "most_requests_of_a_call": max(requests.values()),
        "requests": requests.total(),
    }


def send_all(stage: Stage) -> dict[str, str]:
    """Claim everything, send it all at once, settle it; the states by channel."""
    sender = sender_of(stage)
    worker = Delivery(sender, partial(render, base_url="http://localhost"), step.timing_of(stage.settings), "matrix")
    step.plan(utc_now())
    claims = []
    while (claim := step.claim(worker)) is not None:
        claims.append(claim)
    posts: Iterable[Post] = [each.post for each in claims]
    with ThreadPoolExecutor(len(claims)) as pool:
        answers = list(pool.map(sender.send, posts))
    for claim, answer in zip(claims, answers, strict=True):
        with work():
            delivery.settle(db.session, claim, answer, worker.timing, Random(0), now=utc_now())  # noqa: S311 -- jitter
    query = sa.select(OutboxNotice.channel, OutboxNotice.state, OutboxNotice.plain)
    # Blocks that Slack refuses are said once more in plain text; only what it then refuses as well is dead.
    return {row.channel: "dead" if row.plain and row.state == "ready" else row.state for row in db.session.execute(query)}


def look_at_all(stage: Stage) -> list[str]:
    """Read a channel back through each fault; what is wrong: a call of several requests, or an answer nobody gave."""
    sender, wrong = sender_of(stage), []
    kinds = [kind for kind in SCHEDULED_KINDS if kind is not FaultKind.ACCEPT_DRIP]
    for number, kind in enumerate(kinds):
        stage.slack.push(kind, method=HISTORY, channel=f"C{number}")
    with ThreadPoolExecutor(len(kinds)) as pool:
        looks = pool.map(lambda number: sender.find(f"C{number}", [], utc_now() - timedelta(hours=1)), range(len(kinds)))
        wrong += [f"a look through {kind}: {found}" for kind, found in zip(kinds, looks, strict=True) if found is not None]
    requests = Counter(entry["channel"] for entry in stage.slack.log() if entry["method"] == HISTORY)
    return wrong + [f"{channel}: {count} requests for one look" for channel, count in requests.items() if count > 1]


def sender_of(stage: Stage) -> SlackSender:
    return SlackSender(TOKEN, stage.slack.base_url, timeout=stage.settings.slack_timeout, proxy=None)


def settled(stage: Stage) -> dict[str, int]:
    """How it ended: what Slack refused for good was told to nobody, all else once."""
    told = stage.slack.count_by_marker()
    with stage.app.app_context():
        rows = db.session.execute(sa.select(OutboxNotice.id, OutboxNotice.state)).all()
        db.session.remove()
        db.engine.dispose()
    return {
        "lost": sum(row.state == "sent" and not told.get(str(row.id)) for row in rows),
        "unexpected": sum(row.state != "sent" and told.get(str(row.id), 0) for row in rows),
        "unsettled": sum(row.state not in ("sent", "parked", "dead") for row in rows),
    }
