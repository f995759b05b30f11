"""A private PostgreSQL for one machine: the database of `twoway-router run`, `demo` and of the tests.

Real PostgreSQL binaries under our own management, so that the embedded default and production speak the same SQL.
Production never uses it: there `TWOWAY_DATABASE_URL` names a server. Called by the composition root.
"""

from twoway_router.store.embedded.errors import EmbeddedPostgresError
from twoway_router.store.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]
