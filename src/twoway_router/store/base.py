"""The declarative base that every slice's ``tables.py`` builds on; migrations read its metadata."""

from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, DateTime, LargeBinary, MetaData, SmallInteger, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from twoway_router.domain.causes import CauseKind

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Text without length, time with zone, JSON as ``jsonb``, ids as ``uuid``."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        datetime: DateTime(timezone=True),
        UUID: Uuid(),
        bytes: LargeBinary(),
        dict[str, Any]: JSONB(),
        list[Any]: JSONB(),
        list[str]: ARRAY(Text()),
        list[UUID]: ARRAY(Uuid()),
    }


def one_of(column: str, *words: str) -> CheckConstraint:
    """A CHECK that ``column`` holds one of ``words``: how every state column is kept to full words."""
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


CAUSE_KINDS: Final = tuple(kind.value for kind in CauseKind)


class Caused:
    """The key of an effect as columns of its table: cause, generation and ordinal (``domain.causes.EffectKey``)."""

    cause_id: Mapped[UUID]
    cause_kind: Mapped[str]
    generation: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    ordinal: Mapped[int] = mapped_column(SmallInteger, server_default="0")
