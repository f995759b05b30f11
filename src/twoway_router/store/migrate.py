"""Applies and checks migrations through Alembic. Called by the command line, by ``run`` and by tests; never by a role's start.

Code starts on a schema newer than it knows: it compares ``schema_level.min_code_level`` with ``CODE_LEVEL`` and asks
Alembic nothing, so that a rolled-back release still starts.
"""

from pathlib import Path
from typing import Final

import alembic.command
from alembic.config import Config
from sqlalchemy import text

from twoway_router.store.transaction import Session

CODE_LEVEL: Final = 1
"""The schema level this code was written for. Raised with a migration that old code must know about."""

_PACKAGED = Path(__file__).parent.parent / "_migrations"
_CHECKOUT = Path(__file__).parents[3] / "migrations"


def _config(url: str) -> Config:
    folder = _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Bring the schema to the newest revision. Safe to call from several processes: they queue on an advisory lock."""
    alembic.command.upgrade(_config(url), "head")


def check(url: str) -> None:
    """Raise ``alembic.util.CommandError`` when tables and migrations differ."""
    alembic.command.check(_config(url))


async def find_reason_not_to_start(session: Session) -> str | None:
    """Why this code may not run on this database, as a sentence with the next step; None when it may."""
    exists = await session.execute(text("SELECT to_regclass('schema_level') IS NOT NULL"))
    if not exists.scalar_one():
        return "the database has no schema yet. Run `twoway-router migrate expand` first."
    row = (await session.execute(text("SELECT level, min_code_level FROM schema_level WHERE id = 1"))).one()
    if row.level < CODE_LEVEL:
        return f"the schema is at level {row.level}, this code needs {CODE_LEVEL}. Run `twoway-router migrate expand` first."
    if row.min_code_level > CODE_LEVEL:
        return f"the schema needs code of level {row.min_code_level} or newer, this is {CODE_LEVEL}. Deploy a newer release."
    return None
