"""Which errors mean a database that is away or busy, and which a statement that can never work. Asked before a row is blamed."""

from typing import Final

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

DATABASE_ERRORS: Final = (SQLAlchemyError, OSError, TimeoutError)
"""The database is away, or broke off."""

_TRANSIENT_CLASSES: Final = frozenset({"08", "40", "53", "55", "57", "58"})
"""SQLSTATE classes: connection, rollback (deadlock), resources, not available (locks), operator, system."""

_UNSTORABLE_CLASSES: Final = frozenset({"22", "23", "54"})
"""Data such as a NUL in a text, constraints, limits such as what an index can hold."""

READ_ONLY: Final = "25006"
"""The server takes no writes: a standby, a primary that was stood down, or one that its operator made read-only."""

_FULL: Final = frozenset({"53100", "53300"})
"""No disk, no connection left. What needs too much memory (53200) may fit in parts."""


def is_transient(error: BaseException) -> bool:
    """Whether the same work may succeed later, unchanged."""
    if isinstance(error, DBAPIError):
        return _is_broken(error) or _state_of(error)[:2] in _TRANSIENT_CLASSES or _state_of(error) == READ_ONLY
    return _is_unreachable(error)


def is_away(error: BaseException) -> bool:
    """Whether the database could not be asked at all: every part of the work would fail alike."""
    if isinstance(error, DBAPIError):
        return _is_broken(error) or _state_of(error) in (*_FULL, READ_ONLY)
    return _is_unreachable(error)


def is_passing(error: BaseException) -> bool:
    """Whether the same work may succeed at once: its connection broke, or it was rolled back in a conflict with another."""
    return isinstance(error, DBAPIError) and (_is_broken(error) or _state_of(error)[:2] == "40")


def is_unstorable(error: BaseException) -> bool:
    """Whether the database will never take these values."""
    if isinstance(error, DBAPIError):
        return _state_of(error)[:2] in _UNSTORABLE_CLASSES
    return isinstance(error, UnicodeEncodeError)


def describe(error: BaseException) -> str:
    """The error's class, with PostgreSQL's SQLSTATE if it has one: never its text, which may quote a row."""
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    return f"{type(error).__name__} {state}" if state else type(error).__name__


def _is_broken(error: DBAPIError) -> bool:
    """The connection is gone, or the server is going or coming (57P)."""
    state = _state_of(error)
    return error.connection_invalidated or not state or state[:2] == "08" or state[:3] == "57P"


def _is_unreachable(error: BaseException) -> bool:
    return isinstance(error, PoolTimeout | OSError | TimeoutError) or (
        isinstance(error, SQLAlchemyError) and "closed" in str(error)
    )


def _state_of(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")
