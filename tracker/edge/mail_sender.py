"""Sends notices by mail: one conversation with the server for each, and every fault an outcome (docs/rules/delivery.md)."""

import re
import smtplib
import ssl
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import formatdate
from urllib.parse import unquote, urlsplit
from uuid import UUID

from tracker.domain.notice import Doubt, Outcome, Park, Pause, Post, Refuse, Sent, Wait
from tracker.edge.mail import TIMEOUT_SECONDS, sender_of

RETRY_SECONDS = 60.0
GOODBYE_SECONDS = 1.0
# So long may it take until the message itself is sent; what comes after is waited for twice at most.
PATIENCE_SECONDS = 40.0
TAKEN, FORWARDED, GO_AHEAD = 250, 251, 354
AUTH_CODES = (530, 534, 535, 538)
TOO_SLOW = "the mail server was too slow"
BEGINS_WITH_DOT = re.compile(rb"(?m)^\.")
# Whatever the wire can do to a conversation.
FAULTS = (OSError, smtplib.SMTPException)


class MailSender:
    """Sends to one server, as SMTP_URL names it. The URL holds a password: it is never logged, nor part of an outcome."""

    def __init__(self, smtp_url: str, *, base_url: str, timeout: float = TIMEOUT_SECONDS) -> None:
        self._url = urlsplit(smtp_url)
        self._from = sender_of(smtp_url)
        self._host = urlsplit(base_url).hostname or "localhost"
        self._timeout = timeout

    def send(self, post: Post) -> Outcome:
        """Send one letter, once. Until the server has begun to take the message itself, nothing was sent."""
        try:
            raw = self._message(post).as_bytes(policy=policy.SMTP.clone(cte_type="7bit"))
            post.channel.encode("ascii")
        except (UnicodeError, ValueError):
            return Park("not an address that mail can be sent to")
        try:
            server = self._connect()
        except smtplib.SMTPResponseException as error:
            return _of_code(error.smtp_code, error.smtp_error, Pause)
        except FAULTS as error:
            return _before_anything(error)
        try:
            return self._converse(server, post, raw)
        finally:
            _leave(server)

    def _converse(self, server: smtplib.SMTP, post: Post, raw: bytes) -> Outcome:
        began = time.monotonic()
        try:
            refused = self._introduce(server) or self._address(server, post.channel)
            if refused is not None:
                return refused
            if time.monotonic() - began > PATIENCE_SECONDS:
                return Wait(RETRY_SECONDS, TOO_SLOW, hold_channel=False)
            code, said = server.docmd("DATA")
        except smtplib.SMTPResponseException as error:
            return _of_code(error.smtp_code, error.smtp_error, Pause)
        except FAULTS as error:
            return _before_anything(error)
        if code != GO_AHEAD:
            return _of_code(code, said, Refuse)
        return _hand_over(server, raw, self._id_of(post.notice_id))

    def find(
        self,
        channel: str,  # noqa: ARG002 -- nothing that was mailed can be read back
        notice_ids: Iterable[UUID],  # noqa: ARG002
        oldest: datetime,  # noqa: ARG002
        *,
        threads: Collection[str] = (),  # noqa: ARG002
        history: bool = True,  # noqa: ARG002
    ) -> Mapping[UUID, str] | None:
        """Mail cannot be read back."""
        return None

    def _id_of(self, notice_id: UUID) -> str:
        """The same for every try: where a repeat arrives, a mail program may know that it is one."""
        return f"<{notice_id}@{self._host}>"

    def _message(self, post: Post) -> EmailMessage:
        (block,) = post.blocks
        message = EmailMessage()
        message["Subject"] = str(block["subject"])
        message["From"] = self._from
        message["To"] = post.channel
        message["Date"] = formatdate(usegmt=True)
        message["Message-ID"] = self._id_of(post.notice_id)
        message["Auto-Submitted"] = "auto-generated"
        message["List-Unsubscribe"] = f"<{block['preferences']}>"
        message.set_content(post.text)
        message.add_alternative(str(block["html"]), subtype="html")
        return message

    def _connect(self) -> smtplib.SMTP:
        kind = smtplib.SMTP_SSL if self._url.scheme == "smtps" else smtplib.SMTP
        return kind(self._url.hostname or "", self._url.port or 0, timeout=self._timeout)

    def _introduce(self, server: smtplib.SMTP) -> Outcome | None:
        server.ehlo_or_helo_if_needed()
        if self._url.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls()
            server.ehlo()
        if self._url.username:
            try:
                server.login(unquote(self._url.username), unquote(self._url.password or ""))
            except smtplib.SMTPAuthenticationError as error:
                return _of_code(error.smtp_code, error.smtp_error, Pause)
        return None

    def _address(self, server: smtplib.SMTP, to: str) -> Outcome | None:
        code, said = server.mail(self._from)
        if code != TAKEN:
            return _of_code(code, said, Pause)
        code, said = server.rcpt(to)
        return None if code in (TAKEN, FORWARDED) else _of_code(code, said, Park)


def _hand_over(server: smtplib.SMTP, raw: bytes, message_id: str) -> Outcome:
    """Send the message itself. From here on only the server's answer says whether it has it."""
    try:
        server.send(BEGINS_WITH_DOT.sub(b"..", raw) + b".\r\n")
        code, said = server.getreply()
    except FAULTS as error:
        return Doubt(f"{type(error).__name__} while it was handed over")
    if code == TAKEN:
        return Sent(message_id)
    # An answer that is none of SMTP's says nothing at all.
    return _of_code(code, said, Refuse) if 400 <= code < 600 else Doubt(_say(code, said))


def _of_code(code: int, said: bytes | str, otherwise: Callable[[str], Outcome]) -> Outcome:
    """What an answer other than yes means: later, not as whom we say we are, or what its place in the conversation makes it."""
    if code in AUTH_CODES:
        return Pause(_say(code, said))
    if 500 <= code < 600:
        return otherwise(_say(code, said))
    return Wait(RETRY_SECONDS, _say(code, said))


def _before_anything(error: Exception) -> Outcome:
    """A fault before the message itself was sent: nothing has arrived."""
    if isinstance(error, ssl.SSLError | smtplib.SMTPNotSupportedError) or type(error) is smtplib.SMTPException:
        return Pause(type(error).__name__)
    return Wait(RETRY_SECONDS, f"the mail server cannot be reached ({type(error).__name__})", hold_channel=False)


def _say(code: int, said: bytes | str) -> str:
    """A server's answer as one short line."""
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return f"{code} {' '.join(text.split())}"[:200]


def _leave(server: smtplib.SMTP) -> None:
    """Say goodbye, if anybody still listens. Whatever happens here, what was said before holds."""
    with suppress(*FAULTS):
        if server.sock is not None:
            server.sock.settimeout(GOODBYE_SECONDS)
        server.quit()
    server.close()
