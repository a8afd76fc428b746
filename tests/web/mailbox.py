"""A mail server that keeps what it is given; stands in for smtplib."""

from email.message import EmailMessage
from typing import ClassVar, Self

from tracker.store.database import db


class Mailbox:
    """Takes the place of `smtplib.SMTP`. Each message with whether a transaction was open while it was sent."""

    sent: ClassVar[list[tuple[str, str, bool]]] = []

    def __init__(self, host: str, port: int, *, timeout: float) -> None:
        self.address = (host, port, timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        return None

    def ehlo(self) -> None:
        """Say hello."""

    def has_extn(self, _name: str) -> bool:
        return False

    def send_message(self, message: EmailMessage) -> None:
        self.sent.append((message["To"], message.get_content(), db.session().in_transaction()))
