"""How a process stops without failing a request: a lame duck that still serves but says ``Connection: close``, then the drain.

A sleep alone is not enough: keep-alive clients stay on a process that stops, and their requests fail when it closes them.
"""

import asyncio
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(slots=True)
class Lifecycle:
    """Shared by all of one process: ``lame_duck`` turns readiness off, ``stop`` ends loops and servers."""

    is_lame_duck: bool = False
    stop: asyncio.Event = field(default_factory=asyncio.Event)


class LameDuck:
    """ASGI middleware: during the lame duck every answer closes its connection."""

    def __init__(self, app: ASGIApp, lifecycle: Lifecycle) -> None:
        self._app = app
        self._lifecycle = lifecycle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._lifecycle.is_lame_duck:
            await self._app(scope, receive, send)
            return

        async def send_close(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
            await send(message)

        await self._app(scope, receive, send_close)
