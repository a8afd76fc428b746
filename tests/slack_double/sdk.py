"""The real Slack client, pointed at the double the way our own code points it at Slack."""

from slack_sdk import WebClient
from slack_sdk.http_retry import RetryHandler

from tests.slack_double.workspace import TOKEN


def web_client(
    base_url: str, token: str = TOKEN, *, timeout: int = 2, retry_handlers: list[RetryHandler] | None = None
) -> WebClient:
    """Return a client that tries once. `timeout` is whole seconds per socket operation, as the SDK has it."""
    client = WebClient(token=token, base_url=base_url, timeout=timeout, retry_handlers=retry_handlers or [])
    # The SDK takes a proxy from the environment even for this machine, whatever NO_PROXY says.
    client.proxy = None
    return client
