"""Webhook endpoints, deliveries to them with every try, and e-mail deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NOW = sa.text("now()")

CAUSE_KINDS = (
    "cause_kind IN ('inbound_message', 'outbound_message', 'receipt', 'timer', 'turn', 'campaign_recipient',"
    " 'api_request', 'occurrence', 'webhook_delivery')"
)


def upgrade() -> None:
    _webhook_endpoints()
    _webhook_deliveries()
    _webhook_attempts()
    _email_deliveries()


def downgrade() -> None:
    for table in ("email_deliveries", "webhook_attempts", "webhook_deliveries", "webhook_endpoints"):
        op.drop_table(table)


def _webhook_endpoints() -> None:
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("description", sa.Text, server_default="", nullable=False),
        sa.Column("event_types", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("secrets", sa.LargeBinary, nullable=False),
        sa.Column("previous_secret_expires_at", MOMENT),
        sa.Column("state", sa.Text, server_default="enabled", nullable=False),
        sa.Column("disabled_reason", sa.Text),
        sa.Column("failing_since", MOMENT),
        sa.Column("revision", sa.Integer, server_default="1", nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
        sa.CheckConstraint("state IN ('enabled', 'disabled')", name=op.f("ck_webhook_endpoints_state")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_webhook_endpoints_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
    )
    op.create_index("ix_webhook_endpoints_tenant_id_id", "webhook_endpoints", ["tenant_id", "id"])


def _webhook_deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("endpoint_id", sa.Uuid, nullable=False),
        sa.Column("event_type", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("inbound_message_id", sa.Uuid),
        sa.Column("cause_id", sa.Uuid, nullable=False),
        sa.Column("cause_kind", sa.Text, nullable=False),
        sa.Column("generation", sa.SmallInteger, server_default="0", nullable=False),
        sa.Column("ordinal", sa.SmallInteger, server_default="0", nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempt", sa.SmallInteger, server_default="0", nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("lease_until", MOMENT),
        sa.Column("claimed_by", sa.Integer()),
        sa.Column("requeued_at", MOMENT),
        sa.Column("last_status", sa.SmallInteger),
        sa.Column("reason", sa.Text),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("settled_at", MOMENT),
        sa.CheckConstraint(CAUSE_KINDS, name=op.f("ck_webhook_deliveries_cause_kind")),
        sa.CheckConstraint(
            "state IN ('pending', 'claimed', 'done', 'failed')", name=op.f("ck_webhook_deliveries_state")
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["webhook_endpoints.id"], name=op.f("fk_webhook_deliveries_endpoint_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index(
        "ix_webhook_deliveries_due", "webhook_deliveries", ["due_at"], postgresql_where=sa.text("state = 'pending'")
    )
    op.create_index("ix_webhook_deliveries_endpoint_id_id", "webhook_deliveries", ["endpoint_id", "id"])
    op.create_index(
        "ix_webhook_deliveries_lease",
        "webhook_deliveries",
        ["lease_until"],
        postgresql_where=sa.text("state = 'claimed'"),
    )
    op.create_index(
        "uq_webhook_deliveries_effect",
        "webhook_deliveries",
        ["cause_id", "generation", "ordinal", "endpoint_id"],
        unique=True,
    )
    op.create_index("ix_webhook_deliveries_tenant_id_id", "webhook_deliveries", ["tenant_id", "id"])


def _webhook_attempts() -> None:
    op.create_table(
        "webhook_attempts",
        sa.Column("delivery_id", sa.Uuid, nullable=False),
        sa.Column("attempt", sa.SmallInteger, nullable=False),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("status", sa.SmallInteger),
        sa.Column("reason", sa.Text),
        sa.Column("response", sa.Text),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["webhook_deliveries.id"], name=op.f("fk_webhook_attempts_delivery_id")
        ),
        sa.PrimaryKeyConstraint("delivery_id", "attempt", name=op.f("pk_webhook_attempts")),
    )


def _email_deliveries() -> None:
    op.create_table(
        "email_deliveries",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("cause_id", sa.Uuid, nullable=False),
        sa.Column("cause_kind", sa.Text, nullable=False),
        sa.Column("generation", sa.SmallInteger, server_default="0", nullable=False),
        sa.Column("ordinal", sa.SmallInteger, server_default="0", nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempt", sa.SmallInteger, server_default="0", nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("lease_until", MOMENT),
        sa.Column("claimed_by", sa.Integer()),
        sa.Column("requeued_at", MOMENT),
        sa.Column("reason", sa.Text),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("settled_at", MOMENT),
        sa.CheckConstraint(CAUSE_KINDS, name=op.f("ck_email_deliveries_cause_kind")),
        sa.CheckConstraint("state IN ('pending', 'claimed', 'done', 'failed')", name=op.f("ck_email_deliveries_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_deliveries")),
    )
    op.create_index(
        "ix_email_deliveries_due", "email_deliveries", ["due_at"], postgresql_where=sa.text("state = 'pending'")
    )
    op.create_index(
        "ix_email_deliveries_lease", "email_deliveries", ["lease_until"], postgresql_where=sa.text("state = 'claimed'")
    )
    op.create_index(
        "uq_email_deliveries_effect",
        "email_deliveries",
        ["cause_id", "generation", "ordinal", "recipient"],
        unique=True,
    )
    op.create_index("ix_email_deliveries_tenant_id_id", "email_deliveries", ["tenant_id", "id"])
