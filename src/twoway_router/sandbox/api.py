"""``/v1/sandbox``: what exists for test keys only. Everything else of a sandbox is the ordinary API with a test key."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from twoway_router.domain.errors import Unavailable
from twoway_router.domain.ids import ConnectionId, new_id
from twoway_router.numbers.schemas import NumberOut, TunedNumber
from twoway_router.sandbox import queries, service
from twoway_router.sandbox.schemas import (
    HandsetsOut,
    SandboxMessageIn,
    SandboxMessageOut,
    SandboxNumberIn,
)
from twoway_router.web.auth import CurrentSandbox
from twoway_router.web.context import Context, DbSession, Door, Now
from twoway_router.web.etags import IfMatch, tagged
from twoway_router.web.problems import may_answer
from twoway_router.web.route import api_router

router = api_router("/sandbox", resource="sandbox", tag="Sandbox")


async def _door(context: Context) -> Door:
    """The process's way into the message path."""
    if context.sandbox_door is None:
        raise Unavailable
    return context.sandbox_door


async def _wanted_id(request: Request) -> str:
    """The carrier's id of a message that names none: what is sent again with its Idempotency-Key is one message."""
    key = request.headers.get("idempotency-key")
    return f"idempotency-key {key}" if key else str(new_id())


@router.get("/handsets")
async def list_sandbox_handsets(sandbox_id: CurrentSandbox) -> HandsetsOut:
    """List the handsets with which failures are tried: not delivered, opted out, throttled and so on."""
    return HandsetsOut.all()


@router.post("/numbers", status_code=201)
async def create_sandbox_number(
    body: SandboxNumberIn,
    sandbox_id: CurrentSandbox,
    context: Context,
    session: DbSession,
    now: Now,
    response: Response,
) -> NumberOut:
    """Create a number that only your sandbox sees, on a simulated carrier. It may have a live number's address."""
    wanted = (
        body.to_row(new_id(), now) if body.like is None else await service.copy_of(session, sandbox_id, body.like, now)
    )
    row = await service.add_number(session, context.sealer, sandbox_id, wanted, now)
    response.headers["Location"] = f"/v1/numbers/{row.id}"
    return tagged(response, row.revision, NumberOut.of(row, sandbox_id))


@router.patch("/numbers/{number_id}")
async def update_sandbox_number(
    number_id: UUID,
    body: TunedNumber,
    sandbox_id: CurrentSandbox,
    session: DbSession,
    now: Now,
    expected: IfMatch,
    response: Response,
) -> NumberOut:
    """Change a number of your sandbox, or disable it."""
    row = await service.change_number(session, sandbox_id, number_id, body.to_changes(), expected=expected, now=now)
    return tagged(response, row.revision, NumberOut.of(row, sandbox_id))


@router.post("/inbound-messages", status_code=201, responses=may_answer(404))
async def send_sandbox_message(
    body: SandboxMessageIn,
    sandbox_id: CurrentSandbox,
    context: Context,
    session: DbSession,
    now: Now,
    door: Annotated[Door, Depends(_door)],
    fallback_id: Annotated[str, Depends(_wanted_id)],
    response: Response,
) -> SandboxMessageOut:
    """Send a text as a handset would. It takes the way of a carrier's message: stored, routed, answered."""
    verdict = context.sandbox_messages.take(sandbox_id, now)
    if not verdict.is_allowed:
        raise context.sandbox_messages.refusal(verdict)
    number = await service.get_number(
        session, sandbox_id, number_id=body.number_id, country=body.country or "", address=body.address
    )
    connection_id = ConnectionId(number.connection_id)
    message = body.to_message(body.id or fallback_id, number)
    is_new = await door.bring(connection_id, message, now)
    row = await queries.find_inbound(session, connection_id, message.carrier_message_id)
    if row is None:
        raise Unavailable
    response.headers["Location"] = f"/v1/inbound-messages/{row.id}"
    return SandboxMessageOut.stored(row, sandbox_id, is_repeat=not is_new)
