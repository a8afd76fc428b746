"""/uat: how the acceptance tests of a channel stand, and an approver's signature under one."""

import json

from tracker.domain.access import Actor, Permission
from tracker.domain.errors import EditedMeanwhile, FieldError, Invalid, NotFound
from tracker.domain.text import same_name
from tracker.domain.uat import UNSETTLED
from tracker.services import uat as service
from tracker.slack.blocks import escape
from tracker.slack.inbound import dates
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
    option,
    plainly,
    section,
)
from tracker.store import engagement as engagements
from tracker.store import requirements
from tracker.store import uat as rounds
from tracker.store.database import AnySession
from tracker.store.uat import RoundRow

SIGN, VIEW = "tracker.uat", "tracker.uat"
ROUNDS_SHOWN = 10
HASH_SHOWN = 12  # characters, enough to compare with the page


def run(session: AnySession, ask: Ask, _words: str) -> Reply:
    """The rounds that are open in this channel's engagements; approvers get a button for each."""
    found = engagements.in_channel(session, ask.actor, ask.channel or "")
    if not found:
        return plainly(NONE_HERE)
    open_rounds = [row for each in found for row in rounds.open_rounds_of_engagement(session, each.id)][:ROUNDS_SHOWN]
    if not open_rounds:
        return plainly("No acceptance test is open in this channel.")
    lines = [line for row in open_rounds for line in _lines(session, ask, row)]
    buttons = [link("Open", ask.page(f"/sites/{open_rounds[0].site.id}/uat"))]
    if ask.actor.may(Permission.SIGN):
        buttons += [
            button(f"Sign for {row.site.name}", f"{SIGN}.{number}", str(row.round.id)) for number, row in enumerate(open_rounds)
        ]
    return ephemeral("\n".join(lines), buttons)


def _lines(session: AnySession, ask: Ask, row: RoundRow) -> list[str]:
    found = rounds.defects_of_site(session, row.site.id)
    unsettled = sum(each.defect.state in UNSETTLED for each in found)
    due = [each for each in dates.open_dates(session, row.engagement, ask.now) if each[0].site_id == row.site.id]
    said = [f"*{escape(row.site.name)}*: round {row.round.number} is open, {unsettled} of {len(found)} defects are not settled."]
    return [*said, *dates.lines([each for each in due if each[0].kind == "uat"], row.engagement.time_zone, ask.now)]


def pressed(session: AnySession, ask: Ask, pressed: Pressed) -> Reply:
    """The button: the sheet that is to be signed. Raises NotFound, NotAllowed."""
    round_id = uuid_of(pressed.value)
    if round_id is None:
        raise NotFound
    return sheet(session, ask, rounds.get_round(session, ask.actor, round_id))


def sheet(session: AnySession, ask: Ask, row: RoundRow) -> Reply:
    """What an approver signs: the test of one site, over the requirements in force. Raises NotAllowed."""
    ask.actor.must(Permission.SIGN)
    page = ask.page(f"/sites/{row.site.id}/uat")
    agreed = requirements.latest(session, row.engagement.id)
    if agreed is None or ask.trigger_id is None:
        return plainly("Sign it on its page.", [link("Open the page", page)])
    said = (
        f"*{escape(row.site.name)}*, round {row.round.number} of the acceptance test ({escape(row.engagement.name)}).\n"
        f"You sign over the requirements, version {agreed.version}, {agreed.hash[:HASH_SHOWN]}: <{page}|read them on the page>."
    )
    view = modal(
        VIEW,
        "Sign the UAT",
        "Sign",
        [section(said), *_fields(ask.actor)],
        metadata=json.dumps({"round": str(row.round.id), "hash": agreed.hash}),
        external_id=f"{VIEW}:{ask.key}",
    )
    return Reply({}, OpenView(ask.trigger_id, view, page))


def _fields(actor: Actor) -> list[dict[str, object]]:
    agree = {"type": "checkboxes", "options": [option("I have tested this site, or had it tested, and accept it", "agree")]}
    name = {"type": "plain_text_input", "max_length": 200}
    return [
        dict(field("agree", "Acceptance", agree)),
        dict(field("signed_name", "Your name", name, hint=f"As it should stand on record: {actor.name}")),
    ]


def sent(session: AnySession, ask: Ask, form: Sent) -> Reply:
    """The signature. Raises NotAllowed, EditedMeanwhile for another hash than the one in force, Guard, Invalid."""
    ask.actor.must(Permission.SIGN)
    try:
        shown = parse(form.metadata)
    except Unreadable:
        raise EditedMeanwhile from None
    round_id, digest = uuid_of(text(shown, "round")), text(shown, "hash")
    if round_id is None or digest is None:
        raise EditedMeanwhile
    errors = check_name(ask.actor, form)
    if not form.is_ticked("agree"):
        errors.append(FieldError("agree", "Tick this to sign."))
    if errors:
        raise Invalid(errors)
    row = service.sign_off(session, ask.actor, round_id, digest, now=ask.now)
    return done_sheet("Signed", f"Thank you. The acceptance test of {row.site.name} is signed by {ask.actor.name}.")


def check_name(actor: Actor, form: Sent) -> list[FieldError]:
    """Only the person whose account it is signs."""
    if same_name(form.typed("signed_name") or "", actor.name):
        return []
    return [FieldError("signed_name", f"You act here as {actor.name}. Type that name.")]
