"""Stored answers to POSTs with an ``Idempotency-Key``. Written by ``web.idempotency``."""

from datetime import datetime
from typing import Any

from sqlalchemy import SmallInteger, func
from sqlalchemy.orm import Mapped, mapped_column

from twoway_router.store.base import Base


class IdempotencyKeys(Base):
    """The stored answer to a POST, written in the transaction of its effect. Kept seven days."""

    __tablename__ = "idempotency_keys"

    owner: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes]
    status: Mapped[int] = mapped_column(SmallInteger)
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
