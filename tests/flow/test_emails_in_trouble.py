"""E-mails to an SMTP server that is slow, or to addresses that are none: neighbours are sent once, in their time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from aiosmtpd.smtp import SMTP

from tests.cast import an_effect
from tests.support.scene import Scene
from twoway_router.emails.delivery import AT_ONCE, EmailDelivery
from twoway_router.emails.service import EmailDraft, queue_emails
from twoway_router.outbound.email import SmtpServer
from twoway_router.store import System, transaction


@dataclass(kw_only=True, slots=True)
class Counter:
    """An aiosmtpd handler that holds every e-mail back until it may go, and notes to whom they went."""

    may_go: asyncio.Event = field(default_factory=asyncio.Event)
    recipients: list[str] = field(default_factory=list)

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's name)
        await self.may_go.wait()
        self.recipients += envelope.rcpt_tos
        return "250 OK"


@asynccontextmanager
async def slow_server() -> AsyncIterator[tuple[Counter, SmtpServer]]:
    counter = Counter()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(counter, loop=loop), "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield counter, SmtpServer(host="127.0.0.1", port=port, sender="router@example.com", tls="none")
    finally:
        server.close()


async def queue(scene: Scene, *recipients: str) -> list[UUID]:
    """E-mails in one transaction; their jobs."""
    drafts = [
        EmailDraft(tenant_id=scene.pizzeria, recipient=each, subject="Order", body="Una pizza", key=an_effect())
        for each in recipients
    ]
    async with transaction(scene.engine, System("test")) as session:
        await queue_emails(session, drafts, now=scene.clock())
    return await scene.take_jobs("email.deliver")


async def states(scene: Scene) -> dict[str, int]:
    rows = await scene.rows("SELECT state, count(*) AS count FROM email_deliveries GROUP BY state")
    return {row.state: row.count for row in rows}


async def test_an_address_that_is_none_spoils_nobody_elses_email(scene: Scene) -> None:
    async with slow_server() as (counter, server):
        counter.may_go.set()
        jobs = await queue(scene, "chef@pizzeria..example", "chef@pizzeria.example")
        executor = EmailDelivery(scene.engine, server, clock=scene.clock)

        await executor.deliver(jobs)
        await executor.drain()

    assert counter.recipients == ["chef@pizzeria.example"]
    assert await states(scene) == {"done": 1, "failed": 1}


async def test_no_more_is_claimed_than_can_be_sent_at_once(scene: Scene) -> None:
    async with slow_server() as (counter, server):
        jobs = await queue(scene, *(f"chef{place}@pizzeria.example" for place in range(30)))
        executor = EmailDelivery(scene.engine, server, clock=scene.clock)

        delivering = asyncio.create_task(executor.deliver(jobs))
        await asyncio.sleep(0.5)
        waiting = await states(scene)
        counter.may_go.set()
        await delivering
        await executor.drain()

    assert waiting == {"claimed": AT_ONCE, "pending": 30 - AT_ONCE}
    assert await states(scene) == {"done": 30}
