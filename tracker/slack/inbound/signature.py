"""Whether Slack itself sent a request: its signature over the bytes as they came, and how old it is."""

from slack_sdk.signature import Clock, SignatureVerifier

# The verifier raises what it stumbles over: a timestamp that is no number, a signature beyond ASCII, a body beyond UTF-8.
NONSENSE = (ValueError, TypeError, UnicodeError, OverflowError)
LONGEST_HEADER = 200


class Moment(Clock):
    """The verifier's clock, stopped at one moment in seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def now(self) -> float:
        return self._seconds


def is_genuine(secret: str, body: bytes, timestamp: str | None, signature: str | None, *, seconds: float) -> bool:
    """Whether Slack signed it within the last five minutes. Whatever cannot be read is not genuine; it raises nothing."""
    if timestamp is None or signature is None or len(timestamp) + len(signature) > LONGEST_HEADER:
        return False
    try:
        return SignatureVerifier(secret, Moment(seconds)).is_valid(body, timestamp, signature)
    except NONSENSE:
        return False
