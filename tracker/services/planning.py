"""Plans the reminders of one engagement, in the transaction that changed its facts. Use cases share it; no edge calls it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from tracker.domain.comment import comment_of
from tracker.domain.deadline import KINDS, Dates, DeadlineKind, following
from tracker.domain.duty import DUTIES
from tracker.domain.engagement import Windows
from tracker.domain.notice import DAILY_DIGEST, TEAM_ONLY, Audience, Notice, occasion_of
from tracker.domain.preference import EngagementWish, may_wait, wished
from tracker.domain.quiet import next_allowed
from tracker.domain.reminders.ladder import (
    AT_OPENING,
    ESCALATIONS,
    TO_MANAGER,
    Ladder,
    Moment,
    Occasion,
    escalations,
    next_repeat,
    occasions,
    say_escalation,
)
from tracker.domain.reminders.registry import ESCALATED
from tracker.domain.site import LAUNCHED_STAGES
from tracker.domain.workday import Calendar
from tracker.services.digest_turn import plan_digests
from tracker.services.mailing import letters_of
from tracker.services.obligations import align
from tracker.store import comment as comments
from tracker.store import cover as covers
from tracker.store import day_off as days_off
from tracker.store import deadline as deadlines
from tracker.store import duty as duties
from tracker.store import engagement as engagements
from tracker.store import outbox
from tracker.store import person as people
from tracker.store import preference as preferences
from tracker.store import site as sites
from tracker.store.database import AnySession
from tracker.store.deadline import Deadline
from tracker.store.engagement import Engagement
from tracker.store.holiday import holidays_of
from tracker.store.notice import OutboxNotice
from tracker.store.site import Site

UNTRUE = "The date was moved or is done, or a later reminder followed."
WITHDRAWN = "The comment was withdrawn."
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
DATES_OF_DUTIES = frozenset(facts.deadline for facts in DUTIES.values())
# Told within the last minutes of its use, a reminder would be useless before it is read.
SHORTEST_USE = timedelta(minutes=30)
# Business days are counted at most a year of working days away from a date, so that holidays of these years are enough.
YEARS_AROUND = 2


def calendar_of(session: AnySession, engagement: Engagement, country: str | None, around: Iterable[date]) -> Calendar:
    """The calendar in which an engagement's business days are counted, in one statement.

    It holds the country's holidays and the customer's own days off, of the years that matter around these days.
    """
    years = {year for day in around for year in range(max(1, day.year - YEARS_AROUND), min(9998, day.year + YEARS_AROUND) + 1)}
    own = days_off.days_of(session, engagement.customer_id, date(min(years), 1, 1), date(max(years), 12, 31))
    return Calendar(engagement.time_zone, holidays_of(country, years) | own)


@dataclass(frozen=True)
class Ground:
    """What the dates of one engagement stand on."""

    engagement: Engagement
    windows: Windows | None
    calendar: Calendar
    site_names: Mapping[UUID, str]
    launched: frozenset[UUID]
    withdrawn: frozenset[UUID]
    listed: Sequence[Site]
    catalogue_version: int | None
    # Dates by which nothing has to be done any more.
    waived: frozenset[UUID]
    wish: EngagementWish

    def ladder_of(self, deadline: Deadline) -> Ladder:
        """How far ahead a date is told of, as the engagement has it."""
        kind = DeadlineKind(deadline.kind)
        return wished(kind, self.wish.ladders.get(kind))


def ground_of(session: AnySession, engagement: Engagement, *, around: Iterable[date]) -> Ground:
    """Read what dates stand on, in six statements."""
    customer = engagements.customer(session, engagement.customer_id)
    agreement = engagements.agreement_of(session, engagement.id)
    listed = sites.of_engagement(session, engagement.id)
    return Ground(
        engagement=engagement,
        windows=agreement.windows if agreement else None,
        calendar=calendar_of(session, engagement, customer.country, around),
        site_names={site.id: site.name for site in listed},
        launched=frozenset(site.id for site in listed if site.stage in LAUNCHED_STAGES),
        withdrawn=frozenset(site.id for site in listed if site.stage == "withdrawn"),
        listed=listed,
        catalogue_version=agreement.catalogue_version if agreement else None,
        waived=duties.waived_dates(session, engagement.id),
        wish=preferences.wish_of(preferences.of_engagement(session, engagement.id)),
    )


def take(session: AnySession, engagement: Engagement) -> None:
    """Hold an engagement's dates for this unit and read it anew, so that two changes are planned one after the other.

    Whoever changes a date takes it before reading that date. Bookings are not held up.
    """
    session.flush()
    session.refresh(engagement, with_for_update={"key_share": True})


def replan(session: AnySession, engagement: Engagement, *, now: datetime, after: datetime | None = None) -> None:
    """Bring an engagement's duties, freezes and waiting notices in line with its dates as they are now.

    What is later than `after` (now, unless a tick catches up) is planned; what waits and is no longer true is called
    off. Setting a date thus posts nothing by itself.
    """
    take(session, engagement)
    dated = deadlines.of_engagement(session, engagement.id, anew=True)
    ground = ground_of(session, engagement, around=[now.date(), *(deadline.day for deadline in dated)])
    align(session, engagement, dated, ground.listed, ground.catalogue_version, now=now)
    owners = {each.owner_id for each in dated if each.owner_id is not None and each.done_at is None}
    mentions = covers.mentions_of(session, {*owners, engagement.manager_id}, now)
    letters = letters_of(session, {*owners, engagement.manager_id}, mentions)
    names = people.people_named(session, owners)
    notices: list[Notice] = []
    keep: list[str] = []
    engagement.next_on = next((each.day for each in dated if is_live(each, ground) and not has_begun(each, now)), None)
    for deadline in dated:
        if not is_live(deadline, ground):
            deadline.replan_at = None
            continue
        ladder, moment = (
            ground.ladder_of(deadline),
            Moment(deadline.dates, ground.calendar, _window(ground)),
        )
        for occasion in _all_occasions(deadline, ladder, moment, ground, now):
            notice = _notice(deadline, occasion, ground, mentions, names)
            letter = letters.of(notice, _meant(deadline, occasion, ground))
            told = [notice] if may_be_told(engagement, notice.kind) else []
            told += [] if letter is None else [letter]
            keep += [notice.key, *(each.key for each in told)]
            if occasion.at > (after or now):
                notices += told
        deadline.replan_at = min(filter(None, (next_repeat(ladder, moment, now), _begun_at(deadline, now))), default=None)
    plan_digests(session, engagement, dated, ground.calendar, now)
    session.flush()
    outbox.cancel_others(session, [deadline.id for deadline in dated], keep, UNTRUE, now)
    for team_only in (False, True):
        some = [notice for notice in notices if (notice.kind in TEAM_ONLY) is team_only]
        channels: dict[str, str | None] = channels_of(engagement)
        if team_only:
            channels = {Audience.INTERNAL: team_channel_of(engagement)}
        outbox.plan(session, engagement.id, some, channels, now)


def _all_occasions(deadline: Deadline, ladder: Ladder, moment: Moment, ground: Ground, now: datetime) -> list[Occasion]:
    """The reminders of a date, and how it climbs where it is overdue; put off where the engagement has quiet hours."""
    found = [*occasions(ladder, moment, after=LONG_AGO, now=now), *escalations(ladder, moment, after=LONG_AGO)]
    quiet, kind = ground.wish.hours.quiet, DeadlineKind(deadline.kind)
    if not quiet.is_set:
        return found
    return [
        replace(each, at=next_allowed(each.at, quiet, ground.calendar, latest=each.useless_after - SHORTEST_USE))
        if may_wait(kind, each.name)
        else each
        for each in found
    ]


def may_be_told(engagement: Engagement, kind: str) -> bool:
    """Whether there is anybody to tell: what only the team may read needs a channel of its own."""
    return kind not in TEAM_ONLY or team_channel_of(engagement) is not None


def revise(session: AnySession, notice: OutboxNotice, *, now: datetime) -> None:
    """A notice has come back from the wire unsent: call it off, or redirect it, where the facts changed meanwhile.

    While Slack may have it, neither could be done. Call this in the transaction that lets it wait again.
    """
    engagement = session.get_one(Engagement, notice.engagement_id)
    take(session, engagement)
    channel = channel_of(engagement, notice.kind, notice.audience)
    outbox.redirect(session, engagement.id, notice.audience, channel, team_only=notice.kind in TEAM_ONLY, only=notice.id)
    said = comment_of(notice.key)
    if said is not None and comments.is_withdrawn(session, said):
        outbox.call_off(session, notice.id, WITHDRAWN, now)
    if notice.deadline_id is None:
        return
    deadline = session.get_one(Deadline, notice.deadline_id, populate_existing=True)
    ground = ground_of(session, engagement, around=[now.date(), deadline.day])
    ladder, moment = ground.ladder_of(deadline), Moment(deadline.dates, ground.calendar, _window(ground))
    keys = {_key(deadline, occasion) for occasion in _all_occasions(deadline, ladder, moment, ground, now)}
    # What somebody snoozed is true as long as what it was first told as.
    first = notice if notice.origin_id is None else session.get_one(OutboxNotice, notice.origin_id)
    if deadline.withdrawn_at is not None or not is_live(deadline, ground) or occasion_of(first.key) not in keys:
        outbox.call_off(session, notice.id, UNTRUE, now)


def channels_of(engagement: Engagement) -> dict[str, str | None]:
    """Where each audience reads; the team reads the customer's channel where it has none of its own."""
    return {
        Audience.CUSTOMER: engagement.slack_channel,
        Audience.INTERNAL: engagement.internal_slack_channel or engagement.slack_channel,
    }


