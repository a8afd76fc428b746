"""Mail for invitations and lost links, where SMTP_URL is set. Sent after the transaction, never in one."""

import logging
import smtplib
from email.message import EmailMessage
from urllib.parse import parse_qs, unquote, urlsplit

log = logging.getLogger("tracker.mail")
TIMEOUT_SECONDS = 10


def sender_of(smtp_url: str) -> str:
    """The address that mail comes from: `?from=` of the URL, else its user."""
    parts = urlsplit(smtp_url)
    return parse_qs(parts.query).get("from", [unquote(parts.username or f"tracker@{parts.hostname}")])[0]


def send_link(smtp_url: str, to: str, name: str, link: str) -> bool:
    """Mail a sign-in link; False where the server did not take it, which is logged without the link."""
    message = EmailMessage()
    message["Subject"] = "Your sign-in link"
    message["From"] = sender_of(smtp_url)
    message["To"] = to
    message.set_content(
        f"Hello {name},\n\nwith this link you sign in to the engagement tracker. It works once, within three days:\n\n{link}\n\n"
        "If you did not expect it, do nothing: without the link nobody gets in.\n"
    )
    parts = urlsplit(smtp_url)
    kind = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
    try:
        with kind(parts.hostname or "", parts.port or 0, timeout=TIMEOUT_SECONDS) as server:
            server.ehlo()
            if parts.scheme == "smtp" and server.has_extn("starttls"):
                server.starttls()
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        log.error("mail was not taken: %s", type(error).__name__)
        return False
    return True
