"""Hands an MT to its carrier and asks for its fate. Called by ``mts.delivery`` with no transaction open."""

from datetime import datetime, timedelta

from twoway_router.carriers.engine import CompiledConnection
from twoway_router.domain.messages import OutboundMessage
from twoway_router.domain.outcomes import Retry, SendReply, Unknown
from twoway_router.outbound.errors import SendRefused, SendUnknown
from twoway_router.outbound.http import HttpClient


async def send_sms(
    client: HttpClient,
    connection: CompiledConnection,
    message: OutboundMessage,
    *,
    timeout: timedelta,
    now: datetime,
) -> SendReply:
    """One try. A request that never left is a Retry; one whose answer was lost is Unknown."""
    try:
        reply = await client.send(connection.build_send(message, now), timeout=timeout)
    except SendRefused as refused:
        return Retry(reason=refused.reason)
    except SendUnknown as unknown:
        return Unknown(reason=unknown.reason)
    return connection.read_reply(reply)


async def look_up_sms(
    client: HttpClient,
    connection: CompiledConnection,
    reference: str,
    *,
    timeout: timedelta,
) -> SendReply:
    """Ask a carrier that can be asked: Done (it has the MT), Retry (it never got it) or Unknown (no answer)."""
    try:
        reply = await client.send(connection.build_look_up(reference), timeout=timeout)
    except (SendRefused, SendUnknown) as error:
        return Unknown(reason=error.reason)
    return connection.read_look_up(reply)
