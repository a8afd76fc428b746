"""All tables in one place, for whoever needs the whole schema."""

from tracker.store import (
    audit,
    budget,
    deadline,
    engagement,
    notice,
    pacing,
    path,
    person,
    requirements,
    scope,
    setting,
    site,
    time_entry,
    transaction,
)
from tracker.store.database import Base

TABLE_MODULES = (
    audit,
    budget,
    deadline,
    engagement,
    notice,
    pacing,
    path,
    person,
    requirements,
    scope,
    setting,
    site,
    time_entry,
    transaction,
)
metadata = Base.metadata
