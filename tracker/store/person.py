"""People, and the ways they prove who they are: sessions, one-time links, API tokens. Only digests of secrets are kept."""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, validates

from tracker.domain.access import CUSTOMERS, STAFF, Actor, Role, Scope
from tracker.domain.errors import NotFound
from tracker.store.database import AnySession, Base, Keyed, UtcDateTime, Versioned, changed_one, dialect_insert, folded, table_of
from tracker.store.setting import MANAGERS_SEE, Setting, managers_see_all, sees_all

TOKEN_PREFIX = "trk_"  # noqa: S105 -- the mark of our tokens, not one of them
ROLES = ", ".join(f"'{role}'" for role in Role)
CUSTOMER_ROLES = ", ".join(f"'{role}'" for role in sorted(CUSTOMERS))


class Person(Versioned, Base):
    """Somebody who signs in. Never deleted; a deactivated person keeps their name on what they did."""

    __table_args__ = (
        sa.CheckConstraint(f"role IN ({ROLES})", name="role_known"),
        sa.CheckConstraint(f"(role IN ({CUSTOMER_ROLES})) = (customer_id IS NOT NULL)", name="customer_of_customers"),
        sa.CheckConstraint("email = lower(email)", name="email_lower"),
        sa.Index("uq_person_slack_user_id", "slack_user_id", unique=True),
        sa.CheckConstraint("theme IN ('system', 'light', 'dark')", name="theme_known"),
    )
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    name_key: Mapped[str] = folded("name")
    role: Mapped[str]
    customer_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("customer.id"), index=True)
    password_hash: Mapped[str | None]
    # A Slack account is one person's. Somebody of another company is known by their team as well.
    slack_user_id: Mapped[str | None]
    slack_team_id: Mapped[str | None]
    time_zone: Mapped[str] = mapped_column(default="UTC")
    theme: Mapped[str] = mapped_column(default="system")
    created_at: Mapped[datetime]
    deactivated_at: Mapped[datetime | None]
    last_signed_in_at: Mapped[datetime | None]

    @validates("name")
    def _fold(self, _column: str, name: str) -> str:
        self.name_key = name.casefold()
        return name


class LoginSession(Keyed, Base):
    """A browser that is signed in; revoking the row signs it out."""

    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    user_agent: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class SignInLink(Keyed, Base):
    """A link that signs somebody in once. Without a person it makes the first administrator."""

    person_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ApiToken(Keyed, Base):
    """A token that acts as its person, within a scope and perhaps one engagement."""

    __table_args__ = (sa.CheckConstraint("scope IN ('read', 'write', 'admin')", name="scope_known"),)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"), index=True)
    engagement_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("engagement.id"))
    token_hash: Mapped[str] = mapped_column(unique=True)
    hint: Mapped[str]
    scope: Mapped[str]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Attempt(Base):
    """How often something was tried in one span of time, such as signing in as somebody."""

    key: Mapped[str] = mapped_column(primary_key=True)
    window_start: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int]