def team_channel_of(engagement: Engagement) -> str | None:
    """The channel that the team has for itself; None where there is none, or where it is the customer's too."""
    own = engagement.internal_slack_channel
    return None if own == engagement.slack_channel else own


def channel_of(engagement: Engagement, kind: str, audience: str, *, now_in: str | None = None) -> str | None:
    """Where a notice of a kind goes. What only the team may read has no substitute for a channel of its own.

    A daily digest is of a channel and not of the engagement that it is kept at: it stays where it is.
    """
    if kind == DAILY_DIGEST:
        return now_in
    return team_channel_of(engagement) if kind in TEAM_ONLY else channels_of(engagement)[audience]


def redirect(session: AnySession, engagement: Engagement) -> None:
    """Send everything of an engagement that waits to the channels that it has now."""
    for audience, channel in channels_of(engagement).items():
        outbox.redirect(session, engagement.id, audience, channel)
    outbox.redirect(session, engagement.id, Audience.INTERNAL, team_channel_of(engagement), team_only=True)


def tell(session: AnySession, engagement: Engagement, notice: Notice, *, now: datetime) -> None:
    """Plan a notice that no date asks for, once. What only the team may read is told to nobody where it has no channel."""
    # Held, so that a channel that changes meanwhile is the one it goes to, or moves it with all else that waits.
    take(session, engagement)
    channel = channel_of(engagement, notice.kind, notice.audience)
    if not may_be_told(engagement, notice.kind):
        return
    outbox.plan(session, engagement.id, [notice], {notice.audience: channel}, now)


