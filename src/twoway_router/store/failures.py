"""Tells a database that is away or busy from a statement that can never work. Asked before rows are blamed."""

from typing import Final

from sqlalchemy.exc import DataError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

DATABASE_ERRORS: Final = (SQLAlchemyError, OSError, TimeoutError)
"""The database is away, or broke off."""

UNSTORABLE: Final = (DataError, UnicodeEncodeError)
"""A value that the database will never take, such as a NUL in a text."""

_TRANSIENT_CLASSES: Final = frozenset({"08", "40", "53", "55", "57", "58"})
"""SQLSTATE classes: connection, rollback (deadlock), resources, not available (locks), operator, system."""


def is_transient(error: BaseException) -> bool:
    """Whether the same work may succeed later, unchanged."""
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None)
        return error.connection_invalidated or state is None or str(state)[:2] in _TRANSIENT_CLASSES
    return isinstance(error, PoolTimeout | OSError | TimeoutError) or (
        isinstance(error, SQLAlchemyError) and "closed" in str(error)
    )
