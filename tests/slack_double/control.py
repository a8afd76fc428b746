"""What a test in another process may see and change, as JSON under `/_control/`."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from tests.slack_double.answers import JsonObject
from tests.slack_double.faults import Fault, FaultKind, FaultPlan
from tests.slack_double.workspace import Channel, Settings, Token, TokenState, ViolationKind, Workspace


def answer(workspace: Workspace, faults: FaultPlan, method: str, name: str, body: bytes) -> tuple[int, JsonObject]:
    """Return status and body. A mistake of the test's is answered 400 with the reason, never passed over."""
    look = _LOOKS.get(name) if method == "GET" else None
    if look is not None:
        return 200, look(workspace, faults)
    change = _CHANGES.get(name) if method == "POST" else None
    if change is None:
        return 404, {"error": f"There is no {method} {name}."}
    try:
        said = change(workspace, faults, **json.loads(body or b"{}"))
    except (KeyError, TypeError, ValueError) as mistake:
        return 400, {"error": f"{type(mistake).__name__}: {mistake}"}
    return 200, said or {}


def _state(workspace: Workspace, faults: FaultPlan) -> JsonObject:
    with workspace.lock:
        log = workspace.log()
        return {
            "counts": workspace.count_by_marker(),
            "channels": [channel.as_json() for channel in workspace.channels.values()],
            "messages": workspace.all_messages(),
            "violations": [violation.as_json() for violation in workspace.violations()],
            "pacing_violations": len(workspace.violations(ViolationKind.PACE)),
            "pending": workspace.pending(),
            "pushed_faults": faults.pushed,
            "log": {
                "requests": len(log),
                "accepted": sum(record.accepted for record in log),
                "by_method": Counter(record.method for record in log),
                "by_fault": Counter(record.fault for record in log),
                "by_error": Counter(record.error for record in log if record.error),
            },
        }


def _counts(workspace: Workspace, faults: FaultPlan) -> JsonObject:
    return {"counts": workspace.count_by_marker(), "pending": workspace.pending()}


def _log(workspace: Workspace, faults: FaultPlan) -> JsonObject:
    return {"log": [record.as_json() for record in workspace.log()]}


def _push_fault(
    workspace: Workspace,
    faults: FaultPlan,
    *,
    kind: str,
    method: str | None = None,
    channel: str | None = None,
    times: int = 1,
    **details: Any,
) -> None:
    faults.push(Fault(FaultKind(kind), **details), method=method, channel=channel, times=times)


def _change_schedule(workspace: Workspace, faults: FaultPlan, **changes: Any) -> None:
    """Follow another schedule, from request number one; what is not named stays as it is."""
    if "kinds" in changes:
        changes["kinds"] = tuple(FaultKind(kind) for kind in changes["kinds"])
    faults.restart(replace(faults.schedule, **changes))


def _put_channel(workspace: Workspace, faults: FaultPlan, **changes: Any) -> None:
    """Add a channel or change one; what is not named stays as it is."""
    with workspace.lock:
        known = workspace.channels.get(changes["id"])
        allowed = ("id", "name", "is_member", "is_archived", "is_private", "is_ext_shared", "members")
        before = {name: getattr(known, name) for name in allowed} if known else {}
        if unknown := set(changes) - set(allowed):
            raise ValueError(f"A channel has no {', '.join(sorted(unknown))}.")
        said = before | changes
        workspace.put_channel(Channel(**said | ({"members": set(said["members"])} if "members" in said else {})))


def _change_id(workspace: Workspace, faults: FaultPlan, *, old: str, new: str) -> None:
    workspace.change_id(old, new)


def _remove_channel(workspace: Workspace, faults: FaultPlan, *, id: str) -> None:  # noqa: A002 -- Slack's own word
    workspace.remove_channel(id)


def _put_token(
    workspace: Workspace, faults: FaultPlan, *, token: str, state: str | None = None, scopes: list[str] | None = None
) -> None:
    with workspace.lock:
        known = workspace.tokens.get(token, Token())
        workspace.put_token(
            token,
            Token(
                scopes=known.scopes if scopes is None else frozenset(scopes),
                state=known.state if state is None else TokenState(state),
            ),
        )


def _change_settings(workspace: Workspace, faults: FaultPlan, **changes: Any) -> None:
    if unknown := set(changes) - {field.name for field in fields(Settings)}:
        raise ValueError(f"There is no setting {', '.join(sorted(unknown))}.")
    with workspace.lock:
        workspace.settings = replace(workspace.settings, **changes)


def _say(workspace: Workspace, faults: FaultPlan, *, channel: str, text: str, thread_ts: str | None = None) -> JsonObject:
    return {"ts": workspace.say(channel, text, thread_ts=thread_ts)}


def _delete_message(workspace: Workspace, faults: FaultPlan, *, channel: str, ts: str) -> None:
    workspace.delete(channel, ts)


def _reset(workspace: Workspace, faults: FaultPlan) -> None:
    workspace.reset()
    faults.restart()


_LOOKS: dict[str, Callable[[Workspace, FaultPlan], JsonObject]] = {
    "state": _state,
    "counts": _counts,
    "log": _log,
}

_CHANGES: dict[str, Callable[..., JsonObject | None]] = {
    "faults": _push_fault,
    "schedule": _change_schedule,
    "channels": _put_channel,
    "channels/remove": _remove_channel,
    "channels/id": _change_id,
    "tokens": _put_token,
    "settings": _change_settings,
    "messages": _say,
    "messages/delete": _delete_message,
    "reset": _reset,
}
