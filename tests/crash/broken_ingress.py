"""The deliberately broken router: an ingress that acknowledges before it commits. The drill must catch it.

Everything else is the real ingress. A process of its own: ``python -m tests.crash.broken_ingress``.
"""

import asyncio
import random
from typing import Final

from starlette.types import Message, Receive, Scope, Send

from twoway_router.ingress.app import Ingress

COMMITS_AFTER_SECONDS: Final = 0.2


class CarelessIngress(Ingress):
    """Answers 200, and stores the message a moment later."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
        self._later = asyncio.get_running_loop().create_task(self._store(scope, body))

    async def _store(self, scope: Scope, body: Message) -> None:
        async def receive() -> Message:
            return body

        async def send(_: Message) -> None:
            return

        await asyncio.sleep(random.uniform(0, COMMITS_AFTER_SECONDS))
        await super().__call__(scope, receive, send)
