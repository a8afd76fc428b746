"""Reads how the things stand that a change request may speak of. Use cases and pages share it."""

from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from tracker.catalog import loader
from tracker.domain.catalogue import Catalogue
from tracker.domain.change import Standing
from tracker.domain.listing import AGREED_FIELDS
from tracker.domain.workday import Calendar
from tracker.services.planning import say_due
from tracker.store import deadline as deadlines
from tracker.store import engagement as engagements
from tracker.store import site as sites
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.scope import ScopeItem


def standing_of(session: AnySession, engagement: Engagement) -> Standing:
    """Sites, dates and decisions of an engagement as plain values, in four statements."""
    zone, calendar = engagement.time_zone, Calendar(engagement.time_zone, frozenset())
    decided = sa.select(ScopeItem.site_id, ScopeItem.item, ScopeItem.decision).where(ScopeItem.engagement_id == engagement.id)
    listed = sites.of_engagement(session, engagement.id)
    dated = deadlines.of_engagement(session, engagement.id)
    return Standing(
        requirements_version=engagement.requirements_version,
        sites={site.id: {name: getattr(site, name) for name in ("stage", *AGREED_FIELDS)} for site in listed},
        dates={
            each.id: {
                "title": each.title,
                "site_id": each.site_id,
                "said": say_due(each.dates, calendar, zone),
                "done": each.done_at is not None,
            }
            for each in dated
        },
        scope={(row.site_id, row.item): row.decision for row in session.execute(decided)},
        titles=titles_of(catalogue_of(session, engagement)),
        say_moment=lambda moment: say_moment(moment, zone),
    )


def catalogue_of(session: AnySession, engagement: Engagement) -> Catalogue:
    """The version an engagement was agreed on; the newest where nothing is agreed."""
    agreement = engagements.agreement_of(session, engagement.id)
    return loader.catalogue(agreement.catalogue_version) if agreement else loader.newest()


def titles_of(catalogue: Catalogue) -> dict[str, str]:
    """What may be in or out of scope by name: ids with titles."""
    return {each.id: each.title for kind in (catalogue.included, catalogue.exclusions) for each in kind.values()}


def say_moment(moment: datetime, time_zone: str) -> str:
    """A moment on the engagement's own clock."""
    return f"{moment.astimezone(ZoneInfo(time_zone)):%a %-d %b %Y, %H:%M} ({time_zone})"
