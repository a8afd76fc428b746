"""All tables in one place, for whoever needs the whole schema."""

from tracker.store import (
    audit,
    budget,
    comment,
    deadline,
    engagement,
    kickoff,
    link,
    notice,
    pacing,
    person,
    requirements,
    scope,
    setting,
    site,
    time_entry,
    transaction,
    weekly_update,
)
from tracker.store.database import Base

TABLE_MODULES = (
    audit,
    budget,
    comment,
    deadline,
    engagement,
    kickoff,
    link,
    notice,
    pacing,
    person,
    requirements,
    scope,
    setting,
    site,
    time_entry,
    transaction,
    weekly_update,
)
metadata = Base.metadata
