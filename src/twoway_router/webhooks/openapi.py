"""The events as an OpenAPI ``webhooks`` section. Given to the app by ``management.app``: ``FastAPI(webhooks=…)``."""

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Header
from pydantic import create_model

from twoway_router.events.catalogue import EVENTS, EventSpec, EventType


def webhook_routes() -> APIRouter:
    """One documented POST per type of event."""
    router = APIRouter(tags=["Events"])
    for event_type, spec in EVENTS.items():
        router.add_api_route(
            event_type,
            _receiver(event_type, spec),
            methods=["POST"],
            name=f"on_{event_type.replace('.', '_')}",
            summary=spec.summary,
            description=spec.data.__doc__,
            status_code=204,
        )
    return router


def _receiver(event_type: EventType, spec: EventSpec) -> Callable[..., Coroutine[Any, Any, None]]:
    """A function that only documents: FastAPI reads its signature and never calls it."""
    name = "".join(part.title() for part in event_type.replace("_", ".").split(".")) + "Event"
    fields: dict[str, Any] = {
        "type": (Literal[event_type], ...),
        "timestamp": (datetime, ...),
        "data": (spec.data, ...),
    }
    event = create_model(name, **fields)
    example = {"type": event_type, "timestamp": "2026-03-02T12:00:01Z", "data": dict(spec.example)}

    async def receive(
        body: Annotated[event, Body(examples=[example])],
        webhook_id: Annotated[str, Header(description="The same on every try.")],
        webhook_timestamp: Annotated[str, Header(description="Seconds since 1970.")],
        webhook_signature: Annotated[str, Header(description="`v1,` and base64 of HMAC-SHA256; several by spaces.")],
    ) -> None: ...

    return receive
