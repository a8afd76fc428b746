"""Customers, their engagements, the agreement behind each, and who works on it. Access is decided here, by a join."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, aliased, mapped_column, validates

from tracker.domain.access import MANAGERS, Actor, Role
from tracker.domain.engagement import TYPES, UAT_SILENCE, Windows
from tracker.domain.errors import NotFound
from tracker.store.cover import Cover, running
from tracker.store.database import AnySession, Base, DayOrNever, Keyed, UtcDateTime, Versioned, folded, insert_or_ignore, table_of
from tracker.store.identity import new_id
from tracker.store.person import Person


def _one_of(column: str, values: Collection[str], name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} IN ({', '.join(repr(value) for value in values)})", name=name)


def _where_given(name: str, column: str, *further: str) -> sa.Index:
    given = sa.text(f"{column} IS NOT NULL")
    return sa.Index(name, column, *further, sqlite_where=given, postgresql_where=given)


class Customer(Versioned, Base):
    """Whoever owns the sites. Names are unique however they are capitalised."""

    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)
    country: Mapped[str | None]


class Engagement(Versioned, Base):
    """One signed agreement with one customer, and the work under it. Its stage is derived, but for hold and cancel."""

    __table_args__ = (
        _one_of("type", TYPES, "type_known"),
        _one_of("status", ("active", "on_hold", "cancelled"), "status_known"),
        # One for each order of the portfolio, and for what one manager or one customer has of it.
        sa.Index("ix_engagement_next", "next_on", "id"),
        sa.Index("ix_engagement_name", "name_key", "id"),
        sa.Index("ix_engagement_customer", "customer_id", "id"),
        sa.Index("ix_engagement_customer_next", "customer_id", "next_on", "id"),
        sa.Index("ix_engagement_manager_next", "manager_id", "next_on", "id"),
        _where_given("ix_engagement_unsigned", "unsigned_since", "id"),
        _where_given("ix_engagement_digest", "digest_at"),
        _where_given("ix_engagement_slack_channel", "slack_channel"),
        _where_given("ix_engagement_internal_slack_channel", "internal_slack_channel"),
    )
    customer_id: Mapped[UUID] = mapped_column(sa.ForeignKey("customer.id"))
    name: Mapped[str]
    name_key: Mapped[str] = folded("name")
    type: Mapped[str]
    time_zone: Mapped[str]
    slack_channel: Mapped[str | None]
    internal_slack_channel: Mapped[str | None]
    manager_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    account_rep: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="active")
    requirements_version: Mapped[int] = mapped_column(default=0)
    # The earliest open date, kept by planning; a list in its order reads an index instead of every date.
    next_on: Mapped[date | None] = mapped_column(DayOrNever(), nullable=False, default=None)
    # Hours up to this day are closed: none is logged, changed or decided on any more.
    hours_locked_through: Mapped[date | None]
    # Since when the requirements in force wait for the customer's name; none where they have it, or none are agreed.
    unsigned_since: Mapped[datetime | None]
    # When its weekly digest is next to be written; none where there is none to write.
    digest_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    @validates("name")
    def _fold(self, _column: str, name: str) -> str:
        self.name_key = name.casefold()
        return name


class Agreement(Keyed, Base):
    """What was signed. The windows come from here: no length has a default in code."""

    __table_args__ = (
        _one_of("uat_silence", UAT_SILENCE, "uat_silence_known"),
        sa.CheckConstraint(
            "uat_business_days > 0 AND cutover_business_days > 0 AND hypercare_business_days > 0",
            name="windows_positive",
        ),
    )
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"), unique=True)
    reference: Mapped[str]
    signed_on: Mapped[date]
    uat_business_days: Mapped[int]
    cutover_business_days: Mapped[int]
    hypercare_business_days: Mapped[int]
    uat_silence: Mapped[str]
    catalogue_version: Mapped[int]
    # How many days a PS block can be drawn; none means for ever. And whether what is left then stays.
    ps_valid_days: Mapped[int | None]
    ps_carry_over: Mapped[bool] = mapped_column(default=False)

    @property
    def windows(self) -> Windows:
        return Windows(self.uat_business_days, self.cutover_business_days, self.hypercare_business_days, self.uat_silence)


class Member(Keyed, Base):
    """Somebody of the staff who is assigned to an engagement, until they leave it."""

    __table_args__ = (
        sa.Index(
            "uq_member_active", "engagement_id", "person_id", unique=True, sqlite_where=sa.text("left_at IS NULL"),
            postgresql_where=sa.text("left_at IS NULL"),
        ),
        sa.Index("ix_member_person", "person_id", "engagement_id"),
    )  # fmt: skip
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    joined_at: Mapped[datetime]
    left_at: Mapped[datetime | None]


def visible(actor: Actor) -> sa.ColumnElement[bool]:
    """The engagements an actor may know of. Every query on something of an engagement carries this condition."""
    if actor.customer_id is not None:
        rule: sa.ColumnElement[bool] = Engagement.customer_id == actor.customer_id
    elif not actor.is_staff:
        rule = sa.false()
    elif actor.sees_all:
        rule = sa.true()
    else:
        rule = on_it(actor)
    if actor.only_engagement_id is not None:
        rule = sa.and_(rule, Engagement.id == actor.only_engagement_id)
    return rule


def on_it(actor: Actor) -> sa.ColumnElement[bool]:
    """The engagements that an actor leads or is assigned to, and those of whom they cover for at this moment."""
    member = aliased(Member)
    assigned = (member.engagement_id == Engagement.id, member.left_at.is_(None))
    rules = [_exists(*assigned, member.person_id == actor.person_id), Engagement.manager_id == actor.person_id]
    if actor.now is not None:
        covered = (Cover.cover_id == actor.person_id, running(actor.now))
        rules.append(_exists(*covered, Cover.person_id == Engagement.manager_id))
        rules.append(_exists(*covered, Cover.person_id == member.person_id, *assigned))
    return sa.or_(*rules)


def _exists(*where: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Tied to the engagement of the query around it and to nothing else, however deep it stands.

    Left to itself, SQLAlchemy would tie it to whatever the query around it reads as well, such as members, or to nothing
    two levels up; either opens engagements to those who are not on them.
    """
    return sa.exists().where(*where).correlate(Engagement)


