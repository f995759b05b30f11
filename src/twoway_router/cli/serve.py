"""``twoway-router serve ROLE``: one role as a process of its own."""

import asyncio
from typing import Annotated

import typer

from twoway_router.cli.refusals import refusals
from twoway_router.cli.settings import read_settings
from twoway_router.processes.roles import Role, serve
from twoway_router.telemetry.logs import configure_logs


def serve_role(role: Annotated[Role, typer.Argument(help="Which role this process plays.")]) -> None:
    """Run one role until SIGTERM, on the PostgreSQL and RabbitMQ that the settings name."""
    settings = read_settings()
    configure_logs(settings.log_format, settings.log_level)
    with refusals():
        asyncio.run(serve(role, settings))
