"""What an answer or a fault of Slack means for the message that was being sent (docs/rules/delivery.md, classes)."""

import math
import socket
from http.client import HTTPException
from urllib.error import URLError

from slack_sdk.errors import SlackApiError, SlackClientError

from tracker.domain.notice import Doubt, Outcome, Park, Pause, Refuse, Unthread, Wait

RETRY_SECONDS = 30.0
LONGEST_WAIT = 3600.0
NOT_ARRIVED = ("request_timeout",)
RATE = ("ratelimited", "rate_limited")
WORKSPACE_ERRORS = (
    "invalid_auth",
    "not_authed",
    "account_inactive",
    "token_revoked",
    "token_expired",
    "missing_scope",
    "app_access_restricted",
    "two_factor_setup_required",
    "org_login_required",
    "team_added_to_org",
    "enterprise_is_restricted",
    "message_limit_exceeded",
)
CHANNEL_ERRORS = (
    "channel_not_found",
    "not_in_channel",
    "is_archived",
    "no_permission",
    "ekm_access_denied",
    "messages_tab_disabled",
    "is_inactive",
)
# The message that it was to stand under takes no replies, or is gone.
THREAD_ERRORS = ("cannot_reply_to_message", "thread_not_found", "restricted_action_thread_locked")
CONTENT_ERRORS = (
    "msg_too_long",
    "msg_blocks_too_long",
    "no_text",
    "too_many_attachments",
    "metadata_too_large",
    "markdown_text_conflict",
)
# A message that cannot be edited any more: it was deleted, is not ours, or is too old for its workspace.
EDIT_ERRORS = ("message_not_found", "cant_update_message", "edit_window_closed")
CONTENT_PREFIXES = ("invalid_blocks", "invalid_metadata")


def of_answer(error: SlackApiError) -> Outcome:
    """The class of an error that Slack told us. Whatever we do not know is in doubt, never simply sent again."""
    response = error.response
    status = getattr(response, "status_code", 0)
    code = str(response.get("error", "") if isinstance(response.data, dict) else "")
    if status == 429 or code in RATE:
        return Wait(_retry_after(error), "ratelimited")
    if status >= 500:
        return Doubt(f"HTTP {status}")
    if code in NOT_ARRIVED:
        return Wait(RETRY_SECONDS, code, hold_channel=False)
    if code in WORKSPACE_ERRORS:
        return Pause(code)
    if code in THREAD_ERRORS:
        return Unthread(code)
    if code in CHANNEL_ERRORS or code.startswith("restricted_action"):
        return Park(code)
    if code in CONTENT_ERRORS + EDIT_ERRORS or code.startswith(CONTENT_PREFIXES):
        return Refuse(code)
    return Doubt(code[:200] or f"HTTP {status}, not an answer of Slack")


def _retry_after(error: SlackApiError) -> float:
    headers = {name.lower(): value for name, value in dict(error.response.headers).items()}
    try:
        seconds = float(headers.get("retry-after", RETRY_SECONDS))
    except (TypeError, ValueError):
        return RETRY_SECONDS
    return min(max(1.0, seconds), LONGEST_WAIT) if math.isfinite(seconds) else RETRY_SECONDS


# What the wire can do to a call, and what the SDK makes of an answer that is JSON but none of Slack's (a list, a null).
# Everything but a refused connection and an unknown host is in doubt.
WIRE_FAULTS = (OSError, HTTPException, SlackClientError, ValueError, AttributeError, LookupError, TypeError)


def of_fault(error: Exception) -> Outcome:
    """The class of a fault on the wire: only where no connection was made do we know that nothing was sent."""
    reason = error.reason if isinstance(error, URLError) else error
    name = type(reason).__name__
    if isinstance(reason, ConnectionRefusedError | socket.gaierror):
        return Wait(RETRY_SECONDS, f"Slack cannot be reached ({name})", hold_channel=False)
    return Doubt(f"{name}: {reason}"[:200])