def ids_on_it(actor: Actor) -> sa.CompoundSelect[tuple[UUID]]:
    """The same as `on_it`, as a list that begins with the person: lists of few among many are read along it."""
    mine = sa.select(Member.engagement_id).where(Member.left_at.is_(None))
    led = sa.select(Engagement.id)
    parts = [mine.where(Member.person_id == actor.person_id), led.where(Engagement.manager_id == actor.person_id)]
    if actor.now is not None:
        covered = (Cover.cover_id == actor.person_id, running(actor.now))
        parts.append(mine.join(Cover, Cover.person_id == Member.person_id).where(*covered))
        parts.append(led.join(Cover, Cover.person_id == Engagement.manager_id).where(*covered))
    return sa.union(*parts)


# From so many engagements on, what somebody sees is found sooner by walking along everything than by a list of theirs.
MANY = 300


def sees_many(session: AnySession, actor: Actor) -> bool:
    """Whether an actor's own engagements are many. A question of speed alone: either way of asking finds the same."""
    if actor.sees_all:
        return True
    return session.scalar(_many(of_customer=actor.customer_id is not None), who(actor)) == MANY


@cache
def _many(*, of_customer: bool) -> sa.Select[int]:
    member, engagement = table_of(Member), table_of(Engagement)
    if of_customer:
        mine = sa.select(engagement.c.id).where(engagement.c.customer_id == sa.bindparam("actor_customer", type_=sa.Uuid()))
    else:
        me = sa.bindparam("actor_person", type_=sa.Uuid())
        mine = (
            sa.union_all(
                sa.select(member.c.engagement_id).where(member.c.person_id == me),
                sa.select(engagement.c.id).where(engagement.c.manager_id == me),
            )
            .subquery()
            .select()
        )
    return sa.select(sa.func.count()).select_from(mine.limit(MANY).subquery())


