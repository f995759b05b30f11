"""A tenant's webhook receiver: checks the Standard Webhooks signature, keeps a journal, answers as it is set to.

Runs inside the demo, or as a process of its own (``twoway-router lab sink``).
"""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from twoway_router.lab.arrivals import Arrivals
from twoway_router.lab.journal import Journal
from twoway_router.lab.web import LabReply, LabRequest, as_asgi, serving


@dataclass(frozen=True, kw_only=True, slots=True)
class Hook:
    """One webhook request. ``data`` is its event's data when the body is a JSON object."""

    webhook_id: str
    path: str
    event: str
    data: dict[str, object]
    is_signed: bool
    answered: int
    at_ns: int


class WebhookSink:
    """Receives on every path. ``secrets`` are tried in turn; ``answers`` are given in turn, the last one for ever."""

    def __init__(self, journal: Journal, *, secrets: Sequence[str] = (), answers: Sequence[int] = (204,)) -> None:
        self.url = ""
        self.hooks: Arrivals[Hook] = Arrivals()
        self.secrets = tuple(secrets)
        self._answers = list(answers)
        self._journal = journal

    async def handle(self, request: LabRequest) -> LabReply:
        """Write the request down, then answer it."""
        if request.path == "/control/secrets" and request.method == "PUT":
            self.secrets = tuple(str(secret) for secret in orjson.loads(request.body))
            return LabReply(status=204)
        if request.path == "/control/answers" and request.method == "PUT":
            self._answers = [int(status) for status in orjson.loads(request.body)] or [204]
            return LabReply(status=204)
        status = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        event, data = _read_event(request.body)
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        signature = {name: request.header(name.encode()) for name in names}
        hook = Hook(
            webhook_id=request.header(b"webhook-id"),
            path=request.path,
            event=event,
            data=data,
            is_signed=any(_verifies(secret, request.body, signature) for secret in self.secrets),
            answered=status,
            at_ns=time.time_ns(),
        )
        await self._journal.append({"kind": "webhook", **asdict(hook)})
        self.hooks.add(hook)
        return LabReply(status=status)


def _verifies(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except (WebhookVerificationError, ValueError):
        return False
    return True


def _read_event(body: bytes) -> tuple[str, dict[str, object]]:
    try:
        event = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "", {}
    if not isinstance(event, dict) or not isinstance(event.get("data"), dict):
        return "", {}
    return str(event.get("type", "")), event["data"]


@asynccontextmanager
async def running_sink(
    journal_path: Path, *, secrets: Sequence[str] = (), answers: Sequence[int] = (204,), port: int = 0
) -> AsyncIterator[WebhookSink]:
    """A sink that listens while the block runs."""
    journal = Journal(journal_path)
    try:
        sink = WebhookSink(journal, secrets=secrets, answers=answers)
        async with serving(as_asgi(sink.handle), port=port) as url:
            sink.url = url
            yield sink
    finally:
        await journal.close()
