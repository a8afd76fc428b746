"""What people and engagements would rather be told when, and how. What waits is planned anew in the same transaction."""

from datetime import datetime
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.errors import EditedMeanwhile, Invalid
from tracker.domain.preference import EngagementWish, HoursWish, PersonWish
from tracker.services.planning import replan, take
from tracker.store import audit
from tracker.store import deadline as deadlines
from tracker.store import engagement as engagements
from tracker.store import preference as preferences
from tracker.store.database import AnySession
from tracker.store.preference import EngagementPreference, Hours, PersonPreference


def wish_engagement(
    session: AnySession, actor: Actor, engagement_id: UUID, wish: EngagementWish, *, version: int | None, now: datetime
) -> EngagementPreference:
    """Keep what an engagement's channels are to be told when. Raises NotFound, NotAllowed, EditedMeanwhile, Invalid."""
    engagement = engagements.get(session, actor, engagement_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    wish.check()
    take(session, engagement)
    kept = preferences.of_engagement(session, engagement_id)
    if kept is None:
        kept = EngagementPreference(engagement_id=engagement_id, ladders={}, weekly_digest=True, daily_digest=True, version=0)
        session.add(kept)
    _against_stale(kept, version)
    _write_hours(kept, wish.hours)
    kept.ladders = {kind.value: list(leads) for kind, leads in wish.ladders.items()}
    kept.weekly_digest, kept.daily_digest = wish.weekly_digest, wish.daily_digest
    session.flush()
    audit.record(session, actor, engagement_id, "preference.changed", ("engagement", engagement_id), {"ladders": kept.ladders})
    # The moment of the next digest is found anew, for its hour may be another.
    engagement.digest_at = None
    replan(session, engagement, now=now)
    return kept


def usual_engagement(session: AnySession, actor: Actor, engagement_id: UUID, *, now: datetime) -> EngagementPreference:
    """Go back to the usual. Raises NotFound, NotAllowed."""
    return wish_engagement(session, actor, engagement_id, EngagementWish(), version=None, now=now)


def wish_person(session: AnySession, actor: Actor, wish: PersonWish, *, version: int | None, now: datetime) -> PersonPreference:
    """Keep how somebody is told what is theirs; what waits for them is planned anew by the next ticks.

    Raises EditedMeanwhile, Invalid.
    """
    assert actor.person_id is not None
    if faults := wish.hours.faults():
        raise Invalid(faults)
    kept = preferences.of_person(session, actor.person_id)
    if kept is None:
        kept = PersonPreference(person_id=actor.person_id, mail=wish.mail, version=0)
        session.add(kept)
    _against_stale(kept, version)
    _write_hours(kept, wish.hours)
    kept.mail = wish.mail
    session.flush()
    audit.record(session, actor, None, "preference.changed", ("person", actor.person_id), {"mail": wish.mail})
    deadlines.replan_all(session, now, owner_id=actor.person_id)
    return kept


def _against_stale(kept: Hours, version: int | None) -> None:
    """A form that was opened before anything was kept says 0."""
    if version is not None and version != kept.version:
        raise EditedMeanwhile
    kept.version += 1


def _write_hours(kept: Hours, hours: HoursWish) -> None:
    kept.digest_hour, kept.quiet_from, kept.quiet_until = hours.digest_hour, hours.quiet_from, hours.quiet_until
    kept.working_days = None if hours.working_days is None else list(hours.working_days)
