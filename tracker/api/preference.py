"""Preferences: how an engagement's channels are told, and how one is told oneself."""

from datetime import time
from typing import Any
from uuid import UUID

from pydantic import Field

from tracker.api.operation import Api, Call, In, Out
from tracker.domain.access import Permission
from tracker.domain.deadline import DeadlineKind
from tracker.domain.errors import Invalid, NotAllowed
from tracker.domain.preference import EngagementWish, HoursWish, MailWish, PersonWish
from tracker.services import preference as service
from tracker.store import engagement as engagements
from tracker.store import preference as preferences
from tracker.store.preference import EngagementPreference, PersonPreference

api = Api("preference")
HOUR = Field(None, description="0 to 23; null is the usual, 9.")
DAYS = Field(None, description="0 for Monday to 6 for Sunday; null is any day.")
LADDERS: Any = Field(
    default_factory=dict,
    description="By kind of date, how many business days ahead; an empty list is never, a kind left out as usual.",
)


class HoursIn(In):
    digest_hour: int | None = HOUR
    quiet_from: time | None = None
    quiet_until: time | None = None
    working_days: list[int] | None = DAYS

    def hours(self) -> HoursWish:
        days = None if self.working_days is None else tuple(self.working_days)
        return HoursWish(self.digest_hour, _local(self.quiet_from), _local(self.quiet_until), days)


def _local(clock: time | None) -> time | None:
    return None if clock is None else clock.replace(tzinfo=None, microsecond=0)


class EngagementPreferenceIn(HoursIn):
    weekly_digest: bool = True
    daily_digest: bool = True
    ladders: dict[str, list[int]] = LADDERS


class PersonPreferenceIn(HoursIn):
    mail: str = MailWish.WITHOUT_SLACK.value


class HoursOut(Out):
    digest_hour: int | None
    quiet_from: time | None
    quiet_until: time | None
    working_days: list[int] | None
    version: int = Field(description="0 while nothing was ever kept.")


class EngagementPreferenceOut(HoursOut):
    engagement_id: UUID
    weekly_digest: bool
    daily_digest: bool
    ladders: dict[str, list[int]] = LADDERS


class PersonPreferenceOut(HoursOut):
    person_id: UUID
    mail: str


def _of_engagement(engagement_id: UUID, kept: EngagementPreference | None) -> EngagementPreferenceOut:
    wish = preferences.wish_of(kept)
    return EngagementPreferenceOut(
        engagement_id=engagement_id,
        weekly_digest=wish.weekly_digest,
        daily_digest=wish.daily_digest,
        ladders={kind.value: list(leads) for kind, leads in wish.ladders.items()},
        version=kept.version if kept else 0,
        **_hours(wish.hours),
    )


def _of_person(person_id: UUID, kept: PersonPreference | None) -> PersonPreferenceOut:
    hours = preferences.hours_of(kept) if kept else HoursWish()
    return PersonPreferenceOut(
        person_id=person_id,
        mail=kept.mail if kept else MailWish.WITHOUT_SLACK.value,
        version=kept.version if kept else 0,
        **_hours(hours),
    )


def _hours(hours: HoursWish) -> dict[str, Any]:
    days = None if hours.working_days is None else list(hours.working_days)
    return {
        "digest_hour": hours.digest_hour,
        "quiet_from": hours.quiet_from,
        "quiet_until": hours.quiet_until,
        "working_days": days,
    }


@api.get("/engagements/<uuid:engagement_id>/preferences", Permission.SEE_INTERNAL)
def get_engagement_preferences(call: Call, engagement_id: UUID) -> EngagementPreferenceOut:
    """How the channels of an engagement are told."""
    engagements.get(call.session, call.actor, engagement_id)
    return _of_engagement(engagement_id, preferences.of_engagement(call.session, engagement_id))


@api.patch("/engagements/<uuid:engagement_id>/preferences", Permission.EDIT_ENGAGEMENT)
def edit_engagement_preferences(call: Call, engagement_id: UUID, body: EngagementPreferenceIn) -> EngagementPreferenceOut:
    """Say it anew as a whole: what is left out is as usual. Unsent reminders are planned by it."""
    try:
        ladders = {DeadlineKind(kind): tuple(leads) for kind, leads in body.ladders.items()}
    except ValueError:
        raise Invalid.at("ladders", f"Kinds are: {', '.join(DeadlineKind)}.") from None
    wish = EngagementWish(body.hours(), body.weekly_digest, body.daily_digest, ladders)
    kept = service.wish_engagement(call.session, call.actor, engagement_id, wish, version=call.version, now=call.now)
    return _of_engagement(engagement_id, kept)


@api.get("/me/preferences", Permission.OWN_ACCOUNT)
def get_own_preferences(call: Call) -> PersonPreferenceOut:
    """How the token's person is told what is theirs."""
    return _of_person(_me(call), preferences.of_person(call.session, _me(call)))


@api.patch("/me/preferences", Permission.OWN_ACCOUNT)
def edit_own_preferences(call: Call, body: PersonPreferenceIn) -> PersonPreferenceOut:
    """Say it anew as a whole: what is left out is as usual."""
    if body.mail not in set(MailWish):
        raise Invalid.at("mail", f"Choose one of: {', '.join(MailWish)}.")
    wish = PersonWish(body.hours(), MailWish(body.mail))
    return _of_person(_me(call), service.wish_person(call.session, call.actor, wish, version=call.version, now=call.now))


def _me(call: Call) -> UUID:
    if call.actor.person_id is None:
        raise NotAllowed
    return call.actor.person_id
