"""All tables in one place, for whoever needs the whole schema."""

from tracker.store import (
    audit,
    budget,
    deadline,
    engagement,
    inventory,
    notice,
    pacing,
    person,
    requirements,
    scope,
    setting,
    site,
    time_entry,
    transaction,
    upload,
)
from tracker.store.database import Base

TABLE_MODULES = (
    audit,
    budget,
    deadline,
    engagement,
    inventory,
    notice,
    pacing,
    person,
    requirements,
    scope,
    setting,
    site,
    time_entry,
    transaction,
    upload,
)
metadata = Base.metadata