def _key(deadline: Deadline, occasion: Occasion) -> str:
    """Names the deadline as it stands: move the date and the reminder is due anew.

    That a window is open hangs on its first day: moving its end tells nobody again.
    """
    dates = deadline.dates
    due = dates.opens_on if occasion.name == AT_OPENING.name else dates.due_at or dates.due_on
    return f"{deadline.kind}:{deadline.id}:{(due or date.min).isoformat()}:{occasion.name}"


def is_live(deadline: Deadline, ground: Ground) -> bool:
    """Whether anybody still has to be reminded of a date."""
    if deadline.done_at is not None or ground.engagement.status != "active" or deadline.site_id in ground.withdrawn:
        return False
    if deadline.id in ground.waived:
        return False
    return not (deadline.kind == DeadlineKind.CODE_FREEZE and deadline.site_id in ground.launched)


def has_begun(deadline: Deadline, now: datetime) -> bool:
    """Whether a freeze is on: what it begins is no date to come any more."""
    return KINDS[DeadlineKind(deadline.kind)].runs and deadline.day < now.date()


def _begun_at(deadline: Deadline, now: datetime) -> datetime | None:
    """When the engagement's next date has to be looked for again, because a freeze is on by then."""
    if not KINDS[DeadlineKind(deadline.kind)].runs or has_begun(deadline, now):
        return None
    return datetime.combine(deadline.day + timedelta(days=1), time.min, UTC)


def _window(ground: Ground) -> int | None:
    return ground.windows.cutover if ground.windows else None