@dataclass(frozen=True)
class Sight:
    """How somebody sees engagements, apart from who they are.

    A statement of a hot path is built once for each sight and then only run: building costs more than running. The
    condition is the one of `visible`, its values left open; `who` fills them in.
    """

    of_customer: bool
    is_staff: bool
    sees_all: bool
    of_one: bool
    may_cover: bool

    @classmethod
    def of(cls, actor: Actor) -> "Sight":
        return cls(
            of_customer=actor.customer_id is not None,
            is_staff=actor.is_staff,
            sees_all=actor.sees_all,
            of_one=actor.only_engagement_id is not None,
            may_cover=actor.now is not None,
        )

    def condition(self) -> sa.ColumnElement[bool]:
        """What an engagement must meet to be seen, with the actor's values as parameters."""
        return visible(self.anybody())

    def anybody(self) -> Actor:
        """Somebody who sees so, their own values left open."""
        return Actor(
            person_id=sa.bindparam("actor_person", type_=sa.Uuid()),  # type: ignore[arg-type]  # a value to come
            name="",
            role=Role.ENGINEER if self.is_staff else Role.CUSTOMER_VIEWER,
            customer_id=sa.bindparam("actor_customer", type_=sa.Uuid()) if self.of_customer else None,  # type: ignore[arg-type]
            only_engagement_id=sa.bindparam("actor_engagement", type_=sa.Uuid()) if self.of_one else None,  # type: ignore[arg-type]
            sees_all=self.sees_all,
            now=sa.bindparam("actor_now", type_=UtcDateTime()) if self.may_cover else None,  # type: ignore[arg-type]
        )


def who(actor: Actor) -> dict[str, Any]:
    """The values that a sight's condition leaves open."""
    return {
        "actor_person": actor.person_id,
        "actor_customer": actor.customer_id,
        "actor_engagement": actor.only_engagement_id,
        "actor_now": actor.now,
    }


@cache
def _get(sight: Sight) -> sa.Select[Engagement]:
    return sa.select(Engagement).where(Engagement.id == sa.bindparam("engagement"), sight.condition())


def get(session: AnySession, actor: Actor, engagement_id: UUID) -> Engagement:
    """Raises NotFound for one that is not there or not the actor's to know of."""
    found = session.scalar(_get(Sight.of(actor)), who(actor) | {"engagement": engagement_id})
    if found is None:
        raise NotFound
    return found


def in_channel(session: AnySession, actor: Actor, channel: str, *, limit: int = 20) -> list[Engagement]:
    """The engagements that an actor may know of and that speak in a Slack channel, the customer's or the team's, by name."""
    speaks = sa.or_(Engagement.slack_channel == channel, Engagement.internal_slack_channel == channel)
    query = sa.select(Engagement).where(speaks, Engagement.status != "cancelled", visible(actor))
    return list(session.scalars(query.order_by(Engagement.name_key, Engagement.id).limit(limit)))


def names_of(session: AnySession, ids: Collection[UUID]) -> dict[UUID, str]:
    """Names by id, in one statement; of engagements whose things were loaded for the actor."""
    rows = session.execute(sa.select(Engagement.id, Engagement.name).where(Engagement.id.in_(ids)))
    return {row.id: row.name for row in rows}


def lock(session: AnySession, engagement_id: UUID) -> None:
    """Hold an engagement against others who decide on its list of sites."""
    session.execute(sa.select(Engagement.id).where(Engagement.id == engagement_id).with_for_update())


def customer(session: AnySession, customer_id: UUID) -> Customer:
    """Raises NotFound."""
    found = session.get(Customer, customer_id)
    if found is None:
        raise NotFound
    return found


def visible_customer(session: AnySession, actor: Actor, customer_id: UUID) -> Customer:
    """Raises NotFound for a customer of whom the actor sees no engagement, unless they see all."""
    query = sa.select(Customer).where(Customer.id == customer_id)
    if not actor.sees_all or actor.only_engagement_id is not None:
        query = query.where(sa.exists().where(Engagement.customer_id == Customer.id, visible(actor)))
    found = session.scalar(query)
    if found is None:
        raise NotFound
    return found


def of_customer(session: AnySession, customer_id: UUID) -> list[Engagement]:
    """A customer's engagements, oldest first."""
    return list(session.scalars(sa.select(Engagement).where(Engagement.customer_id == customer_id).order_by(Engagement.id)))


def customer_named(session: AnySession, name: str) -> Customer | None:
    return session.scalar(sa.select(Customer).where(Customer.name_key == name.casefold()))


