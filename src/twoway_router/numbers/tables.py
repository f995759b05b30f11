"""Connections (our accounts at carriers), the numbers that arrive through them, and the throughput of both."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, func
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from twoway_router.store.base import Base, one_of


class Connections(Base):
    """Our account at one carrier. ``settings`` are public to operators, ``secrets`` is sealed (``store.sealing``).

    ``sandbox_id`` is the sandbox that a connection to the simulated carrier belongs to; null for real carriers.
    """

    __tablename__ = "connections"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    carrier: Mapped[str]
    country: Mapped[str | None]
    settings: Mapped[dict[str, Any]]
    secrets: Mapped[bytes]
    sandbox_id: Mapped[UUID | None] = mapped_column(ForeignKey("tenants.id"))
    state: Mapped[str] = mapped_column(server_default="active")
    revision: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        one_of("state", "active", "disabled"),
        CheckConstraint("(carrier = 'sandbox') = (sandbox_id IS NOT NULL)", name="sandboxes_have_their_carrier"),
        Index("uq_connections_sandbox_id", "sandbox_id", unique=True),
    )


class Numbers(Base):
    """An address we receive on. A short code is unique only with its country; a long code has its country too.

    ``sandbox_id`` is the sandbox that alone sees the number, which may copy a live number's address; null for live ones.
    """

    __tablename__ = "numbers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    country: Mapped[str]
    address: Mapped[str]
    kind: Mapped[str]
    sharing: Mapped[str]
    tenant_id: Mapped[UUID | None] = mapped_column(ForeignKey("tenants.id"))
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("connections.id"))
    sandbox_id: Mapped[UUID | None] = mapped_column(ForeignKey("tenants.id"))
    languages: Mapped[list[str]]
    time_zone: Mapped[str] = mapped_column(server_default="UTC")
    texts: Mapped[dict[str, Any]]
    options: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(server_default="active")
    revision: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        one_of("kind", "short_code", "long_code", "toll_free"),
        one_of("sharing", "shared", "dedicated"),
        one_of("state", "active", "disabled"),
        CheckConstraint("sharing = 'dedicated' OR tenant_id IS NULL", name="shared_has_no_owner"),
        CheckConstraint(
            "sandbox_id IS NULL OR coalesce(tenant_id, sandbox_id) = sandbox_id", name="sandbox_owns_its_own"
        ),
        Index(
            "uq_numbers_country_address", "country", "address", unique=True, postgresql_where=sql("sandbox_id IS NULL")
        ),
        Index("uq_numbers_sandbox_id_country_address", "sandbox_id", "country", "address", unique=True),
        Index("uq_numbers_connection_id_address", "connection_id", "address", unique=True),
        Index("ix_numbers_tenant_id", "tenant_id"),
    )


class ConnectionRequests(Base):
    """One of the last requests to a connection, for the operator who connects it. Secrets hidden, numbers masked.

    ``unlogged`` counts the requests of this outcome that were not kept since the entry before.
    """

    __tablename__ = "connection_requests"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    connection_id: Mapped[UUID]
    kind: Mapped[str]
    outcome: Mapped[str]
    reason: Mapped[str | None]
    method: Mapped[str]
    query: Mapped[str]
    headers: Mapped[dict[str, Any]]
    body: Mapped[str]
    parsed: Mapped[dict[str, Any]]
    status: Mapped[int]
    answer: Mapped[str]
    unlogged: Mapped[int] = mapped_column(server_default="0")
    received_at: Mapped[datetime]

    __table_args__ = (Index("ix_connection_requests_connection_id_id", "connection_id", "id"),)


class SendingPaces(Base):
    """How far the throughput of one connection or number is used up; locked by whoever claims MTs there (``mts``).

    ``free_at`` is when its next MT may go, ``tail_at`` the end of the queue of those that are due later, ``rests_until`` how
    long nothing is sent there: the carrier throttled us, or (``rest_reason``) it refused our account. ``rest_detail`` is what
    the carrier said then, ``rests`` how often in a row, until it takes an MT again.
    """

    __tablename__ = "sending_paces"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    free_at: Mapped[datetime]
    tail_at: Mapped[datetime]
    rests_until: Mapped[datetime | None]
    rest_reason: Mapped[str | None]
    rest_detail: Mapped[str | None]
    rests: Mapped[int] = mapped_column(SmallInteger, server_default="0")

    __table_args__ = (one_of("rest_reason", "account"),)
