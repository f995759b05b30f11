"""Open questions and recent contexts, keyed (number, sender). Read by ``ingress`` to route, written by ``executor``."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, SmallInteger
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from twoway_router.store.base import Base, one_of


class Contexts(Base):
    """One tenant's question to a sender on a number, or their recent exchange. Of each a tenant has one that is open.

    ``origin``: a keyword's ``ask`` action; the number's own ``choose`` (which tenant is meant) and ``did_you_mean``,
    which hand the message ``inbound_message_id`` over when they are answered; or an ``exchange``. ``target_id`` is the
    context that a choice stands for; ``sub_keyword`` and ``ordinal`` are where in its keyword's revision a question's
    action is.
    """

    __tablename__ = "contexts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number_id: Mapped[UUID]
    sender: Mapped[str]
    tenant_id: Mapped[UUID]
    kind: Mapped[str]
    origin: Mapped[str]
    expected: Mapped[str | None]
    choices: Mapped[list[str]]
    language: Mapped[str | None]
    keyword_id: Mapped[UUID | None]
    keyword_revision: Mapped[int | None]
    sub_keyword: Mapped[str | None]
    ordinal: Mapped[int | None] = mapped_column(SmallInteger)
    inbound_message_id: Mapped[UUID | None]
    target_id: Mapped[UUID | None]
    last_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    answer: Mapped[str | None]
    answered_by: Mapped[UUID | None]

    __table_args__ = (
        one_of("kind", "question", "recent"),
        one_of("origin", "ask", "choose", "did_you_mean", "exchange"),
        CheckConstraint("(kind = 'recent') = (origin = 'exchange')", name="recent_is_an_exchange"),
        CheckConstraint("(kind = 'question') = (expected IS NOT NULL)", name="question_expects"),
        Index("ix_contexts_open", "number_id", "sender", postgresql_where=sql("closed_at IS NULL")),
        Index("ix_contexts_closed", "number_id", "sender", postgresql_where=sql("closed_at IS NOT NULL")),
        Index(
            "uq_contexts_recent",
            "number_id",
            "sender",
            "tenant_id",
            unique=True,
            postgresql_where=sql("kind = 'recent'"),
        ),
        Index(
            "uq_contexts_question",
            "number_id",
            "sender",
            "tenant_id",
            "origin",
            unique=True,
            postgresql_where=sql("kind = 'question' AND closed_at IS NULL"),
        ),
        Index("ix_contexts_tenant_id_id", "tenant_id", "id"),
        Index("ix_contexts_expires_at", "expires_at"),
        {"postgresql_with": {"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.02"}},
    )


class WordChoices(Base):
    """Numbers on which a question ever had words as answers: even a message that is a keyword may be an answer there."""

    __tablename__ = "word_choices"

    number_id: Mapped[UUID] = mapped_column(primary_key=True)
