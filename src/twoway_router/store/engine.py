"""Makes the engine from a URL. Called once per process by ``processes`` and ``cli.work``."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from sqlalchemy import URL, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from twoway_router.store.failures import READ_ONLY

HOT: Final[Mapping[str, str]] = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}
"""For processes that run the same few statements all day, all made for an index: planning them anew for every
batch costs more than running them (measured: a third of PostgreSQL's and half of the waiting time), and the statistics of
a table that was empty a minute ago would choose a scan of all of it."""

_LIBPQ: Final = frozenset(
    (
        *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "sslpassword", "sslnegotiation"),
        *("ssl_min_protocol_version", "ssl_max_protocol_version"),
        *("target_session_attrs", "application_name", "options"),
    )
)
"""Parameters as PostgreSQL's own programs and hosted databases write them; asyncpg reads them from a DSN only."""


def normalise_url(url: str) -> URL:
    """Any PostgreSQL URL with the asyncpg driver; SQLAlchemy 2.1 reads a bare ``postgresql://`` as psycopg."""
    parsed = make_url(url.replace("postgres://", "postgresql://", 1))
    if parsed.get_backend_name() != "postgresql":
        raise ValueError("the database URL must start with postgresql://")
    libpq = {name: value for name, value in parsed.query.items() if name in _LIBPQ}
    if libpq:
        dsn = f"postgresql:///?{urlencode(libpq, doseq=True)}"
        parsed = parsed.difference_update_query(libpq).update_query_dict({"dsn": dsn})
    return parsed.set(drivername="postgresql+asyncpg")


def make_engine(url: str, *, pool_size: int = 10, name: str = "twoway-router", is_hot: bool = False) -> AsyncEngine:
    """An engine with a fixed pool: waiting is visible in metrics, overflow would only move it to the server.

    ``is_hot`` is for the path of a message; listings with filters are better planned one by one.

    Errors never show parameters: they hold message texts and phone numbers.
    """
    engine = create_async_engine(
        normalise_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=False,
        hide_parameters=True,
        connect_args={
            "timeout": 5,
            "command_timeout": 30,
            "server_settings": {
                "application_name": name,
                "idle_in_transaction_session_timeout": "30000",
                "lock_timeout": "10000",
                "jit": "off",
                **(HOT if is_hot else {}),
            },
        },
    )
    event.listen(engine.sync_engine, "handle_error", _leave_a_standby)
    return engine


def _leave_a_standby(context: ExceptionContext) -> None:
    """Drop all connections when the server takes no writes: after a fail-over they lead to what is now a standby.

    New ones go where the URL, its host name or a proxy leads now.
    """
    if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
        context.is_disconnect = True
