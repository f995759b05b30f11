"""Where the database comes from: ``TWOWAY_DATABASE_URL``, or an embedded PostgreSQL in the state folder."""

import asyncio
import os
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from twoway_router.config import Settings
from twoway_router.processes.frame import StartRefused
from twoway_router.store import System, transaction
from twoway_router.store.embedded import EmbeddedPostgres, EmbeddedPostgresError
from twoway_router.store.engine import make_engine
from twoway_router.store.failures import DATABASE_ERRORS
from twoway_router.store.sealing import Sealer


@contextmanager
def embedded_database(settings: Settings, folder: Path, say: Callable[[str], None]) -> Iterator[str]:
    """A running embedded PostgreSQL; its URL."""
    server = EmbeddedPostgres(folder, bin_folder=settings.embedded_postgres_bin, say=say)
    try:
        url = server.start()
    except EmbeddedPostgresError as error:
        raise StartRefused(str(error)) from error
    except OSError as error:
        raise StartRefused(f"TWOWAY_STATE_FOLDER: cannot keep a database in {folder} ({error}).") from error
    try:
        yield url
    finally:
        server.stop()


@contextmanager
def database_for_commands(
    settings: Settings, *, is_scratch: bool = False, say: Callable[[str], None] = lambda _: None
) -> Iterator[str]:
    """The database that a command works on. A scratch one is empty, embedded and gone afterwards."""
    if is_scratch:
        with (
            tempfile.TemporaryDirectory(prefix="twoway-") as folder,
            embedded_database(settings, Path(folder) / "pg", say) as url,
        ):
            yield url
    elif settings.database_url:
        url = settings.database_url.get_secret_value()
        asyncio.run(_try_to_connect(url))
        yield url
    else:
        with embedded_database(settings, settings.state_folder / "postgres", say) as url:
            yield url


async def _try_to_connect(url: str) -> None:
    """Refuse before the command has begun, instead of in the middle of its work."""
    engine = make_engine(url, pool_size=1)
    try:
        async with transaction(engine, System("start")) as session:
            await session.connection()
    except DATABASE_ERRORS as error:
        raise cannot_reach(error) from error
    finally:
        await engine.dispose()


def cannot_reach(error: Exception) -> StartRefused:
    """The refusal when the database that the settings name does not answer or rejects the login."""
    cause = str(error).partition("\n")[0]
    return StartRefused(f"TWOWAY_DATABASE_URL: cannot reach the database ({type(error).__name__}: {cause}).")


def make_sealer(settings: Settings) -> Sealer:
    """The sealer with ``TWOWAY_SECRET_KEY``; on an embedded database with a key file in the state folder, made once."""
    if settings.secret_key:
        try:
            return Sealer.from_text(settings.secret_key.get_secret_value())
        except ValueError as error:
            raise StartRefused(f"TWOWAY_SECRET_KEY: {error}. Make one with `openssl rand -base64 32`.") from None
    if settings.database_url:
        raise StartRefused(
            "TWOWAY_SECRET_KEY is not set. Make one with `openssl rand -base64 32` and keep it: it opens stored secrets."
        )
    file = settings.state_folder / "secret.key"
    if not file.exists():
        settings.state_folder.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
            handle.write(b64encode(os.urandom(32)))
    return Sealer.from_text(file.read_text())
