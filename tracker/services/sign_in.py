"""The ways in: one-time links, sessions, and how often somebody may try."""

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from tracker.domain.access import Actor, Permission
from tracker.domain.errors import Invalid, NotFound, RateLimited
from tracker.store import audit
from tracker.store import person as people
from tracker.store.database import AnySession
from tracker.store.person import LoginSession, Person, SignInLink, digest, new_secret

LINK_LIFE = timedelta(days=3)
SESSION_LIFE = timedelta(days=14)
ATTEMPT_WINDOW = timedelta(minutes=15)
ATTEMPTS_ALLOWED = 10
LINKS_ALLOWED = 5


def offer_first_admin(session: AnySession, *, now: datetime) -> str | None:
    """A fresh link that makes the first administrator; None once there is one. Older ones stop working."""
    if not people.is_empty(session):
        return None
    return _new_link(session, None, now)


def make_link(session: AnySession, actor: Actor, person_id: UUID, *, now: datetime) -> str:
    """A fresh one-time sign-in link for somebody; returns its secret, which is not kept. Raises NotFound, NotAllowed."""
    actor.must(Permission.MANAGE_PEOPLE)
    person = people.get(session, person_id)
    if person.deactivated_at is not None:
        raise Invalid.at("person", "This person is deactivated. Take them back first.")
    audit.record(session, actor, None, "link.made", ("person", person.id))
    return _new_link(session, person.id, now)


def lost_link(session: AnySession, email: str, *, now: datetime) -> str | None:
    """A link for somebody who asks for one by mail; None for an address we do not know."""
    person = people.by_email(session, email)
    if person is None or person.deactivated_at is not None:
        return None
    return _new_link(session, person.id, now)


def _new_link(session: AnySession, person_id: UUID | None, now: datetime) -> str:
    """A fresh link; the earlier ones of the same person (or those for the first administrator) stop working."""
    mine = SignInLink.person_id.is_(None) if person_id is None else SignInLink.person_id == person_id
    session.execute(sa.update(SignInLink).where(mine, SignInLink.used_at.is_(None)).values(used_at=now))
    secret = new_secret()
    session.add(SignInLink(person_id=person_id, token_hash=digest(secret), created_at=now, expires_at=now + LINK_LIFE))
    return secret


def too_often(session: AnySession, keys: list[str], *, allowed: int, now: datetime) -> bool:
    """Count a try under each key and tell whether one was used too often.

    The count is kept whatever comes of the try, so the edge ends this unit before it refuses (`refuse_too_often`).
    """
    return max(people.count_attempt(session, key, now, ATTEMPT_WINDOW) for key in keys) > allowed


def refuse_too_often() -> RateLimited:
    """What to raise then."""
    return RateLimited("Too many tries. Wait a quarter of an hour, then try again.", int(ATTEMPT_WINDOW.total_seconds()))


def sign_in_by_link(session: AnySession, token: str, user_agent: str, *, now: datetime) -> tuple[Person, str]:
    """Use up a link and start a session; returns its secret. Raises NotFound for a dead link."""
    link = people.take_link(session, token, now)
    if link is None or link.person_id is None:
        raise NotFound
    person = people.get(session, link.person_id)
    if person.deactivated_at is not None:
        raise NotFound
    return person, start_session(session, person, user_agent, now=now)


def start_session(session: AnySession, person: Person, user_agent: str, *, now: datetime) -> str:
    """Sign somebody in, in one browser; returns the session's secret."""
    secret = new_secret()
    session.add(
        LoginSession(
            person_id=person.id,
            token_hash=digest(secret),
            user_agent=user_agent[:200],
            created_at=now,
            expires_at=now + SESSION_LIFE,
        )
    )
    session.execute(sa.update(Person).where(Person.id == person.id).values(last_signed_in_at=now))
    who = people.actor_of(session, person)
    audit.record(session, who, None, "person.signed_in", ("person", person.id))
    return secret


def end_sessions(session: AnySession, actor: Actor, *, only: UUID | None = None, but: UUID | None = None, now: datetime) -> None:
    """Sign the actor out: in one browser, or everywhere but in one."""
    mine = sa.update(LoginSession).where(LoginSession.person_id == actor.person_id, LoginSession.revoked_at.is_(None))
    if only is not None:
        mine = mine.where(LoginSession.id == only)
    if but is not None:
        mine = mine.where(LoginSession.id != but)
    session.execute(mine.values(revoked_at=now))
