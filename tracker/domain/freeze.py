"""Freezes: a code freeze or a content freeze of one site, never one for the other.

A freeze begins on a date of the spine; it is not stored twice. Sources: docs/rules/freezes.md, BR-10, BR-11, BR-14, reading 7.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from tracker.domain.deadline import DeadlineKind
from tracker.domain.site import LAUNCHED_STAGES


class FreezeKind(StrEnum):
    """What must not change on the source."""

    CODE = "code"
    CONTENT = "content"

    @property
    def label(self) -> str:
        return f"{self.value.capitalize()} freeze"


class FreezeAnswer(StrEnum):
    """What the customer said to a freeze."""

    FREEZE = "freeze"
    ACCEPT_RESPONSIBILITY = "accept_responsibility"


class FreezeState(StrEnum):
    """Where a freeze stands; derived, never stored."""

    PLANNED = "planned"
    RUNNING = "running"
    ENDED = "ended"


DATES: Mapping[FreezeKind, DeadlineKind] = {
    FreezeKind.CODE: DeadlineKind.CODE_FREEZE,
    FreezeKind.CONTENT: DeadlineKind.CONTENT_FREEZE,
}
KIND_OF_DATE: Mapping[str, FreezeKind] = {date: kind for kind, date in DATES.items()}
# A code freeze holds to the launch, a content freeze to the verified cutover (reading 7).
OVER_AT: Mapping[FreezeKind, frozenset[str]] = {
    FreezeKind.CODE: LAUNCHED_STAGES | {"withdrawn"},
    FreezeKind.CONTENT: LAUNCHED_STAGES | {"dns_verified", "withdrawn"},
}
HOLDS: Mapping[FreezeKind, str] = {
    FreezeKind.CODE: "No code changes on the source: no updates, no new plugins, no deployments.",
    FreezeKind.CONTENT: "Nothing is written to the source: no edits, no orders, no imports, no comments.",
}
ANSWERS: Mapping[FreezeKind, Mapping[FreezeAnswer, str]] = {
    FreezeKind.CODE: {
        FreezeAnswer.FREEZE: "We freeze: nobody changes code on the source until this site launches.",
        FreezeAnswer.ACCEPT_RESPONSIBILITY: "We do not freeze: we carry every later change to the new site ourselves.",
    },
    FreezeKind.CONTENT: {
        FreezeAnswer.FREEZE: "We freeze: nobody and nothing writes to the source until the cutover is verified.",
        FreezeAnswer.ACCEPT_RESPONSIBILITY: "We do not freeze: what is written to the source after the freeze begins is lost.",
    },
}
RULES: Mapping[FreezeKind, str] = {FreezeKind.CODE: "BR-10", FreezeKind.CONTENT: "BR-14"}


def state_of(starts_at: datetime, ends_at: datetime | None, ended_at: datetime | None, now: datetime) -> FreezeState:
    """Where a freeze stands at a moment."""
    if ended_at is not None or (ends_at is not None and ends_at <= now):
        return FreezeState.ENDED
    return FreezeState.RUNNING if starts_at <= now else FreezeState.PLANNED


def ends_earlier(before: datetime | None, after: datetime | None) -> bool:
    """Whether an end was brought forward; no end at all is the launch, the latest there is."""
    return after is not None and (before is None or after < before)
