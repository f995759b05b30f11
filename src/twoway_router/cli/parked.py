"""``twoway-router parked``: lists messages whose actions failed every try, and puts them back to work."""

from typing import Annotated, Final
from uuid import UUID

import typer

from twoway_router.cli.work import in_transaction
from twoway_router.inbound.service import ParkedMessage, list_parked, requeue
from twoway_router.store import Session, outbox

parked_app = typer.Typer(no_args_is_help=True, help="Messages that failed every try and wait for someone.")

REQUEUE_LIMIT: Final = 10_000


@parked_app.command("list")
def list_messages(limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 100) -> None:
    """List parked messages, oldest first: id, time, route, tries, reason."""

    async def read(session: Session) -> list[ParkedMessage]:
        return list(await list_parked(session, limit))

    messages = in_transaction(read)
    for message in messages:
        received = f"{message.received_at:%Y-%m-%d %H:%M:%S}"
        typer.echo(f"{message.id}  {received}  {message.route}  {message.attempts}  {message.last_error or ''}")
    if not messages:
        typer.echo("Nothing is parked.", err=True)


@parked_app.command("requeue")
def requeue_messages(
    ids: Annotated[list[UUID] | None, typer.Argument(help="Ids, as `parked list` shows them.")] = None,
    all_messages: Annotated[bool, typer.Option("--all", help="All parked messages.")] = False,
) -> None:
    """Put parked messages back to work, with a fresh count of tries."""
    if all_messages is bool(ids):
        raise typer.BadParameter("give ids, or --all")

    async def work(session: Session) -> int:
        requeued = await requeue(session, None if all_messages else ids, REQUEUE_LIMIT)
        lanes = [outbox.lane_of(order_key) for _, order_key in requeued]
        await outbox.add(session, "message.run", [message_id for message_id, _ in requeued], lanes)
        return len(requeued)

    typer.echo(f"{in_transaction(work)} put back.")
