"""A publish is confirmed or it is not: whatever a library does to one message, its neighbours and its caller go on."""

import asyncio
from typing import Any, cast

from aio_pika.abc import AbstractChannel
from structlog.testing import capture_logs

from twoway_router.dispatch.publisher import Outgoing, Publisher


class FakeExchange:
    """Confirms a message unless its routing key says what happens to it."""

    async def publish(self, message: object, *, routing_key: str, mandatory: bool) -> None:
        match routing_key:
            case "broken":
                raise ConnectionResetError
            case "cancelled":
                raise asyncio.CancelledError
            case "surprising":
                raise LookupError
            case "silent":
                await asyncio.Event().wait()


class FakeChannel:
    default_exchange = FakeExchange()


def a_publisher(confirm_seconds: float = 5) -> Publisher:
    return Publisher(cast("AbstractChannel", FakeChannel()), confirm_seconds=confirm_seconds)


def to(*queues: str) -> list[Outgoing]:
    return [Outgoing(exchange="", routing_key=queue, body=b"{}") for queue in queues]


async def test_only_what_is_confirmed_is_true() -> None:
    assert await a_publisher().publish(to("mt", "broken", "mo")) == [True, False, True]


async def test_a_cancellation_by_the_library_is_not_confirmed_and_no_surprise() -> None:
    with capture_logs() as logs:
        assert await a_publisher().publish(to("cancelled", "mt")) == [False, True]

    assert [entry for entry in logs if entry["log_level"] == "error"] == []


async def test_a_surprise_is_logged_and_fails_its_message_only() -> None:
    with capture_logs() as logs:
        assert await a_publisher().publish(to("surprising", "mt")) == [False, True]

    assert [(entry["event"], entry["error"]) for entry in logs] == [("rabbitmq.publish_failed", "LookupError")]


async def test_what_is_not_confirmed_in_time_is_false_and_ends() -> None:
    publisher = a_publisher(confirm_seconds=0.01)

    with capture_logs() as logs:
        confirmed = await publisher.publish(to("silent", "mt"))

    late: dict[str, Any] = dict(logs[0])
    assert (confirmed, late["event"], late["messages"]) == ([False, True], "rabbitmq.unconfirmed", 1)
