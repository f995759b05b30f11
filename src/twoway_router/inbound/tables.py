"""MOs, the runs of actions on them, replays, and the courtesy replies of a day."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, SmallInteger, func
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from twoway_router.store.base import CAUSE_KINDS, Base, one_of

_BUSY: dict[str, str] = {"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.02"}


class InboundMessages(Base):
    """One MO with its route. ``accepted`` waits for its run; ``stored`` needs none; ``parked`` failed five tries.

    ``order_key`` is a 64-bit hash of (tenant or number, sender): runs with one key are made one after the other.
    ``generation`` counts its replays; ``only_ordinal`` is set when the last one concerned a single action.
    """

    __tablename__ = "inbound_messages"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    connection_id: Mapped[UUID]
    carrier_message_id: Mapped[str]
    number_id: Mapped[UUID | None]
    tenant_id: Mapped[UUID | None]
    sender: Mapped[str]
    sender_kind: Mapped[str]
    recipient: Mapped[str]
    text: Mapped[str]
    state: Mapped[str]
    order_key: Mapped[int] = mapped_column(BigInteger)
    route: Mapped[str]
    rule: Mapped[str]
    keyword_id: Mapped[UUID | None]
    keyword_revision: Mapped[int | None]
    sub_keyword: Mapped[str | None]
    rest: Mapped[str] = mapped_column(server_default="")
    route_details: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
    rules_version: Mapped[int] = mapped_column(BigInteger, server_default="0")
    carrier_time: Mapped[datetime | None]
    operator: Mapped[str | None]
    reply_token: Mapped[str | None]
    extra: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
    generation: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    only_ordinal: Mapped[int | None] = mapped_column(SmallInteger)
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    last_error: Mapped[str | None]
    received_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", "accepted", "done", "stored", "parked"),
        one_of("route", "keyword", "context", "opt_out", "opt_in", "help", "default", "none"),
        Index(
            "uq_inbound_messages_connection_id_carrier_message_id", "connection_id", "carrier_message_id", unique=True
        ),
        Index("ix_inbound_messages_waiting", "order_key", "id", postgresql_where=sql("state = 'accepted'")),
        Index("ix_inbound_messages_parked", "id", postgresql_where=sql("state = 'parked'")),
        Index("ix_inbound_messages_tenant_id_id", "tenant_id", "id"),
        Index("ix_inbound_messages_tenant_id_sender_id", "tenant_id", "sender", "id"),
        Index("ix_inbound_messages_number_id_id", "number_id", "id"),
        Index(
            "ix_inbound_messages_consent",
            "sender",
            "number_id",
            "id",
            postgresql_where=sql("route IN ('opt_out', 'opt_in')"),
        ),
        {"postgresql_with": _BUSY},
    )


class ActionRuns(Base):
    """The effect ledger: one row per action run. Its key fixes the effect: a redelivery finds the row."""

    __tablename__ = "action_runs"

    cause_id: Mapped[UUID] = mapped_column(primary_key=True)
    generation: Mapped[int] = mapped_column(SmallInteger, primary_key=True, server_default="0")
    ordinal: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    cause_kind: Mapped[str]
    tenant_id: Mapped[UUID | None]
    kind: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str | None]
    values: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
    finished_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        one_of("state", "planned", "done", "failed", "skipped"),
        one_of("cause_kind", *CAUSE_KINDS),
    )


class InboundReplays(Base):
    """One replay of an MO: ``generation`` is what it began, ``previous`` the route that the message had before."""

    __tablename__ = "inbound_replays"

    inbound_message_id: Mapped[UUID] = mapped_column(primary_key=True)
    generation: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    tenant_id: Mapped[UUID | None]
    only_ordinal: Mapped[int | None] = mapped_column(SmallInteger)
    previous: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class CourtesyReplies(Base):
    """At most one courtesy reply per number, sender and day (the number's local date)."""

    __tablename__ = "courtesy_replies"

    number_id: Mapped[UUID] = mapped_column(primary_key=True)
    sender: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
