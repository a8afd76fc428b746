"""Tells both channels when a budget reaches a level, in the transaction that takes it there. No edge calls it."""

from datetime import datetime, timedelta
from uuid import UUID

from tracker.domain.budget import levels_crossed
from tracker.domain.budget_notice import NEARLY, Reached, customer_words, team_words
from tracker.domain.notice import Audience, Notice
from tracker.services.planning import tell
from tracker.store import cover as covers
from tracker.store import person as people
from tracker.store.budget import Taken
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.site import Site

# Later than this nobody is helped by hearing of it.
STALE_AFTER = timedelta(days=2)


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
    manager = people.get(session, engagement.manager_id)
    mention = covers.mentions_of(session, {manager.id}, now).at(manager.id, now)
    for level in crossed:
        reached = Reached(
            kind=draw.kind,
            level=level,
            highest=crossed[-1],
            limit=taken.limit,
            booked=taken.after,
            whose=site.name if site else engagement.name,
            engagement=engagement.name,
            manager=manager.name,
            account_rep=engagement.account_rep,
        )
        key = f"budget.{level}:{draw.budget_id}:{taken.limit}"
        for notice in _notices(engagement, site, reached, key, mention, now):
            tell(session, engagement, notice, now=now)


def _notices(
    engagement: Engagement, site: Site | None, reached: Reached, key: str, mention: str | None, now: datetime
) -> list[Notice]:
    return [
        Notice(
            key=f"{key}:{audience}",
            kind=kind,
            audience=audience,
            headline=words.headline,
            text=words.text,
            facts=words.facts,
            path=f"/sites/{site.id}#hours" if site else f"/engagements/{engagement.id}#ps",
            due_at=now,
            useless_after=now + STALE_AFTER,
            site_id=site.id if site else None,
            # The manager is called when there is something to settle; of 60 % the team hears in passing.
            mention=mention if audience is Audience.INTERNAL and reached.highest >= NEARLY else None,
        )
        for audience, kind, words in (
            (Audience.CUSTOMER, "budget.customer", customer_words(reached)),
            (Audience.INTERNAL, "budget.team", team_words(reached)),
        )
    ]
