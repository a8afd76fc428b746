"""API tokens: each acts as its person, within a scope and perhaps one engagement."""

from datetime import datetime
from uuid import UUID

from tracker.domain.access import Actor, Permission, Scope
from tracker.domain.errors import Invalid, NotFound
from tracker.store import audit
from tracker.store import engagement as engagements
from tracker.store import person as people
from tracker.store.database import AnySession
from tracker.store.person import ApiToken, digest, new_secret


def create_token(
    session: AnySession, actor: Actor, person_id: UUID, scope: str, *, engagement_id: UUID | None = None, now: datetime
) -> str:
    """A fresh API token that acts as a person; returned once, kept as a digest. Raises NotFound, NotAllowed, Invalid."""
    actor.must(Permission.MANAGE_PEOPLE)
    person = people.get(session, person_id)
    if scope not in set(Scope):
        raise Invalid.at("scope", f"Choose one of: {', '.join(Scope)}.")
    if person.deactivated_at is not None:
        raise Invalid.at("person", "This person is deactivated.")
    if engagement_id is not None:
        engagements.get(session, people.actor_of(session, person), engagement_id)
    secret = f"{people.TOKEN_PREFIX}{new_secret()}"
    token = ApiToken(
        person_id=person.id,
        engagement_id=engagement_id,
        token_hash=digest(secret),
        hint=secret[-4:],
        scope=scope,
        created_at=now,
    )
    session.add(token)
    session.flush()
    audit.record(session, actor, None, "token.created", ("api_token", token.id), {"person_id": person.id, "scope": scope})
    return secret


def revoke_token(session: AnySession, actor: Actor, token_id: UUID, *, now: datetime) -> None:
    """Stop a token for good. Raises NotFound, NotAllowed."""
    actor.must(Permission.MANAGE_PEOPLE)
    token = session.get(ApiToken, token_id)
    if token is None:
        raise NotFound
    token.revoked_at = token.revoked_at or now
    audit.record(session, actor, None, "token.revoked", ("api_token", token.id))