def _notice(
    deadline: Deadline, occasion: Occasion, ground: Ground, mentions: covers.Mentions, names: Mapping[UUID, str]
) -> Notice:
    facts, kind = KINDS[DeadlineKind(deadline.kind)], f"{deadline.kind}.{occasion.name.split('-')[0]}"
    subject = ground.site_names.get(deadline.site_id, "") if deadline.site_id else ground.engagement.name
    thing = deadline.title if deadline.kind == DeadlineKind.CUSTOM else facts.thing
    climbs = kind in ESCALATED
    owner = names.get(deadline.owner_id) if deadline.owner_id else None
    said = [("When", say_due(deadline.dates, ground.calendar, ground.engagement.time_zone))]
    if owner is not None:
        said.append(("Who", owner))
    if deadline.site_id:
        said.append(("Engagement", ground.engagement.name))
    return Notice(
        key=_key(deadline, occasion),
        kind=kind,
        audience=Audience.INTERNAL if facts.internal or climbs else Audience.CUSTOMER,
        headline=f"{subject}: {occasion.says.format(thing=thing, verb=facts.verb)}",
        text=say_escalation(occasion.name, owner or facts.owner, facts.ask) if climbs else facts.ask,
        facts=tuple(said),
        path=path_of(deadline),
        due_at=occasion.at,
        useless_after=occasion.useless_after,
        site_id=deadline.site_id,
        deadline_id=deadline.id,
        mention=mentions.at(_meant(deadline, occasion, ground), occasion.at),
    )


def _meant(deadline: Deadline, occasion: Occasion, ground: Ground) -> UUID | None:
    """Whoever owns the date; when it climbs its manager, and at last nobody in particular."""
    if occasion.name not in ESCALATIONS:
        return deadline.owner_id
    return ground.engagement.manager_id if ESCALATIONS[occasion.name] == TO_MANAGER else None


def path_of(deadline: Deadline) -> str:
    """The very record: the duty that a date belongs to, its freeze, its rounds of UAT, or else the date itself."""
    kind, anchor = DeadlineKind(deadline.kind), f"#date-{deadline.id}"
    if kind is DeadlineKind.UAT:
        return f"/sites/{deadline.site_id}/uat#rounds"
    if KINDS[kind].runs:
        return f"/sites/{deadline.site_id}/freezes{anchor}"
    if kind in DATES_OF_DUTIES:
        return f"/engagements/{deadline.engagement_id}/duties{anchor}"
    return f"/sites/{deadline.site_id}{anchor}" if deadline.site_id else f"/engagements/{deadline.engagement_id}{anchor}"


def say_due(dates: Dates, calendar: Calendar, time_zone: str) -> str:
    """A date as people read it: with weekday, and with the zone where it is an instant."""
    if dates.due_at is None:
        return f"{dates.day(calendar):%a %-d %b %Y}"
    local = dates.due_at.astimezone(ZoneInfo(time_zone))
    return f"{local:%a %-d %b %Y, %H:%M} ({time_zone})"


def place_following(session: AnySession, anchor: Deadline, ground: Ground, *, now: datetime) -> None:
    """Write the dates that follow from an entered one. A date that somebody set by hand, or that is done, stays."""
    for kind, (offset, day) in following(DeadlineKind(anchor.kind), anchor.dates, ground.windows, ground.calendar).items():
        existing = deadlines.one(session, anchor.engagement_id, anchor.site_id, kind)
        if existing is None:
            session.add(
                Deadline(
                    engagement_id=anchor.engagement_id,
                    site_id=anchor.site_id,
                    kind=kind,
                    title=KINDS[kind].title,
                    due_on=day,
                    day=day,
                    source="computed",
                    anchor=anchor.kind,
                    offset_days=offset,
                    created_at=now,
                )
            )
        elif existing.source == "computed" and existing.done_at is None and existing.due_on != day:
            existing.due_on = existing.day = day
            existing.offset_days = offset
            existing.version += 1
    session.flush()


def recount(session: AnySession, engagement: Engagement, *, now: datetime) -> int:
    """Count the dates that follow from others anew, for another calendar, and plan their reminders.

    Returns how many dates moved.
    """
    take(session, engagement)
    dated = deadlines.of_engagement(session, engagement.id, anew=True)
    before = {deadline.id: deadline.day for deadline in dated}
    ground = ground_of(session, engagement, around=[now.date(), *(deadline.day for deadline in dated)])
    for anchor in dated:
        place_following(session, anchor, ground, now=now)
    moved = sum(before[deadline.id] != deadline.day for deadline in dated)
    replan(session, engagement, now=now)
    return moved


def just_before(moment: datetime) -> datetime:
    """The last moment that does not include the given one."""
    return moment - timedelta(microseconds=1)
