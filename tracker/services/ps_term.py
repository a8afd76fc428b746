"""PS blocks that end: who is warned and when, what lapses, what is carried over. Use cases share it; no edge calls it.

Minutes are whole. What was used stays used, always. Source: docs/rules/budget.md, "PS blocks that end".
"""

from datetime import date, datetime, timedelta
from uuid import UUID

from tracker.domain.access import SYSTEM
from tracker.domain.notice import Audience, Notice, Words
from tracker.domain.ps_block import LEADS, Warned, first_turn, next_turn, told_of_end_at, warning_due
from tracker.domain.ps_notice import BlockWords, customer_ended, customer_warned, team_ended, team_warned
from tracker.domain.workday import Calendar
from tracker.services.planning import tell
from tracker.store import audit, outbox
from tracker.store import cover as covers
from tracker.store import person as people
from tracker.store import ps_block as blocks
from tracker.store.budget import PsBlock, hold_pool
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement

# Later than this nobody is helped by hearing that a block has ended.
STALE_AFTER = timedelta(days=2)
UNTRUE = "The block has another last day now, or was voided."
KINDS = {Audience.CUSTOMER: "ps_block.customer", Audience.INTERNAL: "ps_block.team"}


def calendar_of(engagement: Engagement) -> Calendar:
    """The calendar by which the last days of its blocks are counted: every day is one."""
    return Calendar(engagement.time_zone, frozenset())


def lapse(session: AnySession, engagement_id: UUID, time_zone: str, *, now: datetime) -> None:
    """Let the blocks of an engagement that have ended lapse, before anybody draws on them; tell what lapsed or stays."""
    today = Calendar(time_zone, frozenset()).local_date(now)
    for block, minutes in blocks.lapse_ended(session, engagement_id, today, now):
        payload = {"minutes": minutes, "reference": block.reference, "expires_on": block.expires_on}
        audit.record(session, SYSTEM, engagement_id, "ps_block.lapsed", ("ps_block", block.id), payload)
        kept = block.left
        if minutes or kept:
            _tell_end(session, session.get_one(Engagement, engagement_id), block, minutes, kept, now)


def turn(session: AnySession, engagement: Engagement, *, now: datetime) -> int:
    """Look at the blocks of an engagement whose moment has come: warn, or let lapse. Returns how many there were.

    Of several warnings that have passed only the latest is told, and none where nothing is left or the engagement rests.
    """
    hold_pool(session, engagement.id)
    due = blocks.due(session, engagement.id, now)
    lapse(session, engagement.id, engagement.time_zone, now=now)
    calendar = calendar_of(engagement)
    for block in due:
        if block.expires_on is None or block.lapsed_at is not None:
            block.turn_at = None
            continue
        warning = warning_due(block.expires_on, calendar, now)
        if warning is not None and block.left > 0:
            _warn(session, engagement, block, block.expires_on, warning, now)
        block.turn_at = next_turn(block.expires_on, calendar, now)
    session.flush()
    return len(due)


def plan_turn(block: PsBlock, engagement: Engagement, *, now: datetime) -> None:
    """Note when a block that was sold or changed has next to be looked at."""
    over = block.voided_at is not None or block.lapsed_at is not None
    block.turn_at = None if over else first_turn(block.expires_on, calendar_of(engagement), now)


def replan_turns(session: AnySession, engagement: Engagement, *, now: datetime) -> None:
    """Nine o'clock is another moment, because the engagement has another time zone. The pool is held."""
    for block in blocks.with_an_end(session, engagement.id):
        plan_turn(block, engagement, now=now)
    session.flush()


def call_off(session: AnySession, block_id: UUID, expires_on: date | None, *, now: datetime) -> None:
    """Call off what waits about a last day that is none any more."""
    if expires_on is None:
        return
    for occasion in (*(f"{days}d" for days in LEADS), "ended"):
        for audience in Audience:
            outbox.call_off(session, outbox.id_of(_key(block_id, expires_on, occasion, audience)), UNTRUE, now)


def _key(block_id: UUID, expires_on: date, occasion: str, audience: Audience) -> str:
    """Names the last day as it stands: with another one its warnings are due anew."""
    return f"ps_block:{block_id}:{expires_on.isoformat()}:{occasion}:{audience}"


def _warn(session: AnySession, engagement: Engagement, block: PsBlock, expires_on: date, warning: Warned, now: datetime) -> None:
    said = _words_of(session, engagement, block, expires_on, now)
    words = {Audience.CUSTOMER: customer_warned(said), Audience.INTERNAL: team_warned(said)}
    # A warning that passed before the block was sold or changed belongs to the moment at which it was.
    due_at = max(warning.at, block.turn_at or warning.at)
    for audience, spoken in words.items():
        key = _key(block.id, expires_on, f"{warning.days}d", audience)
        _say(session, engagement, audience, key, spoken, due_at, warning.useless_after, now)


def _tell_end(session: AnySession, engagement: Engagement, block: PsBlock, lapsed: int, kept: int, now: datetime) -> None:
    assert block.expires_on is not None
    said = _words_of(session, engagement, block, block.expires_on, now)
    pool_left = blocks.pool_left(session, engagement.id)
    words = {
        Audience.CUSTOMER: customer_ended(said, lapsed=lapsed, kept=kept, pool_left=pool_left),
        Audience.INTERNAL: team_ended(said, lapsed=lapsed, kept=kept, pool_left=pool_left),
    }
    due_at = told_of_end_at(block.expires_on, calendar_of(engagement), now)
    for audience, spoken in words.items():
        key = _key(block.id, block.expires_on, "ended", audience)
        _say(session, engagement, audience, key, spoken, due_at, due_at + STALE_AFTER, now)


def _words_of(session: AnySession, engagement: Engagement, block: PsBlock, expires_on: date, now: datetime) -> BlockWords:
    manager = people.get(session, engagement.manager_id).name
    today = calendar_of(engagement).local_date(now)
    reference = block.reference or "without reference"
    return BlockWords(engagement.name, reference, manager, expires_on, today, block.left, carries_over=block.carries_over)


def _say(
    session: AnySession,
    engagement: Engagement,
    audience: Audience,
    key: str,
    words: Words,
    due_at: datetime,
    useless_after: datetime,
    now: datetime,
) -> None:
    """Plan one notice. While an engagement is on hold or cancelled nobody is told; its blocks end all the same."""
    if engagement.status != "active":
        return
    ours = audience is Audience.INTERNAL
    manager = engagement.manager_id
    notice = Notice(
        key=key,
        kind=KINDS[audience],
        audience=audience,
        headline=words.headline,
        text=words.text,
        facts=words.facts,
        path=f"/engagements/{engagement.id}#ps",
        due_at=due_at,
        useless_after=useless_after,
        mention=covers.mentions_of(session, {manager}, now).at(manager, due_at) if ours else None,
    )
    tell(session, engagement, notice, now=now)
