"""Why work does not fit, and the lawful ways on as buttons and links. Every door through which hours are typed shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.budget import BudgetExceeded, BudgetKind, Option
from tracker.domain.duration import say_minutes

NOTE_CARRIED = 500  # characters that an address may hold


@dataclass(frozen=True)
class Refusal:
    """Why work does not fit, and the lawful ways on in the words of their buttons."""

    message: str
    left_minutes: int
    split: str | None
    buy_ps: str | None
    change_request: str | None
    missing_minutes: int = 0

    @classmethod
    def of(cls, error: BudgetExceeded) -> Self:
        labels = {option.action: option.label for option in error.options if option.action != "split"}
        parts = [option for option in error.options if option.action == "split"]
        split = _say_split(error.left, parts) if parts else None
        missing = next((option.minutes for option in error.options if option.action == "change_request"), 0)
        return cls(error.message, error.left, split, labels.get("buy_ps"), labels.get("change_request"), missing)

    def ps_url(self, actor: Actor, engagement_id: UUID) -> str | None:
        """Where PS hours are sold for the engagement, for who may."""
        return f"/engagements/{engagement_id}/ps-blocks/new" if actor.may(Permission.SELL_PS) else None

    def change_url(self, engagement_id: UUID, site_id: UUID | str, note: str | None = None) -> str:
        """Where a change request begins with what did not fit: more hours, from this site, for this work."""
        asked = {"kind": "ps_hours", "site": str(site_id), "minutes": str(self.missing_minutes)}
        said = (note or "").strip()[:NOTE_CARRIED]
        return f"/engagements/{engagement_id}/change-requests/new?{urlencode(asked | ({'note': said} if said else {}))}"


def _say_split(left: int, parts: Sequence[Option]) -> str:
    elsewhere = " and ".join(f"{say_minutes(part.minutes)} on {BudgetKind(part.kind).label}" for part in parts)
    return f"Split it: {say_minutes(left)} here, {elsewhere}" if left else f"Put {elsewhere}"
