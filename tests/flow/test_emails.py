"""E-mails on their way to an SMTP server of our own."""

import asyncio
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.message import Message
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from tests.cast import an_effect
from tests.support.scene import Scene
from twoway_router.emails.delivery import EmailDelivery
from twoway_router.emails.service import EmailDraft, queue_emails
from twoway_router.outbound.email import SmtpServer
from twoway_router.store import System, transaction


class Mailbox:
    """An aiosmtpd handler that keeps messages and refuses as it is told."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.answer = "250 OK"

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's name)
        if self.answer.startswith("250"):
            self.messages.append(message_from_bytes(envelope.content, policy=default))
        return self.answer


@pytest.fixture
async def mailbox() -> AsyncIterator[tuple[Mailbox, SmtpServer]]:
    """A running SMTP server."""
    box = Mailbox()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(box, enable_SMTPUTF8=True, loop=asyncio.get_running_loop()), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    yield box, SmtpServer(host="127.0.0.1", port=port, sender="router@example.com", tls="none")
    server.close()


async def queue(scene: Scene, subject: str = "Order") -> None:
    """One e-mail."""
    draft = EmailDraft(
        tenant_id=scene.pizzeria,
        recipient="chef@pizzeria.example",
        subject=subject,
        body="Una pizza, perché no?",
        key=an_effect(),
    )
    async with transaction(scene.engine, System("test")) as session:
        await queue_emails(session, [draft], now=scene.clock())


async def deliver(scene: Scene, server: SmtpServer) -> None:
    """One executor does what is due."""
    executor = EmailDelivery(scene.engine, server, clock=scene.clock, chance=lambda: 0.5)
    await executor.deliver(await scene.take_jobs("email.deliver"))
    await executor.drain()


async def the_row(scene: Scene) -> Any:
    """The only e-mail."""
    (row,) = await scene.rows("SELECT * FROM email_deliveries")
    return row


async def test_an_email_arrives_as_it_was_meant(scene: Scene, mailbox: tuple[Mailbox, SmtpServer]) -> None:
    box, server = mailbox
    await queue(scene)

    await deliver(scene, server)

    (message,) = box.messages
    assert (message["To"], message["Subject"], message.get_payload(decode=True)) == (
        "chef@pizzeria.example",
        "Order",
        "Una pizza, perché no?\r\n".encode(),
    )
    assert ((await the_row(scene)).state, message["Message-ID"]) == (
        "done",
        f"<{(await the_row(scene)).id}@example.com>",
    )


async def test_a_value_cannot_add_a_header(scene: Scene, mailbox: tuple[Mailbox, SmtpServer]) -> None:
    box, server = mailbox
    await queue(scene, subject="Hi\r\nBcc: everyone@example.com")

    await deliver(scene, server)

    assert (box.messages[0]["Bcc"], box.messages[0]["Subject"]) == (None, "Hi Bcc: everyone@example.com")


@pytest.mark.parametrize(
    ("answer", "state", "reason"), [("550 no such user", "failed", "smtp_550"), ("451 later", "pending", "smtp_451")]
)
async def test_a_refusal_is_final_only_when_the_server_says_so(
    scene: Scene, mailbox: tuple[Mailbox, SmtpServer], answer: str, state: str, reason: str
) -> None:
    box, server = mailbox
    box.answer = answer
    await queue(scene)

    await deliver(scene, server)

    row = await the_row(scene)
    assert (row.state, row.reason) == (state, reason)


async def test_a_server_that_is_away_is_tried_six_times(scene: Scene) -> None:
    await queue(scene)
    server = SmtpServer(host="127.0.0.1", port=9, sender="router@example.com", tls="none")

    for _ in range(6):
        await deliver(scene, server)
        scene.clock.advance(hours=6)

    row = await the_row(scene)
    assert (row.state, row.attempt) == ("failed", 6)
