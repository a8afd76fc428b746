"""The buttons under a message: acknowledge, put off, done, log time. Open is a link."""

import re
from uuid import UUID

from tracker.domain.access import Permission
from tracker.domain.deadline import Dates
from tracker.domain.duty import DUTIES, DutyState
from tracker.domain.errors import Guard, NotFound
from tracker.domain.snooze import Snooze
from tracker.domain.workday import Calendar
from tracker.services import deadline as deadline_service
from tracker.services import duty as duty_service
from tracker.services import notice as service
from tracker.services.deadline import DateChange
from tracker.services.duty import DutyChange
from tracker.services.planning import say_due
from tracker.slack.inbound import log_form
from tracker.slack.inbound.ask import Ask, Pressed
from tracker.slack.inbound.payload import uuid_of
from tracker.slack.inbound.reply import Reply, link, plainly
from tracker.store import deadline as deadlines
from tracker.store import duty as duties
from tracker.store import message_edit
from tracker.store import person as people
from tracker.store.database import AnySession
from tracker.store.deadline import Deadline
from tracker.store.duty import Duty

ACK, SNOOZE, DONE, LOG, OPEN = ("tracker.ack", "tracker.snooze", "tracker.done", "tracker.log", "tracker.open")
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# The page on which a duty is completed that more than a word completes, by its kind.
COMPLETED_AT = {"code-freeze": "/sites/{site}/freezes", "uat": "/sites/{site}/uat"}


def _notice_id(value: str) -> UUID:
    """The notice that a button names, perhaps beside a choice. Raises NotFound."""
    found = ID.search(value.lower())
    notice_id = uuid_of(found[0]) if found else None
    if notice_id is None:
        raise NotFound
    return notice_id


def acknowledge(session: AnySession, ask: Ask, pressed: Pressed) -> Reply:
    """“Seen”: written down once, with the name. Raises NotFound."""
    found = service.acknowledge(session, ask.actor, _notice_id(pressed.value), now=ask.now)
    if found.is_new:
        return plainly("Thank you. It is on record that you have seen this.")
    when = say_due(Dates(due_at=found.at), Calendar(found.time_zone), found.time_zone)
    return plainly(f"Already acknowledged by {found.by}, {when}.")


def snooze(session: AnySession, ask: Ask, pressed: Pressed) -> Reply:
    """“Later”: told again at the chosen time. Raises NotFound, Guard with what is possible."""
    notice_id = _notice_id(pressed.value)
    choice = choice_of(pressed.value)
    if choice is None:
        raise NotFound
    found = service.snooze(session, ask.actor, notice_id, choice, now=ask.now)
    when = say_due(Dates(due_at=found.until), Calendar(found.time_zone), found.time_zone)
    return plainly(f"This is told again {when}, unless it is done before.")


def value_of(choice: Snooze, notice_id: UUID) -> str:
    """What an option of the list carries."""
    return f"{choice}:{notice_id}"


def choice_of(value: str) -> Snooze | None:
    """The choice that an option carries beside the notice's id, in whichever order."""
    said = {word for word in re.split(r"[:;,|\s]+", value.lower()) if not ID.fullmatch(word)}
    return next((choice for choice in Snooze if choice in said), None)


def done(session: AnySession, ask: Ask, pressed: Pressed) -> Reply:
    """“Done”: the date behind the message, and the duty that hangs on it. Raises NotFound, NotAllowed, Guard."""
    notice, _engagement = service.told(session, ask.actor, _notice_id(pressed.value))
    if notice.deadline_id is None:
        raise Guard("Nothing hangs on this message that could be marked done.", rule="order")
    deadline = deadlines.get(session, ask.actor, notice.deadline_id)
    if deadline.done_at is not None:
        return plainly(_say_done(session, deadline))
    duty = duties.of_deadline(session, deadline.id)
    if duty is not None and duty.state == DutyState.OPEN and not ask.actor.may(Permission.EDIT_ENGAGEMENT):
        elsewhere = _completed_elsewhere(ask, duty)
        if elsewhere is not None:
            return elsewhere
        change = DutyChange(None, frozenset({"state"}), DutyState.DONE)
        duty_service.change_duty(session, ask.actor, duty.id, change, now=ask.now)
    else:
        deadline_service.change_date(session, ask.actor, deadline.id, DateChange(None, done_at=ask.now), now=ask.now)
    message_edit.want(session, notice.id, ask.now)
    return plainly(f"“{deadline.title}” is marked done.")


def _say_done(session: AnySession, deadline: Deadline) -> str:
    by = people.people_named(session, {deadline.done_by})[deadline.done_by] if deadline.done_by else None
    return f"“{deadline.title}” is done already{f', marked by {by}' if by else ''}."


def _completed_elsewhere(ask: Ask, duty: Duty) -> Reply | None:
    """What more than a word completes: where that is given."""
    completed_by = DUTIES[duty.kind].completed_by
    if completed_by is None:
        return None
    page = ask.page(COMPLETED_AT.get(duty.kind, "/sites/{site}").format(site=duty.site_id))
    return plainly(f"“{duty.title}” is completed by {completed_by}.", [link("Open the page", page)])


def log(session: AnySession, ask: Ask, pressed: Pressed) -> Reply:
    """“Log time”: the form, with the message's site chosen. Raises NotFound, also for whoever logs none."""
    ask.actor.must(Permission.LOG_TIME)
    notice, _engagement = service.told(session, ask.actor, _notice_id(pressed.value))
    return log_form.open_form(session, ask, notice.site_id, notice.engagement_id)
