"""One transaction on the configured database for a command's work: ``keys``, ``migrate``, ``outbox``, ``parked``."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer

from twoway_router.cli.refusals import refusals
from twoway_router.cli.settings import read_settings
from twoway_router.domain.errors import RouterError
from twoway_router.processes.database import database_for_commands
from twoway_router.processes.frame import StartRefused
from twoway_router.store import Session, System, transaction
from twoway_router.store.engine import make_engine
from twoway_router.store.migrate import find_reason_not_to_start

Result = TypeVar("Result")


def in_transaction(work: Callable[[Session], Awaitable[Result]]) -> Result:
    """The result of ``work``, committed. A ``RouterError`` prints its sentence, with exit code 1."""

    async def run(url: str) -> Result:
        engine = make_engine(url, pool_size=1)
        try:
            async with transaction(engine, System("command line")) as session:
                if reason := await find_reason_not_to_start(session):
                    raise StartRefused(reason)
                return await work(session)
        finally:
            await engine.dispose()

    with refusals(), database_for_commands(read_settings()) as url:
        try:
            return asyncio.run(run(url))
        except RouterError as error:
            typer.echo(f"twoway-router: {error.detail}", err=True)
            raise typer.Exit(1) from None
