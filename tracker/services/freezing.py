"""What holds while a freeze is on, and what answering one brings. Use cases share it; no edge calls it."""

from collections.abc import Iterable
from datetime import datetime

from tracker.domain.access import Actor
from tracker.domain.errors import Guard, Invalid
from tracker.domain.freeze import RULES, FreezeAnswer, FreezeKind, FreezeState
from tracker.domain.text import TextError, read_text
from tracker.services import obligations
from tracker.store import audit
from tracker.store.database import AnySession
from tracker.store.freeze import Freeze, FreezeOverride, FreezeRow
from tracker.store.site import Site

REASON_LENGTH = 500


def must_override(
    session: AnySession, actor: Actor, rows: Iterable[FreezeRow], what: str, reason: str | None, *, now: datetime
) -> None:
    """Whoever moves or ends a freeze that is on says why: the customer has planned on it. The reason is kept as an exception.

    Raises Guard where it is missing, Invalid at `override_reason` for a text that cannot be kept.
    """
    for row in rows:
        if row.state(now) is not FreezeState.RUNNING:
            continue
        if not reason or not reason.strip():
            label = FreezeKind(row.freeze.kind).label.lower()
            raise Guard(
                f"The {label} of {row.site.name} is on, and the customer has planned on it. Give the reason for an exception.",
                rule=RULES[FreezeKind(row.freeze.kind)],
                missing=["override_reason"],
            )
        add_override(session, actor, row.freeze, what, read("override_reason", reason), None, now=now)


def add_override(
    session: AnySession, actor: Actor, freeze: Freeze, what: str, reason: str, until: datetime | None, *, now: datetime
) -> FreezeOverride:
    """Keep an exception, for ever."""
    assert actor.person_id is not None
    made = FreezeOverride(
        engagement_id=freeze.engagement_id, freeze_id=freeze.id, what=what, reason=reason, until=until, by=actor.person_id, at=now
    )
    session.add(made)
    session.flush()
    said = {"kind": freeze.kind, "what": what, "reason": reason, "until": until}
    audit.record(session, actor, freeze.engagement_id, "freeze.overridden", ("freeze", freeze.id), said)
    return made


def answer(session: AnySession, actor: Actor, freeze: Freeze, site: Site, said: FreezeAnswer, *, now: datetime) -> None:
    """Write down what a named approver said; for a code freeze that completes the duty."""
    freeze.answer, freeze.answered_by, freeze.answered_at = said, actor.person_id, now
    freeze.version += 1
    if freeze.kind == FreezeKind.CODE:
        words = {FreezeAnswer.FREEZE: "The code is frozen", FreezeAnswer.ACCEPT_RESPONSIBILITY: "Responsibility accepted instead"}
        obligations.complete_of_site(session, actor, site, "code-freeze", f"{words[said]}: {actor.name}.", now=now)


def read(field: str, text: str | None) -> str:
    """Tidy a reason that has to be given. Raises Invalid at the field."""
    try:
        tidied = read_text(text or "", REASON_LENGTH)
    except TextError as error:
        raise Invalid.at(field, error.message) from None
    if not tidied:
        raise Invalid.at(field, "Say why.")
    return tidied
