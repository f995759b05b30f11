"""``twoway-router run`` and ``demo``: every role in one process, with a demo of the message path."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Annotated

import typer

from twoway_router.cli.refusals import refusals
from twoway_router.cli.settings import read_settings
from twoway_router.config import Settings
from twoway_router.lab.demo.report import render
from twoway_router.lab.demo.start import RunningDemo, describe, running_demo
from twoway_router.processes.all_in_one import Running, run_everything
from twoway_router.processes.carriers import load_carriers
from twoway_router.processes.database import database_for_commands
from twoway_router.store import migrate
from twoway_router.telemetry.logs import configure_logs


def say(text: str) -> None:
    """Print one line of progress."""
    typer.echo(f"• {text}")


def run(
    demo: Annotated[bool, typer.Option(help="Send the demo's messages once everything is up.")] = True,
) -> None:
    """Serve every role in one process until Ctrl-C; without TWOWAY_DATABASE_URL on an embedded PostgreSQL."""

    async def print_addresses(settings: Settings, running: Running) -> None:
        say(f"management API {running.api_url}/v1 · carriers {running.ingress_url} · ops {running.ops_url}")
        say(f"operator key {running.operator_key}")
        say("Ctrl-C stops")

    _serve(read_settings(), _play_and_stay if demo else print_addresses)


def demo(
    exit_after: Annotated[
        bool, typer.Option("--exit-after", help="Leave when the messages had their effects: 0 if all had.")
    ] = False,
) -> None:
    """Like run; with --exit-after on free ports, and the exit code says whether every message had its effect."""
    settings = read_settings()
    if not exit_after:
        _serve(settings, _play_and_stay)
        return
    is_met = False

    async def play_and_leave(settings: Settings, running: Running) -> None:
        nonlocal is_met
        try:
            async with _played(settings, running, is_on_free_ports=True) as show:
                typer.echo(f"\n{render(show.report)}")
                is_met = show.report.is_met
        finally:
            running.stop()

    _serve(settings.model_copy(update={"ingress_port": 0, "api_port": 0, "ops_port": 0}), play_and_leave)
    if not is_met:
        raise typer.Exit(1)


def _serve(settings: Settings, when_up: Callable[[Settings, Running], Awaitable[None]]) -> None:
    """All roles on a migrated database, and ``when_up`` beside them. The demo's webhooks go to this machine."""
    local = {"webhook_allowed_networks": (*settings.webhook_allowed_networks, "127.0.0.0/8")}
    quiet = {"log_level": "warning"} if settings.log_level == "info" and settings.log_format == "auto" else {}
    settings = settings.model_copy(update=local | quiet)
    configure_logs(settings.log_format, settings.log_level)
    began = perf_counter()

    async def greet(running: Running) -> None:
        say(f"up after {perf_counter() - began:.1f} s")
        await when_up(settings, running)

    with refusals():
        load_carriers(settings.carrier_specs)  # a mistake in a spec shows before a database is started
        say("starting the embedded PostgreSQL" if settings.database_url is None else "using TWOWAY_DATABASE_URL")
        with database_for_commands(settings, say=say) as url:
            say("applying migrations")
            migrate.upgrade(url)
            asyncio.run(run_everything(settings, url, greet))
    say("stopped; the data stays for the next run")


async def _play_and_stay(settings: Settings, running: Running) -> None:
    """The demo's carrier serves until the process ends: it takes the MTs of whoever tries the router by hand."""
    async with _played(settings, running, is_on_free_ports=settings.ingress_port == 0) as show:
        typer.echo(f"\n{render(show.report)}\n")
        typer.echo(describe(show, api_url=running.api_url, operator_key=running.operator_key))
        typer.echo("\nServing. Ctrl-C stops.")
        await running.stopped.wait()


def _played(
    settings: Settings, running: Running, *, is_on_free_ports: bool
) -> contextlib.AbstractAsyncContextManager[RunningDemo]:
    return running_demo(
        api_url=running.api_url,
        ingress_url=running.ingress_url,
        operator_key=running.operator_key,
        state_folder=settings.state_folder,
        say=say,
        is_on_free_ports=is_on_free_ports,
    )
