"""``twoway-router outbox``: counts the jobs that wait to be published, lists and requeues those that were given up."""

from collections.abc import Sequence
from typing import Annotated, Final

import typer

from twoway_router.cli.work import in_transaction
from twoway_router.dispatch.queries import DeadRow, list_dead_rows, requeue_dead_rows
from twoway_router.store import Session
from twoway_router.store.outbox import Waiting, count_waiting

outbox_app = typer.Typer(no_args_is_help=True, help="Work on its way to the executors.")

SHOWN: Final = 3


@outbox_app.command("list")
def list_rows(limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many given up.")] = 100) -> None:
    """Count what waits by kind of job, and list jobs that were given up."""

    async def read(session: Session) -> tuple[Sequence[Waiting], Sequence[DeadRow]]:
        return await count_waiting(session), await list_dead_rows(session, limit)

    waiting, dead = in_transaction(read)
    for kind in waiting:
        typer.echo(f"{kind.job}  {kind.due} due, {kind.later} later, oldest {kind.oldest_at:%Y-%m-%d %H:%M:%S}")
    for row in dead:
        ids = " ".join(map(str, row.ids[:SHOWN])) + (" …" if len(row.ids) > SHOWN else "")
        typer.echo(f"given up: {row.job}  {row.dead_at:%Y-%m-%d %H:%M:%S}  {row.reason}  {ids}")
    if not waiting and not dead:
        typer.echo("The outbox is empty.", err=True)


@outbox_app.command("requeue")
def requeue_rows(limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 1000) -> None:
    """Put jobs that were given up back to work, with a fresh count of tries."""
    typer.echo(f"{in_transaction(lambda session: requeue_dead_rows(session, limit))} put back.")
