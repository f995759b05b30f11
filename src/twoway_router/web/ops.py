"""``/livez``, ``/readyz`` and ``/metrics`` of every role, on a port of their own. Liveness asks neither database nor broker."""

from collections.abc import Awaitable, Callable, Mapping

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import Receive, Scope, Send

from twoway_router.web.lifecycle import Lifecycle

Checks = Mapping[str, Callable[[], Awaitable[str | None]]]
"""Named readiness checks: None, or a sentence that says what is missing."""


class OpsApp:
    """A bare ASGI application. ``alive`` says whether all supervised loops still run."""

    def __init__(
        self, lifecycle: Lifecycle, checks: Checks, alive: Callable[[], bool], refresh: Callable[[], None]
    ) -> None:
        self._lifecycle = lifecycle
        self._checks = checks
        self._alive = alive
        self._refresh = refresh

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/metrics":
            self._refresh()
            await _answer(send, 200, generate_latest(), CONTENT_TYPE_LATEST)
        elif scope["path"] == "/livez":
            alive = self._alive()
            await _answer(send, 200 if alive else 503, b'{"alive":true}' if alive else b'{"alive":false}')
        elif scope["path"] == "/readyz":
            status, body = await self.readiness()
            await _answer(send, status, body)
        else:
            await _answer(send, 404, b'{"paths":["/livez","/readyz","/metrics"]}')

    async def readiness(self) -> tuple[int, bytes]:
        """503 during the lame duck or when a check fails, with the reasons."""
        if self._lifecycle.is_lame_duck:
            return 503, b'{"ready":false,"reasons":{"lifecycle":"stopping"}}'
        reasons = {name: reason for name, check in self._checks.items() if (reason := await check()) is not None}
        return (503 if reasons else 200), orjson.dumps({"ready": not reasons, "reasons": reasons})


async def _answer(send: Send, status: int, body: bytes, content_type: str = "application/json") -> None:
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
