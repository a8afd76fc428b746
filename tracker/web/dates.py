"""How dates are shown: when, how far off, whose they are, where they come from."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from tracker.domain.access import Actor, Permission
from tracker.domain.deadline import KINDS, DeadlineKind, may_finish
from tracker.domain.workday import Calendar
from tracker.store.deadline import Deadline
from tracker.store.engagement import Engagement
from tracker.web.filters import say_day, say_distance, say_moment
from tracker.web.present import Shown, count_of

SOON_DAYS = 3


@dataclass(frozen=True)
class DateView:
    """What the dates of one engagement are shown by."""

    engagement: Engagement
    actor: Actor
    now: datetime
    site_names: Mapping[UUID, str] = field(default_factory=dict)
    over: Collection[UUID] = ()  # sites that were withdrawn: nothing is late there
    launched: Collection[UUID] = ()  # sites that are live: no freeze goes on there
    waived: Collection[UUID] = ()  # dates by which nothing has to be done any more
    people: Mapping[UUID, str] = field(default_factory=dict)
    on_site: bool = False  # shown on a site's page, so that its buttons lead back there

    @property
    def today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.engagement.time_zone)).date()


def people_in(dated: Iterable[Deadline]) -> set[UUID]:
    """Everybody whom dates name."""
    return {person for deadline in dated for person in (deadline.owner_id, deadline.done_by) if person is not None}


def say_due(deadline: Deadline, time_zone: str) -> str:
    """When something is due: its day, or the moment on the engagement's clock."""
    if deadline.due_at is None:
        return say_day(deadline.day)
    return f"{say_moment(deadline.due_at, time_zone)} {deadline.due_at.astimezone(ZoneInfo(time_zone)):%Z}"


def is_late(deadline: Deadline, time_zone: str, now: datetime) -> bool:
    """Whether an open date has passed: the instant itself, or the midnight that ends its day."""
    return deadline.dates.ends_at(Calendar(time_zone)) <= now


def tone_of(deadline: Deadline, time_zone: str, now: datetime) -> str:
    """Red for today and late, amber for what comes close or goes on, grey for the rest."""
    days = (deadline.day - now.astimezone(ZoneInfo(time_zone)).date()).days
    if days <= 0:
        return "amber" if KINDS[DeadlineKind(deadline.kind)].runs else "red"
    return "amber" if days <= SOON_DAYS else "grey"


def distance(deadline: Deadline, time_zone: str, now: datetime) -> str:
    """How far off an open date is; of one that has passed, that it is late, or how long it has been going on."""
    today = now.astimezone(ZoneInfo(time_zone)).date()
    if not is_late(deadline, time_zone, now):
        return say_distance(deadline.day, today)
    if KINDS[DeadlineKind(deadline.kind)].runs:
        days = (today - deadline.day).days
        return f"on for {count_of(days, 'day')}" if days else "on since today"
    return say_late(deadline, time_zone, now)


def say_late(deadline: Deadline, time_zone: str, now: datetime) -> str:
    """How late something is that was due by a date."""
    days = (now.astimezone(ZoneInfo(time_zone)).date() - deadline.day).days
    return f"{count_of(days, 'day')} late" if days else "late"


def deadline_row(deadline: Deadline, view: DateView) -> Shown:
    """One date with what can be done about it."""
    kind = KINDS[DeadlineKind(deadline.kind)]
    zone, live = view.engagement.time_zone, _is_live(deadline, view)
    owner = view.people.get(deadline.owner_id) if deadline.owner_id else None
    query = "?on=site" if view.on_site else ""
    finishable = may_finish(
        view.actor,
        DeadlineKind(deadline.kind),
        owner_id=deadline.owner_id,
        done_by=deadline.done_by,
        open_again=deadline.done_at is not None,
    )
    return Shown(
        id=deadline.id,
        title=deadline.title,
        site_name=None if view.on_site else view.site_names.get(deadline.site_id) if deadline.site_id else None,
        day=f"{deadline.day.day}",
        month=f"{deadline.day:%b}",
        weekday_date=say_due(deadline, zone),
        relative=distance(deadline, zone, view.now) if live else "no longer counts",
        tone=tone_of(deadline, zone, view.now) if live else "grey",
        owner_label=" · ".join(filter(None, [owner, {"customer": "Customer", "team": "Team"}[kind.owner]])),
        source_label=say_source(deadline),
        reason=deadline.reason,
        is_done=deadline.done_at is not None,
        is_live=live,
        is_on=live and kind.runs and is_late(deadline, zone, view.now),
        done_note=_say_done(deadline, view),
        done_label="Received" if deadline.kind == DeadlineKind.INVENTORY else "Done",
        version=deadline.version,
        move_url=f"/deadlines/{deadline.id}/move{query}" if view.actor.may(Permission.EDIT_ENGAGEMENT) else None,
        done_url=f"/deadlines/{deadline.id}/done{query}" if finishable else None,
        ask_url=_ask_url(deadline, view) if live else None,
    )


def _ask_url(deadline: Deadline, view: DateView) -> str | None:
    """Where somebody who may not move a date asks for another one."""
    if view.actor.may(Permission.EDIT_ENGAGEMENT) or not view.actor.may(Permission.ANSWER):
        return None
    return f"/engagements/{deadline.engagement_id}/change-requests/new?kind=move_date&deadline={deadline.id}"


def _is_live(deadline: Deadline, view: DateView) -> bool:
    if deadline.done_at is not None or deadline.id in view.waived:
        return False
    if KINDS[DeadlineKind(deadline.kind)].runs and deadline.site_id in view.launched:
        return False
    return view.engagement.status == "active" and deadline.site_id not in view.over


def _say_done(deadline: Deadline, view: DateView) -> str | None:
    if deadline.done_at is None:
        return None
    by = view.people.get(deadline.done_by) if deadline.done_by else None
    on = say_day(deadline.done_at.astimezone(ZoneInfo(view.engagement.time_zone)).date())
    return f"{on}, {by}" if by else on


def say_source(deadline: Deadline) -> str:
    """Where a date comes from: counted from another, or set by hand; and when its window opens."""
    said = "Set by hand"
    if deadline.anchor is not None and deadline.offset_days is not None:
        days = count_of(abs(deadline.offset_days), "business day")
        title = KINDS[DeadlineKind(deadline.anchor)].title
        anchor = title if title.startswith("DNS") else title.lower()
        said = (
            f"{days} {'before' if deadline.offset_days < 0 else 'after'} the {anchor}"
            if deadline.offset_days
            else f"With the {anchor}"
        )
    return f"{said}; opens {say_day(deadline.opens_on)}" if deadline.opens_on else said


def kind_choices() -> dict[str, dict[str, str]]:
    """The kinds of dates that may be set, by what they belong to."""
    named = [(kind, facts) for kind, facts in KINDS.items() if kind is not DeadlineKind.CUSTOM]
    return {
        "Of one site": {kind.value: facts.title for kind, facts in named if facts.of_site},
        "Of the whole engagement": {kind.value: facts.title for kind, facts in named if not facts.of_site},
        "Of your own kind": {DeadlineKind.CUSTOM.value: "Another date, with a title"},
    }


# Hours
