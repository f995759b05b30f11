"""A span of time as a condition on rows whose id is a UUIDv7. Used by every list that is filtered by time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

_SLACK: Final = timedelta(hours=1)
"""How far an id's time may lie from the column's: ids narrow the search, the column decides."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """From (inclusive) and until (exclusive)."""

    after: datetime | None = None
    before: datetime | None = None


def during(
    id_column: InstrumentedAttribute[UUID], time_column: InstrumentedAttribute[datetime], period: Period
) -> list[ColumnElement[bool]]:
    """Conditions on a row's id, which narrow the search, and on its time, which decide."""
    found: list[ColumnElement[bool]] = []
    if period.after is not None:
        found += [id_column >= first_id_of(period.after - _SLACK), time_column >= period.after]
    if period.before is not None:
        found += [id_column < first_id_of(period.before + _SLACK), time_column < period.before]
    return found


def first_id_of(moment: datetime) -> UUID:
    """The lowest UUIDv7 that may be made at a moment."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=(milliseconds << 80) | (7 << 76) | (2 << 62))
