"""The stage of an engagement, derived from its facts and its sites. Only hold and cancel are set by hand."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from tracker.domain.errors import FieldError, Invalid
from tracker.domain.site import LAUNCHED_STAGES

TYPES = ("managed", "self_service")
UAT_SILENCE = ("hold", "proceed")
MAX_WINDOW_DAYS = 260  # one year of business days


class EngagementStage(StrEnum):
    """Where an engagement stands (domain: lifecycle of an engagement)."""

    DRAFT = "draft"
    AGREED = "agreed"
    INVENTORY_DUE = "inventory_due"
    INVENTORY_RECEIVED = "inventory_received"
    KICKOFF_SCHEDULED = "kickoff_scheduled"
    REQUIREMENTS_AGREED = "requirements_agreed"
    IN_DELIVERY = "in_delivery"
    ALL_LAUNCHED = "all_launched"
    HYPERCARE = "hypercare"
    CLOSED = "closed"
    ON_HOLD = "on_hold"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class EngagementFacts:
    """What the stage is derived from."""

    status: str  # active, on_hold, cancelled
    has_agreement: bool
    inventory_due: bool
    inventory_received: bool
    kickoff_set: bool
    requirements_agreed: bool
    site_stages: Collection[str]
    # Of a self-service engagement, for each site: no path yet, one under way, or none but complete ones.
    walked: Collection[str] = ()


def stage_of(facts: EngagementFacts) -> EngagementStage:
    """The stage, from the furthest fact that holds. Withdrawn sites do not count."""
    if facts.status != "active":
        return EngagementStage(facts.status)
    if any(state != "none" for state in facts.walked):
        # Guided self-service needs no agreement and no requirements: its paths are all there is to it.
        done = all(state == "complete" for state in facts.walked)
        return EngagementStage.CLOSED if done else EngagementStage.IN_DELIVERY
    if facts.requirements_agreed:
        return _stage_in_delivery([stage for stage in facts.site_stages if stage != "withdrawn"])
    if not facts.has_agreement:
        return EngagementStage.DRAFT
    if facts.inventory_received:
        return EngagementStage.KICKOFF_SCHEDULED if facts.kickoff_set else EngagementStage.INVENTORY_RECEIVED
    return EngagementStage.INVENTORY_DUE if facts.inventory_due else EngagementStage.AGREED


def _stage_in_delivery(stages: Collection[str]) -> EngagementStage:
    if stages and all(stage == "closed" for stage in stages):
        return EngagementStage.CLOSED
    if stages and all(stage in LAUNCHED_STAGES for stage in stages):
        return EngagementStage.HYPERCARE if "hypercare" in stages else EngagementStage.ALL_LAUNCHED
    if any(stage not in ("listed", "qualified") for stage in stages):
        return EngagementStage.IN_DELIVERY
    return EngagementStage.REQUIREMENTS_AGREED


@dataclass(frozen=True)
class Windows:
    """What the agreement says in business days, and what silence in the acceptance test means (no default in code)."""

    uat: int
    cutover: int
    hypercare: int
    uat_silence: str = "hold"

    def check(self) -> None:
        """Raises Invalid for a window of no days or of more than a year."""
        named = {
            "uat_business_days": self.uat,
            "cutover_business_days": self.cutover,
            "hypercare_business_days": self.hypercare,
        }
        errors = [
            FieldError(f"agreement.{name}", f"Write a number of business days from 1 to {MAX_WINDOW_DAYS}.")
            for name, days in named.items()
            if not 1 <= days <= MAX_WINDOW_DAYS
        ]
        if errors:
            raise Invalid(errors)
