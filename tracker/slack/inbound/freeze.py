"""/freeze: the freezes of a channel, what the customer answered, and the form for an approver's answer."""

import hashlib
import json

from tracker.domain.access import Permission
from tracker.domain.deadline import Dates
from tracker.domain.errors import EditedMeanwhile, FieldError, Invalid, NotFound
from tracker.domain.freeze import ANSWERS, HOLDS, FreezeAnswer, FreezeKind, FreezeState
from tracker.domain.workday import Calendar
from tracker.services import freeze as service
from tracker.services.planning import say_due
from tracker.slack.blocks import escape
from tracker.slack.inbound.ask import Ask, Pressed, Sent
from tracker.slack.inbound.engagement import NONE_HERE
from tracker.slack.inbound.payload import Unreadable, parse, text, uuid_of
from tracker.slack.inbound.reply import (
    OpenView,
    Reply,
    button,
    done_sheet,
    ephemeral,
    field,
    link,
    modal,
    options,
    plainly,
    section,
)
from tracker.slack.inbound.uat import check_name
from tracker.store import engagement as engagements
from tracker.store import freeze as freezes
from tracker.store.database import AnySession
from tracker.store.freeze import FreezeRow

ANSWER, VIEW = "tracker.freeze", "tracker.freeze"
FREEZES_SHOWN = 10
REASON_LENGTH = 500
CHANGED = "The freeze was changed since this form was opened. What you chose is kept: close it, read /freeze, and answer anew."
ANSWERED = {FreezeAnswer.FREEZE: "answered: we freeze", FreezeAnswer.ACCEPT_RESPONSIBILITY: "answered: we do not freeze"}


def run(session: AnySession, ask: Ask, _words: str) -> Reply:
    """The freezes that are on or to come, those that wait for an answer first; approvers get a button for each."""
    found = engagements.in_channel(session, ask.actor, ask.channel or "")
    if not found:
        return plainly(NONE_HERE)
    rows = [row for each in found for row in freezes.open_of_engagement(session, each.id)]
    rows = [row for row in rows if row.state(ask.now) is not FreezeState.ENDED]
    if not rows:
        return plainly("No freeze is on or planned in this channel.")
    rows = sorted(rows, key=lambda row: row.freeze.answer is not None)[:FREEZES_SHOWN]
    buttons = [link("Open", ask.page(f"/sites/{rows[0].site.id}/freezes"))]
    if ask.actor.may(Permission.SIGN):
        buttons += [
            button(f"Answer: {_label(row)}", f"{ANSWER}.{number}", str(row.freeze.id))
            for number, row in enumerate(rows)
            if row.freeze.answer is None
        ]
    return ephemeral("\n".join(_line(row, ask) for row in rows), buttons)


def _label(row: FreezeRow) -> str:
    return f"{FreezeKind(row.freeze.kind).label}, {row.site.name}"


def _begins(row: FreezeRow) -> str:
    zone = row.engagement.time_zone
    return say_due(Dates(due_at=row.starts_at), Calendar(zone), zone)


def _line(row: FreezeRow, ask: Ask) -> str:
    is_on = row.state(ask.now) is FreezeState.RUNNING
    answer = ANSWERED[FreezeAnswer(row.freeze.answer)] if row.freeze.answer else "*waits for an approver’s answer*"
    return f"• *{escape(_label(row))}*: {'on since' if is_on else 'begins'} {escape(_begins(row))}; {answer}"


def digest_of(row: FreezeRow) -> str:
    """The hash of what an approver is shown: which freeze of which site, when it begins and ends."""
    ends = row.freeze.ends_at.isoformat() if row.freeze.ends_at else ""
    shown = "\n".join((str(row.freeze.id), row.freeze.kind, row.site.name, row.starts_at.isoformat(), ends))
    return hashlib.sha256(shown.encode()).hexdigest()


def pressed(session: AnySession, ask: Ask, pressed: Pressed) -> Reply:
    """The button: the form for the answer. Raises NotFound, NotAllowed."""
    freeze_id = uuid_of(pressed.value)
    if freeze_id is None:
        raise NotFound
    return sheet(session, ask, freezes.get(session, ask.actor, freeze_id))


def sheet(_session: AnySession, ask: Ask, row: FreezeRow) -> Reply:
    """The form for an answer by name. Raises NotAllowed."""
    ask.actor.must(Permission.SIGN)
    kind, page = FreezeKind(row.freeze.kind), ask.page(f"/freezes/{row.freeze.id}/answer")
    if ask.trigger_id is None:
        return plainly("Answer it on its page.", [link("Open the page", page)])
    said = f"*{escape(_label(row))}* begins {escape(_begins(row))}.\n{escape(HOLDS[kind])}"
    radio = {"type": "radio_buttons", "options": options((each, _short(each)) for each in FreezeAnswer)}
    words = "\n".join(f"• {escape(each)}" for each in ANSWERS[kind].values())
    why = {"type": "plain_text_input", "multiline": True, "max_length": REASON_LENGTH}
    fields = [
        section(f"{said}\n{words}"),
        field("answer", "Your answer", radio),
        field("signed_name", "Your name", {"type": "plain_text_input", "max_length": 200}, hint=ask.actor.name),
    ]
    if row.freeze.answer is not None:
        fields.append(field("reason", "Why the answer changes", why))
    shown = json.dumps({"freeze": str(row.freeze.id), "hash": digest_of(row), "version": row.freeze.version})
    view = modal(VIEW, "Answer the freeze", "Answer", fields, metadata=shown, external_id=f"{VIEW}:{ask.key}")
    return Reply({}, OpenView(ask.trigger_id, view, page))


def _short(said: FreezeAnswer) -> str:
    return "We freeze" if said is FreezeAnswer.FREEZE else "We do not freeze, and carry what follows"


def sent(session: AnySession, ask: Ask, form: Sent) -> Reply:
    """The answer. Raises NotAllowed, EditedMeanwhile where the freeze is not what was shown any more, Guard, Invalid."""
    ask.actor.must(Permission.SIGN)
    try:
        shown = parse(form.metadata)
    except Unreadable:
        raise EditedMeanwhile(CHANGED) from None
    freeze_id, version, said = uuid_of(text(shown, "freeze")), shown.get("version"), form.chosen("answer")
    if freeze_id is None or not isinstance(version, int):
        raise EditedMeanwhile(CHANGED)
    errors = check_name(ask.actor, form)
    if said not in set(FreezeAnswer):
        errors.append(FieldError("answer", "Choose one."))
    if errors:
        raise Invalid(errors)
    answer, reason = FreezeAnswer(said or ""), form.typed("reason")
    row = service.acknowledge(session, ask.actor, freeze_id, answer, now=ask.now, reason=reason, version=version)
    # Its date may have moved without it; looked at last, while the dates are held.
    if digest_of(row) != text(shown, "hash"):
        raise EditedMeanwhile(CHANGED)
    return done_sheet("Answered", f"Thank you, {ask.actor.name}. {ANSWERS[FreezeKind(row.freeze.kind)][answer]}")
