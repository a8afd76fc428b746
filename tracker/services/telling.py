"""Tells an engagement's channel that something has just happened. Use cases share it; no edge calls it."""

from datetime import datetime, timedelta

from tracker.domain.notice import Audience, Notice
from tracker.services.planning import channels_of
from tracker.store import outbox
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.site import Site

# Later than this nobody is helped by hearing of it.
STALE_AFTER = timedelta(days=2)


def tell(
    session: AnySession,
    engagement: Engagement,
    site: Site,
    kind: str,
    occasion: str,
    headline: str,
    text: str,
    *,
    path: str,
    audience: Audience,
    now: datetime,
) -> None:
    """Plan one notice, due now. `occasion` names it, with its kind: what was told once is not told again.

    An engagement that is on hold or cancelled is told nothing.
    """
    if engagement.status != "active":
        return
    notice = Notice(
        key=f"{kind}:{occasion}",
        kind=kind,
        audience=audience,
        headline=f"{site.name}: {headline}",
        text=text,
        facts=(("Engagement", engagement.name),),
        path=path,
        due_at=now,
        useless_after=now + STALE_AFTER,
        site_id=site.id,
    )
    outbox.plan(session, engagement.id, [notice], channels_of(engagement), now)
