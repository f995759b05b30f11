"""``twoway-router migrate``: applies migrations and checks the schema. The roles never do."""

import typer
from alembic.util import CommandError

from twoway_router.cli.refusals import refusals
from twoway_router.cli.settings import read_settings
from twoway_router.cli.work import in_transaction
from twoway_router.keywords.refolding import refold
from twoway_router.processes.database import database_for_commands
from twoway_router.routing.characters import FOLD_VERSION
from twoway_router.store import migrate

app = typer.Typer(no_args_is_help=True, help="Bring the database's schema up to this release, or check it.")


@app.command()
def expand() -> None:
    """Apply every migration that this release brings. Running roles of the previous release keep working."""
    with refusals(), database_for_commands(read_settings()) as url:
        migrate.upgrade(url)
    typer.echo("The schema is up to date.")


@app.command()
def check() -> None:
    """Fail when the tables in the code and the migrations differ. Uses a scratch database: never your data."""
    with refusals(), database_for_commands(read_settings(), is_scratch=True) as url:
        migrate.upgrade(url)
        try:
            migrate.check(url)
        except CommandError as error:
            typer.echo(f"{error}\nWrite a migration: alembic revision --autogenerate -m '…'", err=True)
            raise typer.Exit(1) from None


@app.command()
def keys() -> None:
    """Bring the keys of keywords in step with this release's Unicode tables; list what collides. Harmless to repeat."""
    are_all_moved = True
    for change in in_transaction(refold):
        line = f"{change.spelling.text!r}: {change.old_key!r} → {change.spelling.key!r}"
        if not change.is_moved:
            are_all_moved = False
            line += f" belongs to another keyword; number {change.number_id}, keyword {change.keyword_id}"
        typer.echo(line)
    typer.echo(f"Keys are those of {FOLD_VERSION}." if are_all_moved else "Some keys collide.")
    if not are_all_moved:
        raise typer.Exit(1)