def digest(secret: str) -> str:
    """What is stored of a secret that has 256 random bits: no salt is needed for those."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret() -> str:
    """256 random bits, safe in an address."""
    return secrets.token_urlsafe(32)


def actor_of(
    session: AnySession, person: Person, *, scope: str = Scope.ADMIN, only: UUID | None = None, now: datetime | None = None
) -> Actor:
    """The value that rules and queries take for a person; without `now` they cover for nobody."""
    row = (person.id, person.name, person.role, person.customer_id, person.theme, person.time_zone)
    return _acting(row, all_seen=managers_see_all(session), scope=scope, only=only, now=now)


def _acting(row: Sequence[Any], *, all_seen: bool, scope: str, only: UUID | None, now: datetime | None) -> Actor:
    person_id, name, role, customer_id, theme, time_zone = row
    role = Role(role)
    return Actor(
        person_id=person_id,
        name=name,
        role=role,
        customer_id=customer_id,
        scope=Scope(scope),
        only_engagement_id=only,
        sees_all=role is Role.ADMIN or (role is Role.ENGAGEMENT_MANAGER and all_seen),
        theme=theme,
        time_zone=time_zone,
        now=now,
    )


# Asked at every request: built once, and one statement with what the installation decided for managers.
_who = table_of(Person)
_acting_columns = (
    *_who.c["id", "name", "role", "customer_id", "theme", "time_zone"],
    sa.select(Setting.value).where(Setting.name == MANAGERS_SEE).scalar_subquery(),
)
_BY_SESSION = (
    sa.select(*_acting_columns, table_of(LoginSession).c.id)
    .select_from(_who.join(table_of(LoginSession), LoginSession.person_id == _who.c.id))
    .where(
        LoginSession.token_hash == sa.bindparam("token"),
        LoginSession.revoked_at.is_(None),
        LoginSession.expires_at > sa.bindparam("now", type_=UtcDateTime()),
        _who.c.deactivated_at.is_(None),
    )
)
_BY_TOKEN = (
    sa.select(*_acting_columns, *table_of(ApiToken).c["scope", "engagement_id"])
    .select_from(_who.join(table_of(ApiToken), ApiToken.person_id == _who.c.id))
    .where(
        ApiToken.token_hash == sa.bindparam("token"),
        ApiToken.revoked_at.is_(None),
        _who.c.deactivated_at.is_(None),
    )
)


def actor_of_session(session: AnySession, token: str, now: datetime) -> tuple[Actor, UUID] | None:
    """Who is signed in under a session's secret, and the session's id."""
    found = session.execute(_BY_SESSION, {"token": digest(token), "now": now}).first()
    if found is None:
        return None
    *row, decided, session_id = found
    return _acting(row, all_seen=sees_all(decided), scope=Scope.ADMIN, only=None, now=now), session_id


def actor_of_token(session: AnySession, token: str, now: datetime) -> Actor | None:
    """Who a bearer token acts as."""
    found = session.execute(_BY_TOKEN, {"token": digest(token)}).first()
    if found is None:
        return None
    *row, decided, scope, only = found
    return _acting(row, all_seen=sees_all(decided), scope=scope, only=only, now=now)


def by_slack_user(session: AnySession, slack_user_id: str) -> Person | None:
    """Whose Slack account that is, deactivated or not."""
    return session.scalar(sa.select(Person).where(Person.slack_user_id == slack_user_id))


def by_email(session: AnySession, email: str) -> Person | None:
    return session.scalar(sa.select(Person).where(Person.email == email.strip().lower()))


def with_emails(session: AnySession, emails: Collection[str]) -> dict[str, Person]:
    """People by their address, in small letters."""
    return {person.email: person for person in session.scalars(sa.select(Person).where(Person.email.in_(emails)))}


def with_ids(session: AnySession, ids: Collection[UUID]) -> dict[UUID, Person]:
    """People by id, in one statement."""
    return {person.id: person for person in session.scalars(sa.select(Person).where(Person.id.in_(ids)))}


def get(session: AnySession, person_id: UUID) -> Person:
    """Raises NotFound."""
    person = session.get(Person, person_id)
    if person is None:
        raise NotFound
    return person


def hold_admins(session: AnySession) -> list[UUID]:
    """The active administrators, held in the order of their ids: two who take away the last two wait for each other."""
    query = sa.select(Person.id).where(Person.role == Role.ADMIN, Person.deactivated_at.is_(None)).order_by(Person.id)
    return list(session.scalars(query.with_for_update(key_share=True)))


def is_empty(session: AnySession) -> bool:
    """Whether there is no active administrator yet."""
    query = sa.select(Person.id).where(Person.role == Role.ADMIN, Person.deactivated_at.is_(None)).limit(1)
    return session.scalar(query) is None


def page(session: AnySession, *, after: str | None, limit: int) -> list[Person]:
    """People by e-mail address, those after a given one."""
    query = sa.select(Person).order_by(Person.email).limit(limit)
    return list(session.scalars(query.where(Person.email > after) if after else query))


_NAMED = sa.select(_who.c.id, _who.c.name).where(_who.c.id.in_(sa.bindparam("ids", expanding=True)))


def people_named(session: AnySession, ids: set[UUID]) -> dict[UUID, str]:
    """Names by id, in one statement; in none for nobody."""
    return {row.id: row.name for row in session.execute(_NAMED, {"ids": list(ids)})} if ids else {}


def slack_ids(session: AnySession, ids: set[UUID]) -> dict[UUID | None, str | None]:
    """Whom to mention in Slack, by id, in one statement."""
    rows = session.execute(sa.select(Person.id, Person.slack_user_id).where(Person.id.in_(ids)))
    return {row.id: row.slack_user_id for row in rows}


def take_link(session: AnySession, token: str, now: datetime) -> SignInLink | None:
    """Use up a one-time link; None where it is unknown, used or expired. Two at once: one of them gets it."""
    link = open_link(session, token, now)
    if link is None:
        return None
    taken = changed_one(
        session, sa.update(SignInLink).where(SignInLink.id == link.id, SignInLink.used_at.is_(None)).values(used_at=now)
    )
    return link if taken else None


def open_link(session: AnySession, token: str, now: datetime) -> SignInLink | None:
    """A one-time link that still works."""
    query = sa.select(SignInLink).where(
        SignInLink.token_hash == digest(token), SignInLink.used_at.is_(None), SignInLink.expires_at > now
    )
    return session.scalar(query)


def count_attempt(session: AnySession, key: str, now: datetime, window: timedelta) -> int:
    """Count one more try in the running window and return how many there are."""
    seconds = int(window.total_seconds())
    start = now - timedelta(seconds=now.timestamp() % seconds)
    table = table_of(Attempt)
    statement = dialect_insert(session, table).values(key=key, window_start=start.replace(microsecond=0), count=1)
    statement = statement.on_conflict_do_update(index_elements=["key", "window_start"], set_={"count": table.c.count + 1})
    return int(session.execute(statement.returning(table.c.count)).scalar_one())


def forget_attempts(session: AnySession, *, before: datetime) -> None:
    session.execute(sa.delete(Attempt).where(Attempt.window_start < before))


def sessions_of(session: AnySession, person_id: UUID, now: datetime) -> list[LoginSession]:
    """The browsers in which a person is signed in, newest first."""
    query = sa.select(LoginSession).where(
        LoginSession.person_id == person_id, LoginSession.revoked_at.is_(None), LoginSession.expires_at > now
    )
    return list(session.scalars(query.order_by(LoginSession.created_at.desc()).limit(50)))


def tokens_of(session: AnySession, person_id: UUID) -> list[ApiToken]:
    """A person's tokens that still work, newest first."""
    query = sa.select(ApiToken).where(ApiToken.person_id == person_id, ApiToken.revoked_at.is_(None))
    return list(session.scalars(query.order_by(ApiToken.created_at.desc()).limit(100)))


