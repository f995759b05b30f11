"""Who must never receive, which question is open, and who chose a word for whom."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NOW = sa.text("now()")


def upgrade() -> None:
    _suppressions()
    _contexts()
    _context_indexes()
    _word_choices()


def downgrade() -> None:
    for table in ("word_choices", "contexts", "suppressions"):
        op.drop_table(table)


def _suppressions() -> None:
    op.create_table(
        "suppressions",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("number_id", sa.Uuid, nullable=False),
        sa.Column("msisdn", sa.Text, nullable=False),
        sa.Column("tenant_id", sa.Uuid),
        sa.Column("state", sa.Text, server_default="stopped", nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("inbound_message_id", sa.Uuid),
        sa.Column("changed_at", MOMENT, server_default=NOW, nullable=False),
        sa.CheckConstraint("state IN ('stopped', 'restored')", name=op.f("ck_suppressions_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressions")),
    )
    op.create_index(
        "uq_suppressions_scope",
        "suppressions",
        ["number_id", "msisdn", "tenant_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )


def _contexts() -> None:
    op.create_table(
        "contexts",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("number_id", sa.Uuid, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("expected", sa.Text),
        sa.Column("choices", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("language", sa.Text),
        sa.Column("keyword_id", sa.Uuid),
        sa.Column("keyword_revision", sa.Integer),
        sa.Column("sub_keyword", sa.Text),
        sa.Column("ordinal", sa.SmallInteger),
        sa.Column("inbound_message_id", sa.Uuid),
        sa.Column("target_id", sa.Uuid),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT),
        sa.Column("answer", sa.Text),
        sa.Column("answered_by", sa.Uuid),
        sa.CheckConstraint("(kind = 'question') = (expected IS NOT NULL)", name=op.f("ck_contexts_question_expects")),
        sa.CheckConstraint("(kind = 'recent') = (origin = 'exchange')", name=op.f("ck_contexts_recent_is_an_exchange")),
        sa.CheckConstraint("kind IN ('question', 'recent')", name=op.f("ck_contexts_kind")),
        sa.CheckConstraint("origin IN ('ask', 'choose', 'did_you_mean', 'exchange')", name=op.f("ck_contexts_origin")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contexts")),
        postgresql_with={"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.02"},
    )


def _context_indexes() -> None:
    op.create_index(
        "ix_contexts_closed", "contexts", ["number_id", "sender"], postgresql_where=sa.text("closed_at IS NOT NULL")
    )
    op.create_index("ix_contexts_expires_at", "contexts", ["expires_at"])
    op.create_index(
        "ix_contexts_open", "contexts", ["number_id", "sender"], postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_index("ix_contexts_tenant_id_id", "contexts", ["tenant_id", "id"])
    op.create_index(
        "uq_contexts_recent",
        "contexts",
        ["number_id", "sender", "tenant_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'recent'"),
    )
    op.create_index(
        "uq_contexts_question",
        "contexts",
        ["number_id", "sender", "tenant_id", "origin"],
        unique=True,
        postgresql_where=sa.text("kind = 'question' AND closed_at IS NULL"),
    )


def _word_choices() -> None:
    op.create_table(
        "word_choices",
        sa.Column("number_id", sa.Uuid, nullable=False),
        sa.PrimaryKeyConstraint("number_id", name=op.f("pk_word_choices")),
    )
