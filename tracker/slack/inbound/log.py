"""/log: time is booked by the one path there is, and a refusal says what is left and the ways on."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from tracker.domain.access import Permission
from tracker.domain.budget import BudgetExceeded, WorkKind
from tracker.domain.duration import DurationError, parse_minutes, say_minutes
from tracker.domain.errors import Invalid
from tracker.domain.site import read_address
from tracker.domain.time_entry import PS_KIND_OF_A_SPLIT, Work
from tracker.edge.refusal import Refusal
from tracker.services import booking
from tracker.slack.blocks import escape
from tracker.slack.inbound import log_form
from tracker.slack.inbound.ask import Ask, Pressed
from tracker.slack.inbound.log_form import SPLIT, Place, places_of, say_booked, today
from tracker.slack.inbound.payload import Unreadable, parse, text, uuid_of
from tracker.slack.inbound.reply import Block, Reply, button, ephemeral, link, plainly
from tracker.store import site as sites
from tracker.store.database import AnySession

BOOK = "tracker.book"
USAGE = "Write it like `/log 1h30 shop.example.com fixed redirect loop`, or `/log` alone for a form."
# What pays where nothing else is said; a word in the note names another.
MARKS: Mapping[str, WorkKind] = {"#included": WorkKind.INCLUDED, "#premium": WorkKind.PREMIUM, "#ps": WorkKind.PS}
LONGEST_DURATION = 3  # words, as in "1 h 30"
VALUE_LENGTH = 2000  # characters that a button of Slack's carries
CHOICES_SHOWN = 5


def run(session: AnySession, ask: Ask, words: str) -> Reply:
    """/log with its words, or its form without any. Raises what booking raises, but BudgetExceeded."""
    ask.actor.must(Permission.LOG_TIME)
    if not words.strip():
        return log_form.open_form(session, ask)
    minutes, rest = _duration(words.split())
    if minutes is None or not rest:
        return ephemeral(f"{escape(_why_not(words))} {USAGE}")
    site, *said = rest
    found = _places_named(places_of(session, ask), site)
    note = " ".join(said)
    if not found:
        return ephemeral(f"There is no site “{escape(site[:80])}” here on which you can log. {USAGE}")
    if len(found) > 1:
        buttons = [
            button(f"{each.name} ({engagement.name})", f"{BOOK}.{number}", _value(each.id, minutes, note))
            for number, (each, engagement) in enumerate(found[:CHOICES_SHOWN])
        ]
        return plainly(f"“{site[:80]}” may be any of these. On which do you log {say_minutes(minutes)}?", buttons)
    return _book(session, ask, found[0], minutes, note, split=False)


def pressed(session: AnySession, ask: Ask, pressed: Pressed) -> Reply:
    """The button under a question or a refusal: the same work, on that site, perhaps split. Raises what booking raises."""
    try:
        said = parse(pressed.value)
    except Unreadable:
        return ephemeral(USAGE)
    site_id, minutes = uuid_of(text(said, "site")), said.get("minutes")
    if site_id is None or not isinstance(minutes, int) or isinstance(minutes, bool):
        return ephemeral(USAGE)
    place = sites.get_with_engagement(session, ask.actor, site_id)
    return _book(session, ask, place, minutes, text(said, "note") or "", split=said.get(SPLIT) is True)


def _duration(words: Sequence[str]) -> tuple[int | None, Sequence[str]]:
    """The duration that the words begin with, the longest that can be read, and what follows it."""
    for count in range(min(LONGEST_DURATION, len(words)), 0, -1):
        try:
            return parse_minutes(" ".join(words[:count])), words[count:]
        except DurationError:
            continue
    return None, words


def _why_not(words: str) -> str:
    try:
        parse_minutes(words.split()[0])
    except DurationError as error:
        return error.message
    return "Say on which site."


def _places_named(places: Sequence[Place], said: str) -> list[Place]:
    """Those of a name or an address; where there is none, those whose name or host begins so."""
    typed = said.strip("<>").split("|")[-1]  # Slack turns an address into <http://shop.example.com|shop.example.com>.
    try:
        key = read_address(typed).key
    except Invalid:
        key = typed.casefold()
    exact = [place for place in places if place[0].url_key == key or place[0].name_key == typed.casefold()]
    if exact:
        return exact
    start = typed.casefold()
    return [place for place in places if place[0].url_key.startswith(key) or place[0].name_key.startswith(start)]


def _work(ask: Ask, site_id: UUID, minutes: int, note: str) -> Work:
    """Today's work in the zone of whoever says so: research into an incompatibility, unless a mark says otherwise."""
    marked = [MARKS[word.casefold()] for word in note.split() if word.casefold() in MARKS]
    kind = marked[0] if marked else WorkKind.ALLOWANCE
    said = " ".join(word for word in note.split() if word.casefold() not in MARKS)
    return Work(
        site_id=site_id,
        worked_on=today(ask),
        minutes=minutes,
        kind=kind,
        activity="research" if kind is WorkKind.ALLOWANCE else None,
        ps_kind=PS_KIND_OF_A_SPLIT if kind is WorkKind.PS else None,
        note=said,
    )


def _book(session: AnySession, ask: Ask, place: Place, minutes: int, note: str, *, split: bool) -> Reply:
    site, _engagement = place
    work = _work(ask, site.id, minutes, note)
    try:
        booked = booking.book(session, ask.actor, work, split=split, now=ask.now)
    except BudgetExceeded as error:
        return _refused(ask, place, work, note, error)
    said = [f"{say_booked(booked, minutes)} on {site.name}."]
    if booked[0].warning:
        said.append(booked[0].warning)
    return plainly(" ".join(said), [link("Open", ask.page(f"/time/{booked[0].entry.id}"))])


def _refused(ask: Ask, place: Place, work: Work, note: str, error: BudgetExceeded) -> Reply:
    """What is left, and the lawful ways on: two are links, the split is pressed here."""
    site, engagement = place
    refusal = Refusal.of(error)
    buttons: list[Block] = []
    if refusal.split:
        buttons.append(button(refusal.split, f"{BOOK}.split", _value(site.id, work.minutes, note, split=True), primary=True))
    ps_url = refusal.ps_url(ask.actor, engagement.id)
    if refusal.buy_ps and ps_url:
        buttons.append(link(refusal.buy_ps, ask.page(ps_url), 1))
    if refusal.change_request:
        url = ask.page(refusal.change_url(engagement.id, site.id, work.note))
        buttons.append(link(refusal.change_request, url, 2))
    return plainly(f"Nothing was logged on {site.name}. {refusal.message}", buttons)


def _value(site_id: UUID, minutes: int, note: str, *, split: bool = False) -> str:
    """What a button has to bring back. A note that is too long for it is cut; the rest of it is still in the channel."""
    said: dict[str, Any] = {"site": str(site_id), "minutes": minutes, "note": note} | ({SPLIT: True} if split else {})
    while len(json.dumps(said)) > VALUE_LENGTH:
        said["note"] = said["note"][: len(said["note"]) * 3 // 4]
    return json.dumps(said)
