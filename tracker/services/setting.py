"""What an administrator decides for the whole installation."""

from datetime import datetime

from tracker.domain.access import Actor, Permission
from tracker.domain.errors import Invalid
from tracker.store import audit, setting
from tracker.store.database import AnySession


def set_managers_see(session: AnySession, actor: Actor, scope: str, *, now: datetime) -> None:  # noqa: ARG001
    """Let engagement managers see all engagements, or only those they are assigned to."""
    actor.must(Permission.MANAGE_SETTINGS)
    if scope not in ("all", "assigned"):
        raise Invalid.at("scope", "Choose all or assigned.")
    setting.write(session, setting.MANAGERS_SEE, {"scope": scope})
    audit.record(session, actor, None, "setting.changed", ("setting", None), {"name": setting.MANAGERS_SEE, "scope": scope})
