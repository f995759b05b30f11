"""The ledger of messages that go out: every try, every receipt, and how much throughput is used up."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)

CAUSE_KINDS = (
    "cause_kind IN ('inbound_message', 'outbound_message', 'receipt', 'timer', 'turn', 'campaign_recipient',"
    " 'api_request', 'occurrence', 'webhook_delivery')"
)


def upgrade() -> None:
    _outbound_messages()
    _indexes_of_open_work()
    _indexes_to_find_one()
    _outbound_attempts()
    _delivery_receipts()
    _sending_paces()


def downgrade() -> None:
    for table in ("sending_paces", "delivery_receipts", "outbound_attempts", "outbound_messages"):
        op.drop_table(table)


def _outbound_messages() -> None:
    op.create_table(
        "outbound_messages",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("tenant_id", sa.Uuid),
        sa.Column("number_id", sa.Uuid, nullable=False),
        sa.Column("connection_id", sa.Uuid, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("encoding", sa.Text, nullable=False),
        sa.Column("segments", sa.SmallInteger, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("cause_id", sa.Uuid, nullable=False),
        sa.Column("cause_kind", sa.Text, nullable=False),
        sa.Column("generation", sa.SmallInteger, server_default="0", nullable=False),
        sa.Column("ordinal", sa.SmallInteger, server_default="0", nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("delivery_state", sa.Text),
        sa.Column("policy", sa.Text, server_default="at_most_once", nullable=False),
        sa.Column("order_key", sa.BigInteger, nullable=False),
        sa.Column("reply_token", sa.Text),
        sa.Column("mt_class", sa.Text, server_default="answer", nullable=False),
        sa.Column("attempt", sa.SmallInteger, server_default="0", nullable=False),
        sa.Column("spared", sa.SmallInteger, server_default="0", nullable=False),
        sa.Column("first_due_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("lease_until", MOMENT),
        sa.Column("claimed_by", sa.Integer()),
        sa.Column("decide_at", MOMENT),
        sa.Column("requeued_at", MOMENT),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("carrier_message_id", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("handed_over_at", MOMENT),
        sa.Column("settled_at", MOMENT),
        sa.CheckConstraint(
            "delivery_state IN ('accepted', 'delivered', 'undelivered', 'expired', 'rejected', 'unknown')",
            name=op.f("ck_outbound_messages_delivery_state"),
        ),
        sa.CheckConstraint(CAUSE_KINDS, name=op.f("ck_outbound_messages_cause_kind")),
        sa.CheckConstraint("encoding IN ('gsm7', 'ucs2')", name=op.f("ck_outbound_messages_encoding")),
        sa.CheckConstraint(
            "mt_class IN ('compliance', 'answer', 'service', 'bulk')", name=op.f("ck_outbound_messages_mt_class")
        ),
        sa.CheckConstraint("policy IN ('at_most_once', 'at_least_once')", name=op.f("ck_outbound_messages_policy")),
        sa.CheckConstraint(
            "state IN ('planned', 'claimed', 'handed_over', 'confirmed', 'failed', 'unknown', 'suppressed')",
            name=op.f("ck_outbound_messages_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbound_messages")),
        postgresql_with={"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.02"},
    )


def _indexes_of_open_work() -> None:
    op.create_index(
        "ix_outbound_messages_answers",
        "outbound_messages",
        ["connection_id", "due_at"],
        postgresql_where=sa.text("state = 'planned' AND mt_class <> 'bulk'"),
    )
    op.create_index(
        "ix_outbound_messages_due", "outbound_messages", ["due_at"], postgresql_where=sa.text("state = 'planned'")
    )
    op.create_index(
        "ix_outbound_messages_lease",
        "outbound_messages",
        ["lease_until"],
        postgresql_where=sa.text("state = 'claimed'"),
    )
    op.create_index(
        "ix_outbound_messages_order",
        "outbound_messages",
        ["order_key", "first_due_at", "id"],
        postgresql_where=sa.text("state IN ('planned', 'claimed') AND mt_class <> 'bulk'"),
    )
    op.create_index(
        "ix_outbound_messages_planned",
        "outbound_messages",
        ["recipient", "number_id"],
        postgresql_where=sa.text("state = 'planned'"),
    )
    op.create_index(
        "ix_outbound_messages_undecided",
        "outbound_messages",
        ["decide_at"],
        postgresql_where=sa.text("decide_at IS NOT NULL"),
    )


def _indexes_to_find_one() -> None:
    op.create_index(
        "ix_outbound_messages_carrier",
        "outbound_messages",
        ["connection_id", "carrier_message_id"],
        postgresql_where=sa.text("carrier_message_id IS NOT NULL"),
    )
    op.create_index("ix_outbound_messages_tenant_id_id", "outbound_messages", ["tenant_id", "id"])
    op.create_index(
        "uq_outbound_messages_effect",
        "outbound_messages",
        ["cause_id", "generation", "ordinal"],
        unique=True,
    )


def _outbound_attempts() -> None:
    op.create_table(
        "outbound_attempts",
        sa.Column("outbound_message_id", sa.Uuid, nullable=False),
        sa.Column("attempt", sa.SmallInteger, nullable=False),
        sa.Column("tenant_id", sa.Uuid),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("detail", sa.Text),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("outbound_message_id", "attempt", name=op.f("pk_outbound_attempts")),
    )


def _delivery_receipts() -> None:
    op.create_table(
        "delivery_receipts",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("connection_id", sa.Uuid, nullable=False),
        sa.Column("carrier_message_id", sa.Text),
        sa.Column("reference", sa.Uuid),
        sa.Column("recipient", sa.Text),
        sa.Column("outbound_message_id", sa.Uuid),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("raw_state", sa.Text, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("opted_out", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("carrier_time", MOMENT),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_receipts")),
    )
    op.create_index("ix_delivery_receipts_outbound_message_id", "delivery_receipts", ["outbound_message_id"])
    op.create_index(
        "ix_delivery_receipts_waiting",
        "delivery_receipts",
        ["connection_id", "carrier_message_id"],
        postgresql_where=sa.text("outbound_message_id IS NULL"),
    )


def _sending_paces() -> None:
    op.create_table(
        "sending_paces",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("free_at", MOMENT, nullable=False),
        sa.Column("tail_at", MOMENT, nullable=False),
        sa.Column("rests_until", MOMENT),
        sa.Column("rest_reason", sa.Text),
        sa.Column("rest_detail", sa.Text),
        sa.Column("rests", sa.SmallInteger, server_default="0", nullable=False),
        sa.CheckConstraint("rest_reason IN ('account')", name=op.f("ck_sending_paces_rest_reason")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sending_paces")),
    )
