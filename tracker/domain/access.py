"""Who may do what: the matrix of roles and permissions as data, and the actor that carries them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tracker.domain.errors import NotAllowed, NotFound


class Role(StrEnum):
    """What a person is to the installation."""

    ADMIN = "admin"
    ENGAGEMENT_MANAGER = "engagement_manager"
    ENGINEER = "engineer"
    CUSTOMER_APPROVER = "customer_approver"
    CUSTOMER_VIEWER = "customer_viewer"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


STAFF = frozenset({Role.ADMIN, Role.ENGAGEMENT_MANAGER, Role.ENGINEER})
MANAGERS = frozenset({Role.ADMIN, Role.ENGAGEMENT_MANAGER})
CUSTOMERS = frozenset({Role.CUSTOMER_APPROVER, Role.CUSTOMER_VIEWER})
EVERYBODY = frozenset(Role)


class Permission(StrEnum):
    """One thing that a role may or may not do."""

    SEE_ENGAGEMENTS = "see_engagements"
    SEE_INTERNAL = "see_internal"
    SEE_CATALOGUE = "see_catalogue"
    ANSWER = "answer"
    WORK_ON_SITES = "work_on_sites"
    EDIT_ENGAGEMENT = "edit_engagement"
    LOG_TIME = "log_time"
    APPROVE_TIME = "approve_time"
    SELL_PS = "sell_ps"
    COMPLETE_OWN_DUTY = "complete_own_duty"
    SIGN = "sign"
    SEE_NOTICES = "see_notices"
    MANAGE_PEOPLE = "manage_people"
    MANAGE_SETTINGS = "manage_settings"
    OWN_ACCOUNT = "own_account"
    ARRANGE_COVER = "arrange_cover"
    SEE_TEAM = "see_team"


MATRIX: Mapping[Permission, frozenset[Role]] = {
    Permission.SEE_ENGAGEMENTS: EVERYBODY,
    Permission.SEE_INTERNAL: STAFF,
    Permission.SEE_CATALOGUE: EVERYBODY,
    # Facts and inventories, questions, comments, change requests: whoever is on the engagement may speak.
    Permission.ANSWER: EVERYBODY,
    # What an engineer does: work states with their evidence, steps of a path, proposals for the scope.
    Permission.WORK_ON_SITES: STAFF,
    Permission.EDIT_ENGAGEMENT: MANAGERS,
    Permission.LOG_TIME: STAFF,
    Permission.APPROVE_TIME: MANAGERS,
    Permission.SELL_PS: MANAGERS,
    Permission.COMPLETE_OWN_DUTY: frozenset({Role.CUSTOMER_APPROVER}),
    Permission.SIGN: frozenset({Role.CUSTOMER_APPROVER}),
    Permission.SEE_NOTICES: STAFF,
    Permission.MANAGE_PEOPLE: frozenset({Role.ADMIN}),
    Permission.MANAGE_SETTINGS: frozenset({Role.ADMIN}),
    Permission.OWN_ACCOUNT: EVERYBODY,
    # Somebody covers while one is away: of the staff for the staff, each for themselves, administrators for anybody.
    Permission.ARRANGE_COVER: STAFF,
    Permission.SEE_TEAM: MANAGERS,
}

READING = frozenset(
    {
        Permission.SEE_ENGAGEMENTS,
        Permission.SEE_INTERNAL,
        Permission.SEE_CATALOGUE,
        Permission.SEE_NOTICES,
        Permission.SEE_TEAM,
        Permission.OWN_ACCOUNT,
    }
)
ADMINISTRATION = frozenset({Permission.MANAGE_PEOPLE, Permission.MANAGE_SETTINGS})


class Scope(StrEnum):
    """How much of its person's power a token carries. A session in the browser carries all of it."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


@dataclass(frozen=True)
class Actor:
    """Who is asking. A value: rules and queries take it, no session stands behind it."""

    person_id: UUID | None
    name: str
    role: Role
    customer_id: UUID | None = None
    scope: Scope = Scope.ADMIN
    only_engagement_id: UUID | None = None
    sees_all: bool = False
    theme: str = "system"
    time_zone: str = "UTC"
    # Somebody of the team who looks at an engagement as its customer does. Nobody in particular, and may change nothing.
    looking: bool = False
    # When they ask, for what is theirs for a while only, as a cover is. Without it they have none.
    now: datetime | None = None

    @property
    def is_staff(self) -> bool:
        return self.role in STAFF

    @property
    def initials(self) -> str:
        words = [word for word in self.name.split() if word]
        return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()

    def may(self, permission: Permission) -> bool:
        """Whether role and token scope allow it, the engagement at hand apart."""
        if self.only_engagement_id is not None and permission in ADMINISTRATION:
            return False
        if self.scope is Scope.READ and permission not in READING:
            return False
        if self.scope is Scope.WRITE and permission in ADMINISTRATION:
            return False
        return self.role in MATRIX[permission]

    def must(self, permission: Permission) -> None:
        """Raise NotFound for what only staff know of, NotAllowed for what is seen but not permitted."""
        if self.may(permission):
            return
        if not self.is_staff and not MATRIX[permission] & CUSTOMERS:
            raise NotFound
        raise NotAllowed


def as_customer(actor: Actor, customer_id: UUID, engagement_id: UUID) -> Actor:
    """Somebody of the team as an approver of the customer, of one engagement, who is nobody in particular.

    What hangs on the person, such as one's own comments, is therefore nobody's; name and settings stay their own.
    """
    return replace(
        actor,
        person_id=None,
        role=Role.CUSTOMER_APPROVER,
        customer_id=customer_id,
        only_engagement_id=engagement_id,
        sees_all=False,
        looking=True,
    )


SYSTEM = Actor(person_id=None, name="Tracker", role=Role.ADMIN, sees_all=True)
