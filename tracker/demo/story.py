"""The whole story: the cast, then one engagement after the other, with dates that are relative to today."""

from datetime import datetime
from uuid import UUID

from tracker.demo import bakery, museums
from tracker.demo.cast import introduce
from tracker.demo.teller import Teller

CHANNELS = {museums.CHANNEL: "northwind-migration", bakery.CHANNEL: "ble-miel-migration", museums.TEAM_CHANNEL: "migrations-team"}


def tell(now: datetime, password_hash: str) -> dict[str, UUID]:
    """Lay the demo into an empty database; the engagements' ids by name."""
    teller = Teller(now, {})
    introduce(teller, password_hash)
    return {"museums": museums.tell(teller).engagement_id, "bakery": bakery.tell(teller).engagement_id}
