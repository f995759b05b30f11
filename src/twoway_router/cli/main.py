"""The table of commands. A command's module is imported only when that command is called."""

import pkgutil
from collections.abc import Mapping
from typing import Annotated, Any, Final, cast

import typer
from typer.core import TyperCommand, TyperGroup

from twoway_router import __version__

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "run": (
        "twoway_router.cli.run:run",
        "Serve every role in one process until Ctrl-C; without TWOWAY_DATABASE_URL on an embedded PostgreSQL.",
    ),
    "demo": (
        "twoway_router.cli.run:demo",
        "Like run; with --exit-after on free ports, and the exit code says whether every message had its effect.",
    ),
    "serve": (
        "twoway_router.cli.serve:serve_role",
        "Run one role until SIGTERM, on the PostgreSQL and RabbitMQ that the settings name.",
    ),
    "settings": (
        "twoway_router.cli.settings:list_settings",
        "Print every setting, its default and its meaning. Values in force are not shown: some are secret.",
    ),
    "openapi": ("twoway_router.cli.openapi:openapi", "Write the OpenAPI 3.1 document of the management API."),
    "migrate": (
        "twoway_router.cli.migrate:app",
        "Bring the database's schema up to this release, or check it.",
    ),
    "keys": ("twoway_router.cli.keys:app", "API keys of operators and tenants."),
    "route": ("twoway_router.cli.route:route_app", "Try routing rules on messages and claims."),
    "rules": ("twoway_router.cli.rules_code:rules_app", "Keywords as code, over the management API."),
    "parked": (
        "twoway_router.cli.parked:parked_app",
        "Messages that failed every try and wait for someone.",
    ),
    "outbox": ("twoway_router.cli.outbox:outbox_app", "Work on its way to the executors."),
    "carriers": (
        "twoway_router.cli.carriers:carriers_app",
        "Carriers that are built in, and specs of your own.",
    ),
    "lab": (
        "twoway_router.cli.lab:app",
        "Play the outside world: carriers, tenants' webhook receivers, load.",
    ),
}
"""Name: where its function or Typer application is, and its help, so that the list needs no import."""


class _Command(TyperCommand):
    """A command as the list shows it. Before its arguments are parsed, the real one is imported and takes over."""

    def __init__(self, name: str, place: str, summary: str) -> None:
        super().__init__(name, help=summary)
        self._place = place

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        return load(self._place).make_context(info_name, args, parent, **extra)


class _Commands(TyperGroup):
    """All commands, in the order of the table."""

    def __init__(self, **attributes: Any) -> None:
        commands = {name: _Command(name, place, summary) for name, (place, summary) in COMMANDS.items()}
        super().__init__(**{**attributes, "commands": commands})


def load(place: str) -> TyperCommand | TyperGroup:
    """The command of a function, or of an application that has several."""
    target = pkgutil.resolve_name(place)
    if isinstance(target, typer.Typer):
        return typer.main.get_group(target)
    single = typer.Typer(add_completion=False)
    single.command()(target)
    return cast("TyperCommand", typer.main.get_command(single))


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(__version__)
        raise typer.Exit


app = typer.Typer(
    name="twoway-router",
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Two-way SMS on shared short codes: routes each message to the right tenant and runs what that tenant configured.",
)


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Two-way SMS on shared short codes."""
