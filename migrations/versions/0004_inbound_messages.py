"""Messages that came in, the parts of long ones, the runs of actions on them, and requests nobody understood."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NOW = sa.text("now()")

CAUSE_KINDS = (
    "cause_kind IN ('inbound_message', 'outbound_message', 'receipt', 'timer', 'turn', 'campaign_recipient',"
    " 'api_request', 'occurrence', 'webhook_delivery')"
)


def upgrade() -> None:
    _inbound_messages()
    _inbound_message_indexes()
    _action_runs()
    _inbound_replays()
    _message_parts()
    _quarantined_requests()
    _courtesy_replies()


def downgrade() -> None:
    for table in (
        "courtesy_replies",
        "quarantined_requests",
        "message_parts",
        "inbound_replays",
        "action_runs",
        "inbound_messages",
    ):
        op.drop_table(table)


def _inbound_messages() -> None:
    op.create_table(
        "inbound_messages",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("connection_id", sa.Uuid, nullable=False),
        sa.Column("carrier_message_id", sa.Text, nullable=False),
        sa.Column("number_id", sa.Uuid),
        sa.Column("tenant_id", sa.Uuid),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("sender_kind", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("order_key", sa.BigInteger, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("keyword_id", sa.Uuid),
        sa.Column("keyword_revision", sa.Integer),
        sa.Column("sub_keyword", sa.Text),
        sa.Column("rest", sa.Text, server_default="", nullable=False),
        sa.Column("route_details", JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("rules_version", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("carrier_time", MOMENT),
        sa.Column("operator", sa.Text),
        sa.Column("reply_token", sa.Text),
        sa.Column("extra", JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("generation", sa.SmallInteger, server_default="0", nullable=False),
        sa.Column("only_ordinal", sa.SmallInteger),
        sa.Column("attempts", sa.SmallInteger, server_default="0", nullable=False),
        sa.Column("last_error", sa.Text),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.CheckConstraint(
            "route IN ('keyword', 'context', 'opt_out', 'opt_in', 'help', 'default', 'none')",
            name=op.f("ck_inbound_messages_route"),
        ),
        sa.CheckConstraint("state IN ('accepted', 'done', 'stored', 'parked')", name=op.f("ck_inbound_messages_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_messages")),
        postgresql_with={"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.02"},
    )


def _inbound_message_indexes() -> None:
    op.create_index(
        "ix_inbound_messages_consent",
        "inbound_messages",
        ["sender", "number_id", "id"],
        postgresql_where=sa.text("route IN ('opt_out', 'opt_in')"),
    )
    op.create_index("ix_inbound_messages_number_id_id", "inbound_messages", ["number_id", "id"])
    op.create_index(
        "ix_inbound_messages_parked", "inbound_messages", ["id"], postgresql_where=sa.text("state = 'parked'")
    )
    op.create_index("ix_inbound_messages_tenant_id_id", "inbound_messages", ["tenant_id", "id"])
    op.create_index("ix_inbound_messages_tenant_id_sender_id", "inbound_messages", ["tenant_id", "sender", "id"])
    op.create_index(
        "ix_inbound_messages_waiting",
        "inbound_messages",
        ["order_key", "id"],
        postgresql_where=sa.text("state = 'accepted'"),
    )
    op.create_index(
        "uq_inbound_messages_connection_id_carrier_message_id",
        "inbound_messages",
        ["connection_id", "carrier_message_id"],
        unique=True,
    )


def _action_runs() -> None:
    op.create_table(
        "action_runs",
        sa.Column("cause_id", sa.Uuid, nullable=False),
        sa.Column("generation", sa.SmallInteger, server_default="0", nullable=False),
        sa.Column("ordinal", sa.SmallInteger, nullable=False),
        sa.Column("cause_kind", sa.Text, nullable=False),
        sa.Column("tenant_id", sa.Uuid),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("values", JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("finished_at", MOMENT, server_default=NOW, nullable=False),
        sa.CheckConstraint(CAUSE_KINDS, name=op.f("ck_action_runs_cause_kind")),
        sa.CheckConstraint("state IN ('planned', 'done', 'failed', 'skipped')", name=op.f("ck_action_runs_state")),
        sa.PrimaryKeyConstraint("cause_id", "generation", "ordinal", name=op.f("pk_action_runs")),
    )


def _inbound_replays() -> None:
    op.create_table(
        "inbound_replays",
        sa.Column("inbound_message_id", sa.Uuid, nullable=False),
        sa.Column("generation", sa.SmallInteger, nullable=False),
        sa.Column("tenant_id", sa.Uuid),
        sa.Column("only_ordinal", sa.SmallInteger),
        sa.Column("previous", JSONB, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("inbound_message_id", "generation", name=op.f("pk_inbound_replays")),
    )


def _message_parts() -> None:
    op.create_table(
        "message_parts",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("connection_id", sa.Uuid, nullable=False),
        sa.Column("carrier_message_id", sa.Text, nullable=False),
        sa.Column("place", sa.SmallInteger, nullable=False),
        sa.Column("total", sa.SmallInteger, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("state", sa.Text, server_default="waiting", nullable=False),
        sa.Column("inbound_message_id", sa.Uuid),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("charset", sa.Text, nullable=False),
        sa.Column("facts", JSONB, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'joined', 'incomplete', 'late')", name=op.f("ck_message_parts_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_parts")),
    )
    op.create_index("ix_message_parts_due", "message_parts", ["due_at"], postgresql_where=sa.text("state = 'waiting'"))
    op.create_index(
        "ix_message_parts_open",
        "message_parts",
        ["connection_id", "sender", "recipient", "reference", "total"],
        postgresql_where=sa.text("state <> 'joined'"),
    )
    op.create_index(op.f("ix_message_parts_received_at"), "message_parts", ["received_at"])
    op.create_index(
        "uq_message_parts_connection_id_carrier_message_id_place",
        "message_parts",
        ["connection_id", "carrier_message_id", "place"],
        unique=True,
    )


def _quarantined_requests() -> None:
    op.create_table(
        "quarantined_requests",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("connection_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("headers", JSONB, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.CheckConstraint("kind IN ('mo', 'dlr')", name=op.f("ck_quarantined_requests_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantined_requests")),
    )


def _courtesy_replies() -> None:
    op.create_table(
        "courtesy_replies",
        sa.Column("number_id", sa.Uuid, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.PrimaryKeyConstraint("number_id", "sender", "day", name=op.f("pk_courtesy_replies")),
    )
