"""Bases and field types of every request and answer. Used by every ``schemas.py``."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field


class Body(BaseModel):
    """What a caller sends: unknown fields are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Shown(BaseModel):
    """What a caller is shown."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    @classmethod
    def columns(cls, row: object) -> dict[str, Any]:
        """Those of our fields that the row has as columns; for answers that also show something computed."""
        return {name: getattr(row, name) for name in cls.model_fields if hasattr(row, name)}


def _within_reach(moment: datetime) -> datetime:
    if not 1970 < moment.year < 2200:
        raise ValueError("must lie between 1971 and 2199")
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_within_reach), Field(examples=["2027-03-01T09:00:00Z"])]
"""A time with its zone, in UTC inside."""

Label = Annotated[
    str, Field(min_length=1, max_length=120, pattern=r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$")
]
"""A name for people: one line, no space around it."""

Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$", examples=["IT"], description="ISO 3166-1 alpha-2.")]


UNCHANGED: Any = Field(default_factory=lambda: None)
"""Default of a PATCH body's field that cannot be null: left out means unchanged. Read such bodies with ``changes_of``."""


def changes_of(body: Body) -> dict[str, Any]:
    """The fields that the caller sent."""
    return {name: getattr(body, name) for name in body.model_fields_set}
