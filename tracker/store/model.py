"""All tables in one place, for whoever needs the whole schema."""

from tracker.store import (
    audit,
    budget,
    deadline,
    duty,
    engagement,
    freeze,
    notice,
    pacing,
    path,
    person,
    question,
    requirements,
    risk,
    scope,
    setting,
    site,
    time_entry,
    transaction,
    uat,
)
from tracker.store.database import Base

TABLE_MODULES = (
    audit,
    budget,
    deadline,
    duty,
    engagement,
    freeze,
    notice,
    pacing,
    path,
    person,
    question,
    requirements,
    risk,
    scope,
    setting,
    site,
    time_entry,
    transaction,
    uat,
)
metadata = Base.metadata
