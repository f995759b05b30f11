"""Puts the nouns of the command line together."""

from typing import Annotated

import typer

from twoway_router import __version__
from twoway_router.cli import (
    carriers,
    keys,
    lab,
    migrate,
    openapi,
    outbox,
    parked,
    route,
    rules_code,
    run,
    serve,
    settings,
)

app = typer.Typer(
    name="twoway-router",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Two-way SMS on shared short codes: routes each message to the right tenant and runs what that tenant configured.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Two-way SMS on shared short codes."""


app.command("run")(run.run)
app.command("demo")(run.demo)
app.command("serve")(serve.serve_role)
app.command("settings")(settings.list_settings)
app.command("openapi")(openapi.openapi)
app.add_typer(migrate.app, name="migrate")
app.add_typer(keys.app, name="keys")
app.add_typer(route.route_app, name="route")
app.add_typer(rules_code.rules_app, name="rules")
app.add_typer(parked.parked_app, name="parked")
app.add_typer(outbox.outbox_app, name="outbox")
app.add_typer(carriers.carriers_app, name="carriers")
app.add_typer(lab.app, name="lab")