def make_customer(session: AnySession, name: str, country: str | None = None) -> tuple[Customer, bool]:
    """The customer of a name, and whether it is new. Several who name the same one at once get the same one.

    The lock on the new row's unique key makes the others wait for the end of the first.
    """
    table = table_of(Customer)
    row = {"id": new_id(), "version": 1, "name": name, "name_key": name.casefold(), "country": country}
    made = session.execute(insert_or_ignore(session, table).values(row).returning(table.c.id)).first() is not None
    found = customer_named(session, name)
    assert found is not None, "customers are never deleted"
    return found, made


def customers(session: AnySession, actor: Actor, *, after: str | None, limit: int) -> list[Customer]:
    """The customers an actor may know of, by name."""
    query = sa.select(Customer).order_by(Customer.name_key).limit(limit)
    if not actor.sees_all or actor.only_engagement_id is not None:
        query = query.where(sa.exists().where(Engagement.customer_id == Customer.id, visible(actor)))
    return list(session.scalars(query.where(Customer.name_key > after) if after else query))


_AGREEMENT = sa.select(Agreement).where(Agreement.engagement_id == sa.bindparam("engagement"))
_MEMBERS = (
    sa.select(Person)
    .join(Member, Member.person_id == Person.id)
    .where(Member.engagement_id == sa.bindparam("engagement"), Member.left_at.is_(None))
    .order_by(Person.name)
)


def agreement_of(session: AnySession, engagement_id: UUID) -> Agreement | None:
    return session.scalar(_AGREEMENT, {"engagement": engagement_id})


def members_of(session: AnySession, engagement_id: UUID) -> list[Person]:
    """The staff assigned to an engagement, by name."""
    return list(session.scalars(_MEMBERS, {"engagement": engagement_id}))


def active_member(session: AnySession, engagement_id: UUID, person_id: UUID) -> Member | None:
    query = sa.select(Member).where(
        Member.engagement_id == engagement_id, Member.person_id == person_id, Member.left_at.is_(None)
    )
    return session.scalar(query)


def choices(session: AnySession, actor: Actor, *, limit: int = 500) -> dict[UUID, str]:
    """The engagements an actor may choose from: names by id, in order of the names."""
    query = sa.select(Engagement.id, Engagement.name).where(visible(actor)).order_by(Engagement.name, Engagement.id)
    return {row.id: row.name for row in session.execute(query.limit(limit))}


_MANAGERS = (
    sa.select(Person.id, Person.name)
    .where(
        sa.or_(
            sa.and_(Person.role.in_(sorted(MANAGERS)), Person.deactivated_at.is_(None)),
            sa.and_(Person.deactivated_at.is_not(None), sa.exists().where(Engagement.manager_id == Person.id)),
        )
    )
    .order_by(Person.name_key, Person.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)


def managers(session: AnySession, *, limit: int = 500) -> dict[UUID, str]:
    """Who may lead an engagement, by name: those who are here, and those who still lead one."""
    return {row.id: row.name for row in session.execute(_MANAGERS, {"most": limit})}


def customer_name(session: AnySession, actor: Actor, customer_id: UUID) -> str | None:
    """The name of a customer, as far as the actor may know of them."""
    try:
        return visible_customer(session, actor, customer_id).name
    except NotFound:
        return None


def customer_names(session: AnySession, ids: Collection[UUID]) -> dict[UUID, str]:
    """Names of customers by id, in one statement."""
    rows = session.execute(sa.select(Customer.id, Customer.name).where(Customer.id.in_(ids)))
    return {row.id: row.name for row in rows}


def somebody_on(session: AnySession, engagement: Engagement, person_id: UUID) -> Person | None:
    """An active person who works on an engagement or belongs to its customer; None for anybody else."""
    return session.scalar(sa.select(Person).where(Person.id == person_id, _is_on(engagement)))


def everybody_on(session: AnySession, engagement: Engagement) -> list[Person]:
    """The active people who work on an engagement or belong to its customer, by name."""
    return list(session.scalars(sa.select(Person).where(_is_on(engagement)).order_by(Person.name, Person.id)))


def _is_on(engagement: Engagement) -> sa.ColumnElement[bool]:
    member = sa.exists().where(Member.engagement_id == engagement.id, Member.person_id == Person.id, Member.left_at.is_(None))
    belongs = sa.or_(Person.id == engagement.manager_id, Person.customer_id == engagement.customer_id, member)
    return sa.and_(Person.deactivated_at.is_(None), belongs)
