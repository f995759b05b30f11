"""``twoway-router migrate``: brings the schema up, checks it. The roles themselves never do."""

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
    found = in_transaction(refold)
    for each in found:
        new = f"{each.spelling.text!r}: {each.old_key!r} → {each.spelling.key!r}"
        typer.echo(
            new
            if each.is_moved
            else f"{new} belongs to another keyword; number {each.number_id}, keyword {each.keyword_id}"
        )
    typer.echo(f"Keys are those of {FOLD_VERSION}." if all(each.is_moved for each in found) else "Some keys collide.")
    if not all(each.is_moved for each in found):
        raise typer.Exit(1)
