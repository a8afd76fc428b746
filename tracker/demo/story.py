"""The whole story: the cast, then one engagement after the other, with dates that are relative to today."""

from datetime import datetime
from uuid import UUID

from tracker.demo import bakery, harbour, museums
from tracker.demo.cast import introduce
from tracker.demo.teller import Teller

CHANNELS = museums.CHANNELS | bakery.CHANNELS | harbour.CHANNELS


def tell(now: datetime, password_hash: str, base_url: str) -> dict[str, UUID]:
    """Lay the demo into an empty database; the engagements' ids by name."""
    teller = Teller(now, base_url)
    introduce(teller, password_hash)
    told = {"museums": museums.tell, "bakery": bakery.tell, "harbour": harbour.tell}
    return {name: tell_chapter(teller).engagement_id for name, tell_chapter in told.items()}
