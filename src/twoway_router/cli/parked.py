"""``twoway-router parked``: messages whose actions failed every try, and the way back for them."""

from typing import Annotated, Final
from uuid import UUID

import typer

from twoway_router.cli.work import in_transaction
from twoway_router.inbound.queries.parked import ParkedMessage, list_parked, requeue
from twoway_router.store import Session, outbox

parked_app = typer.Typer(no_args_is_help=True, help="Messages that failed every try and wait for someone.")

REQUEUE_LIMIT: Final = 10_000


@parked_app.command("list")
def list_messages(limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 100) -> None:
    """List parked messages, oldest first: id, time, route, tries, reason."""

    async def read(session: Session) -> list[ParkedMessage]:
        return list(await list_parked(session, limit))

    found = in_transaction(read)
    for each in found:
        typer.echo(
            f"{each.id}  {each.received_at:%Y-%m-%d %H:%M:%S}  {each.route}  {each.attempts}  {each.last_error or ''}"
        )
    if not found:
        typer.echo("Nothing is parked.", err=True)


@parked_app.command("requeue")
def requeue_messages(
    ids: Annotated[list[UUID] | None, typer.Argument(help="Ids, as `parked list` shows them.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All parked messages.")] = False,
) -> None:
    """Put parked messages back to work, with a fresh count of tries."""
    if everything is bool(ids):
        raise typer.BadParameter("give ids, or --all")

    async def work(session: Session) -> int:
        found = await requeue(session, None if everything else ids, REQUEUE_LIMIT)
        lanes = [outbox.lane_of(order_key) for _, order_key in found]
        await outbox.add(session, "message.run", [message_id for message_id, _ in found], lanes)
        return len(found)

    typer.echo(f"{in_transaction(work)} put back.")
