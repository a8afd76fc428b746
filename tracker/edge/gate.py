"""The gate before every route: who is asking, what the route allows, and whether they may know of what it names."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Flask, abort, current_app, g, request, session

from tracker.clock import utc_now
from tracker.domain.access import MATRIX, Actor, Permission, as_customer
from tracker.domain.errors import NotAllowed, NotFound, Unauthenticated
from tracker.edge.rule import PUBLIC, is_way_out, rule_of, size_taken_by
from tracker.logs import REQUEST_ID
from tracker.store import engagement as engagements
from tracker.store.database import db
from tracker.store.identity import new_id
from tracker.store.person import TOKEN_PREFIX, actor_of_session, actor_of_token
from tracker.store.visibility import must_see

API = "/api/"
# Outside the API, but asked by programs as well: a token is taken, and without either the answer is no page to sign in on.
BY_TOKEN_TOO = ("/metrics",)
VIEW_AS = "view_as"
READING = ("GET", "HEAD", "OPTIONS")


def install(app: Flask) -> None:
    """Put the gate in front of all routes of an application."""
    app.before_request(_begin)
    app.before_request(_check)


def current_actor() -> Actor:
    """Who is asking. Only routes that are not public may call it."""
    actor: Actor | None = g.get("actor")
    if actor is None:
        raise Unauthenticated("Sign in first.")
    return actor


def _begin() -> None:
    REQUEST_ID.set(str(new_id()))
    g.looking_as = None
    g.actor, g.session_id, g.now, g.started = None, None, utc_now(), time.perf_counter()


def _check() -> None:
    if request.endpoint == "static":
        return
    if request.path.startswith(API) or (request.path in BY_TOKEN_TOO and "Authorization" in request.headers):
        _read_token()
    else:
        _read_session()
    if request.endpoint is None:
        return
    rule = rule_of(current_app.view_functions[request.endpoint])
    if rule == PUBLIC:
        return
    if rule is None:
        abort(404)
    actor = current_actor()
    # Before anything reads the body; who is not known sends no more than everybody.
    if (size := size_taken_by(_view())) is not None:
        request.max_content_length = size
    assert isinstance(rule, Permission)
    if actor.looking and (request.method not in READING or rule is Permission.OWN_ACCOUNT):
        raise NotAllowed(f"You see this as {g.looking_as} does. Nothing can be changed.")
    # A foreign thing is not found before anything is said about permission; what only staff know of, neither.
    for name, value in (request.view_args or {}).items():
        if isinstance(value, UUID):
            must_see(db.session, actor, name, value)
    if not actor.may(rule) and _may_read_here(actor):
        raise NotAllowed
    actor.must(rule)


def _may_read_here(actor: Actor) -> bool:
    """Whether an actor's role may read what stands at this address: it is no secret then, and a refusal says so."""
    assert request.url_rule is not None
    same_address = [rule for rule in current_app.url_map.iter_rules() if rule.rule == request.url_rule.rule]
    reading = [rule_of(current_app.view_functions[rule.endpoint]) for rule in same_address if "GET" in (rule.methods or ())]
    return any(isinstance(rule, Permission) and actor.role in MATRIX[rule] for rule in reading)


def _read_token() -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.startswith(TOKEN_PREFIX):
        g.actor = actor_of_token(db.session, token.strip(), g.now)


def _read_session() -> None:
    token = session.get("session")
    if token and (found := actor_of_session(db.session, token, g.now)):
        g.actor, g.session_id = found
        if VIEW_AS in session and not is_way_out(_view()):
            _look()


def _view() -> Callable[..., Any] | None:
    return current_app.view_functions.get(request.endpoint or "")


def _look() -> None:
    """Answer somebody of the team as the customer of the engagement they chose; where that is no longer theirs, as before."""
    try:
        engagement = engagements.get(db.session, g.actor, UUID(session[VIEW_AS]))
    except NotFound:
        del session[VIEW_AS]
        return
    if g.actor.is_staff:
        g.looking_as = engagements.customer(db.session, engagement.customer_id).name
        g.actor = as_customer(g.actor, engagement.customer_id, engagement.id)
