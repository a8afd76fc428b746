"""All tables in one place, for whoever needs the whole schema."""

from tracker.store import (
    audit,
    budget,
    change_request,
    deadline,
    engagement,
    notice,
    pacing,
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
    change_request,
    deadline,
    engagement,
    notice,
    pacing,
    person,
    requirements,
    scope,
    setting,
    site,
    time_entry,
    transaction,
)
metadata = Base.metadata
