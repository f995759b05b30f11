"""Hands one e-mail to the SMTP server. Called by ``emails.delivery``."""

from dataclasses import dataclass
from datetime import timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import Literal

import aiosmtplib

from twoway_router.domain.outcomes import Done, Failed, Outcome, Retry


@dataclass(frozen=True, kw_only=True, slots=True)
class SmtpServer:
    """Where e-mails go and who they come from."""

    host: str
    port: int
    sender: str
    tls: Literal["none", "starttls", "tls"] = "starttls"
    user: str | None = None
    password: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Email:
    """One e-mail. ``message_id`` is the same on every try, so that a receiver can drop a repeat."""

    message_id: str
    recipient: str
    subject: str
    text: str
    timestamp: float


def build_message(email: Email, sender: str) -> EmailMessage:
    """The message as it is sent. Line breaks in values become spaces: a header never gains a line."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = Address(addr_spec=email.recipient)
    message["Subject"] = " ".join(email.subject.split())
    message["Date"] = formatdate(email.timestamp, usegmt=True)
    message["Message-ID"] = f"<{email.message_id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(email.text)
    return message


async def send_email(server: SmtpServer, email: Email, *, timeout: timedelta) -> Outcome:
    """One try. Answers 5xx are final, everything else may be tried again."""
    try:
        message = build_message(email, server.sender)
    except (ValueError, MessageError, AttributeError, IndexError):  # what the library's parser has for odd addresses
        return Failed(reason="address_invalid")
    try:
        await aiosmtplib.send(
            message,
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.tls == "tls",
            start_tls=server.tls == "starttls",
            timeout=timeout.total_seconds(),
        )
    except aiosmtplib.SMTPRecipientsRefused as error:
        codes = [refused.code for refused in error.recipients]
        return _refused(codes[0] if codes else 550)
    except aiosmtplib.SMTPResponseException as error:
        return _refused(error.code)
    except (aiosmtplib.SMTPException, OSError) as error:
        return Retry(reason=type(error).__name__)
    return Done()


def _refused(code: int) -> Outcome:
    return Failed(reason=f"smtp_{code}") if 500 <= code < 600 else Retry(reason=f"smtp_{code}")
