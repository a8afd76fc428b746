"""Who delivers: each start of a worker is a row, so that an end without a goodbye can be seen."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from tracker.store.database import Base, Keyed


class Worker(Keyed, Base):
    """One run of a worker; its id is new at each start. `stopped_at` stays empty where it was killed."""

    node: Mapped[str]
    started_at: Mapped[datetime]
    beat_at: Mapped[datetime] = mapped_column(index=True)
    stopped_at: Mapped[datetime | None]
    versions: Mapped[dict[str, Any]]