def staff_member(session: AnySession, person_id: UUID) -> Person:
    """Somebody of the staff, also one who has left. Raises NotFound for anybody else."""
    person = get(session, person_id)
    if person.role not in STAFF:
        raise NotFound
    return person


_STAFF_NAMES = (
    sa.select(_who.c.id, _who.c.name)
    .where(_who.c.role.in_(sorted(STAFF)), _who.c.deactivated_at.is_(None))
    .order_by(_who.c.name, _who.c.id)
)


def staff_names(session: AnySession) -> dict[UUID, str]:
    """The names of everybody of the staff who may be given something to do, in order, by id."""
    return {row.id: row.name for row in session.execute(_STAFF_NAMES)}


def active_staff(session: AnySession) -> list[Person]:
    """Everybody of the staff who may be given something to do, by name."""
    query = sa.select(Person).where(Person.role.in_(sorted(STAFF)), Person.deactivated_at.is_(None))
    return list(session.scalars(query.order_by(Person.name, Person.id)))


def staff_past_and_present(session: AnySession, *, limit: int = 500) -> dict[UUID, str]:
    """Everybody who is or was of the staff: names by id, in order of the names."""
    query = sa.select(Person.id, Person.name).where(Person.role.in_(sorted(STAFF))).order_by(Person.name_key, Person.id)
    return {row.id: row.name for row in session.execute(query.limit(limit))}


def active_of_customer(session: AnySession, customer_id: UUID) -> list[Person]:
    """The people of a customer, by name."""
    query = sa.select(Person).where(Person.customer_id == customer_id, Person.deactivated_at.is_(None))
    return list(session.scalars(query.order_by(Person.name, Person.id)))


def tokens_with_names(session: AnySession, *, limit: int = 200) -> list[tuple[ApiToken, str]]:
    """All API tokens with their person's name, the newest first, those that still work before the revoked."""
    query = sa.select(ApiToken, Person.name).join(Person, Person.id == ApiToken.person_id)
    rows = session.execute(query.order_by(ApiToken.revoked_at.is_not(None), ApiToken.id.desc()).limit(limit))
    return [(row[0], row[1]) for row in rows]


def active(session: AnySession, *, limit: int = 1000) -> list[Person]:
    """Everybody who may sign in, by name."""
    query = sa.select(Person).where(Person.deactivated_at.is_(None)).order_by(Person.name, Person.id)
    return list(session.scalars(query.limit(limit)))
