"""The form in which time is logged in Slack, and what came of it."""

from collections.abc import Sequence
from datetime import date
from urllib.parse import urlencode
from uuid import UUID

from tracker.domain.access import Permission
from tracker.domain.budget import BudgetExceeded, WorkKind
from tracker.domain.duration import EXAMPLES, DurationError, parse_minutes, say_minutes
from tracker.domain.errors import FieldError, Invalid
from tracker.domain.time_entry import ACTIVITIES, NOTE_LENGTH, PS_KINDS, Work
from tracker.domain.workday import Calendar
from tracker.services import booking
from tracker.services.booking import Booked
from tracker.slack.inbound.ask import Ask, Sent
from tracker.slack.inbound.payload import text, uuid_of
from tracker.slack.inbound.reply import (
    Block,
    OpenView,
    Reply,
    done_sheet,
    field,
    field_errors,
    link,
    modal,
    option,
    options,
    plainly,
    shorten,
)
from tracker.store import engagement as engagements
from tracker.store import site as sites
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.site import Site

VIEW = "tracker.log"
SPLIT = "split"
ACTIVITY_LABELS = {"research": "Research", "known_solution": "Known solution"}
ERROR_LENGTH = 1000

Place = tuple[Site, Engagement]


def places_of(session: AnySession, ask: Ask, engagement_id: UUID | None = None) -> list[Place]:
    """The sites on which somebody may log: those of an engagement, or of the channel's; elsewhere all of theirs."""
    workable = sites.workable_of(session, ask.actor)
    here = {each.id for each in engagements.in_channel(session, ask.actor, ask.channel or "")}
    here = {engagement_id} if engagement_id else here
    return [place for place in workable if place[1].id in here] if here else workable


def today(ask: Ask) -> date:
    return Calendar(ask.actor.time_zone).local_date(ask.now)


def say_booked(booked: Sequence[Booked], minutes: int) -> str:
    parts = [f"{say_minutes(each.entry.minutes)} as {WorkKind(each.entry.kind).label}" for each in booked]
    return f"{say_minutes(minutes)} logged: {' and '.join(parts)}"


def open_form(session: AnySession, ask: Ask, site_id: UUID | None = None, engagement_id: UUID | None = None) -> Reply:
    """The form, perhaps with a site chosen. Raises NotFound for whoever logs no time."""
    ask.actor.must(Permission.LOG_TIME)
    places = places_of(session, ask, engagement_id)
    if not places:
        return plainly("There is no site here on which you can log time.")
    page = ask.page("/time" + (f"?{urlencode({'site': str(site_id)})}" if site_id else ""))
    if ask.trigger_id is None:
        return plainly("Log time on its page.", [link("Open the page", page)])
    view = modal(
        VIEW, "Log time", "Log", _fields(ask, places, site_id), metadata=ask.channel or "", external_id=f"{VIEW}:{ask.key}"
    )
    return Reply({}, OpenView(ask.trigger_id, view, page))


def _fields(ask: Ask, places: Sequence[Place], site_id: UUID | None) -> list[Block]:
    listed = options((str(site.id), f"{site.name} · {engagement.name}") for site, engagement in places)
    chosen = [each for each in listed if each["value"] == str(site_id)] or (listed if len(listed) == 1 else [])
    site = {"type": "static_select", "options": listed} | ({"initial_option": chosen[0]} if chosen else {})
    kinds = options((kind.value, kind.label) for kind in WorkKind)
    activities = options((each, ACTIVITY_LABELS[each]) for each in ACTIVITIES)
    ps_kinds = options((each, each.replace("-", " ").capitalize()) for each in PS_KINDS)
    split = {"type": "checkboxes", "options": [option("Split it over what else may pay for it", SPLIT)]}
    return [
        field("site_id", "Site", site),
        field("worked_on", "Day", {"type": "datepicker", "initial_date": today(ask).isoformat()}),
        field("duration", "Time spent", {"type": "plain_text_input", "max_length": 40}, hint=EXAMPLES),
        field("kind", "Kind of work", {"type": "static_select", "options": kinds, "initial_option": kinds[0]}),
        field(
            "activity",
            "Activity",
            {"type": "static_select", "options": activities, "initial_option": activities[0]},
            optional=True,
        ),
        field("known_issue_id", "Known issue", {"type": "plain_text_input", "max_length": 100}, optional=True),
        field("ps_kind", "Kind of PS work", {"type": "static_select", "options": ps_kinds}, optional=True),
        field("note", "Note", {"type": "plain_text_input", "multiline": True, "max_length": NOTE_LENGTH}, optional=True),
        field(SPLIT, "If it does not fit", split, optional=True),
    ]


def sent(session: AnySession, ask: Ask, form: Sent) -> Reply:
    """The form as it was sent: booked, or the faults at its fields. Raises what booking raises, but Invalid at a field."""
    ask.actor.must(Permission.LOG_TIME)
    work = _work_of(form)
    booked = booking.book(session, ask.actor, work, split=form.is_ticked(SPLIT), now=ask.now)
    site = sites.get(session, ask.actor, work.site_id)
    said = f"{say_booked(booked, work.minutes)} on {site.name}."
    return done_sheet("Logged", " ".join(filter(None, [said, booked[0].warning])))


def _work_of(form: Sent) -> Work:
    """Raises Invalid at every field that cannot be read."""
    errors: list[FieldError] = []
    site_id = uuid_of(form.chosen("site_id"))
    if site_id is None:
        errors.append(FieldError("site_id", "Choose a site."))
    worked_on = _day(text(form.values, "worked_on", "worked_on", "selected_date"))
    if worked_on is None:
        errors.append(FieldError("worked_on", "Say on which day."))
    minutes = 0
    try:
        minutes = parse_minutes(form.typed("duration") or "")
    except DurationError as error:
        errors.append(FieldError("duration", error.message))
    kind = form.chosen("kind")
    if kind not in set(WorkKind):
        errors.append(FieldError("kind", "Choose one."))
    if errors or site_id is None or worked_on is None or kind is None:
        raise Invalid(errors)
    work_kind = WorkKind(kind)
    return Work(
        site_id=site_id,
        worked_on=worked_on,
        minutes=minutes,
        kind=work_kind,
        # The form comes with an activity chosen; it says nothing of other work.
        activity=form.chosen("activity") if work_kind is WorkKind.ALLOWANCE else None,
        known_issue_id=(form.typed("known_issue_id") or "").strip() or None,
        ps_kind=form.chosen("ps_kind"),
        note=(form.typed("note") or "").strip(),
    )


def _day(said: str | None) -> date | None:
    try:
        return date.fromisoformat(said or "")
    except ValueError:
        return None


def say_refused(error: BudgetExceeded) -> Reply:
    """At the field, because whatever was typed must stay: what is left, and the ways on in words."""
    labels = [option.label for option in error.options if option.action != "split"]
    split = ["tick the split below"] if any(option.action == "split" for option in error.options) else []
    ways = "; or ".join([*split, *(label[0].lower() + label[1:] for label in labels)])
    return field_errors({"duration": shorten(f"{error.message} You can: {ways}.", ERROR_LENGTH)})
