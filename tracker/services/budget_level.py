"""Tells both channels when a budget reaches a level, in the transaction that takes it there. No edge calls it."""

from datetime import datetime, timedelta
from uuid import UUID

from tracker.domain.budget import BudgetKind, levels_crossed
from tracker.domain.duration import say_minutes
from tracker.domain.notice import Audience, Notice
from tracker.services.planning import tell
from tracker.store.budget import Taken
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.site import Site

# Later than this nobody is helped by hearing of it.
STALE_AFTER = timedelta(days=2)
LEDGERS = {
    BudgetKind.ALLOWANCE: "known incompatibilities",
    BudgetKind.PREMIUM_EXTRA: "Premium extra work",
    BudgetKind.PS: "PS work",
}


def tell_levels(session: AnySession, engagement_id: UUID, taken: Taken, *, now: datetime) -> None:
    """Plan a notice for each level that was reached, for the customer's channel and for the team's, in words of their own.

    Once for a budget, its limit and a level (BR-07): a purchase makes a larger pool, which is told of anew.
    """
    crossed = levels_crossed(taken.limit, taken.before, taken.after)
    if not crossed:
        return
    engagement = session.get_one(Engagement, engagement_id)
    draw = taken.draws[0]
    site = session.get_one(Site, draw.site_id) if draw.site_id else None
    for level in crossed:
        for audience in Audience:
            tell(session, engagement, _notice(engagement, site, taken, level, audience, now), now=now)


def _notice(engagement: Engagement, site: Site | None, taken: Taken, level: int, audience: Audience, now: datetime) -> Notice:
    draw = taken.draws[0]
    whose = site.name if site else engagement.name
    ours = audience is Audience.INTERNAL
    headline, text = _team_words(draw.kind, taken, level) if ours else _customer_words(draw.kind, taken, level)
    return Notice(
        key=f"budget.{level}:{draw.budget_id}:{taken.limit}:{audience}",
        kind="budget.team" if ours else "budget.customer",
        audience=audience,
        headline=f"{whose}: {headline}",
        text=text,
        facts=(("Engagement", engagement.name),) if site else (),
        path=f"/sites/{site.id}" if site else f"/engagements/{engagement.id}",
        due_at=now,
        useless_after=now + STALE_AFTER,
        site_id=site.id if site else None,
    )


def _team_words(kind: BudgetKind, taken: Taken, level: int) -> tuple[str, str]:
    """What the team has to do: somebody sells or asks before the next hour is worked."""
    left = taken.limit - taken.after
    headline = f"{level} % of {kind.label} booked"
    said = f"{say_minutes(taken.after)} of {say_minutes(taken.limit)} are booked, held hours included; {say_minutes(left)} left."
    if left == 0:
        return headline, f"{said} The next entry is refused: sell PS hours or raise a change request before more is worked."
    return headline, f"{said} Decide now what pays for the rest: PS hours, a change request, or nothing further."


def _customer_words(kind: BudgetKind, taken: Taken, level: int) -> tuple[str, str]:
    """What the customer gets to know: what is used of what they bought, and that nothing beyond it happens unasked."""
    left = taken.limit - taken.after
    headline = f"{level} % of the hours for {LEDGERS[kind]} used"
    said = f"{say_minutes(taken.after)} of {say_minutes(taken.limit)} are used, {say_minutes(left)} are left."
    if left == 0:
        return headline, f"{said} Nothing beyond them is worked without your agreement."
    return headline, f"{said} We ask you before anything goes beyond them."
