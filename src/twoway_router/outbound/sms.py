"""The port to carriers: hands an MT over and asks for its fate. Called by ``mts.delivery`` with no transaction open.

HTTP is here, the sandboxes' simulated carrier in ``sandbox.delivery``; ``executor`` says which carrier is reached how.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from twoway_router.carriers.engine import CompiledConnection
from twoway_router.domain.messages import OutboundMessage
from twoway_router.domain.outcomes import Retry, SendReply, Unknown
from twoway_router.outbound.errors import SendRefused, SendUnknown
from twoway_router.outbound.http import HttpClient


class SmsSender(Protocol):
    """One way to carriers."""

    async def send(
        self, connection: CompiledConnection, message: OutboundMessage, *, timeout: timedelta, now: datetime
    ) -> SendReply:
        """One try. A request that never left is a Retry; one whose answer was lost is Unknown."""
        ...

    async def look_up(self, connection: CompiledConnection, reference: str, *, timeout: timedelta) -> SendReply:
        """Ask a carrier that can be asked: Done (it has the MT), Retry (it never got it) or Unknown (no answer)."""
        ...


class HttpSender:
    """An ``SmsSender`` for carriers with an HTTP API."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    async def send(
        self, connection: CompiledConnection, message: OutboundMessage, *, timeout: timedelta, now: datetime
    ) -> SendReply:
        try:
            reply = await self._client.send(connection.build_send(message, now), timeout=timeout)
        except SendRefused as refused:
            return Retry(reason=refused.reason)
        except SendUnknown as unknown:
            return Unknown(reason=unknown.reason)
        return connection.read_reply(reply)

    async def look_up(self, connection: CompiledConnection, reference: str, *, timeout: timedelta) -> SendReply:
        try:
            reply = await self._client.send(connection.build_look_up(reference), timeout=timeout)
        except (SendRefused, SendUnknown) as error:
            return Unknown(reason=error.reason)
        return connection.read_look_up(reply)


class SenderByCarrier:
    """An ``SmsSender`` that takes the way of the connection's carrier: its own where it has one, else HTTP."""

    def __init__(self, http: HttpSender, own: Mapping[str, SmsSender]) -> None:
        self._http = http
        self._own = own

    async def send(
        self, connection: CompiledConnection, message: OutboundMessage, *, timeout: timedelta, now: datetime
    ) -> SendReply:
        sender = self._own.get(connection.carrier, self._http)
        return await sender.send(connection, message, timeout=timeout, now=now)

    async def look_up(self, connection: CompiledConnection, reference: str, *, timeout: timedelta) -> SendReply:
        sender = self._own.get(connection.carrier, self._http)
        return await sender.look_up(connection, reference, timeout=timeout)
