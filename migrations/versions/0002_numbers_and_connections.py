"""Connections to carriers, the numbers on them, and what carriers have posted to them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NOW = sa.text("now()")


def upgrade() -> None:
    _connections()
    _numbers()
    _connection_requests()


def downgrade() -> None:
    for table in ("connection_requests", "numbers", "connections"):
        op.drop_table(table)


def _connections() -> None:
    op.create_table(
        "connections",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("carrier", sa.Text, nullable=False),
        sa.Column("country", sa.Text),
        sa.Column("settings", JSONB, nullable=False),
        sa.Column("secrets", sa.LargeBinary, nullable=False),
        sa.Column("sandbox_id", sa.Uuid),
        sa.Column("state", sa.Text, server_default="active", nullable=False),
        sa.Column("revision", sa.Integer, server_default="1", nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
        sa.CheckConstraint(
            "(carrier = 'sandbox') = (sandbox_id IS NOT NULL)",
            name=op.f("ck_connections_sandboxes_have_their_carrier"),
        ),
        sa.CheckConstraint("state IN ('active', 'disabled')", name=op.f("ck_connections_state")),
        sa.ForeignKeyConstraint(["sandbox_id"], ["tenants.id"], name=op.f("fk_connections_sandbox_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connections")),
        sa.UniqueConstraint("name", name=op.f("uq_connections_name")),
    )
    op.create_index("uq_connections_sandbox_id", "connections", ["sandbox_id"], unique=True)


def _numbers() -> None:
    op.create_table(
        "numbers",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("country", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("sharing", sa.Text, nullable=False),
        sa.Column("tenant_id", sa.Uuid),
        sa.Column("connection_id", sa.Uuid, nullable=False),
        sa.Column("sandbox_id", sa.Uuid),
        sa.Column("languages", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("time_zone", sa.Text, server_default="UTC", nullable=False),
        sa.Column("texts", JSONB, nullable=False),
        sa.Column("options", JSONB, nullable=False),
        sa.Column("state", sa.Text, server_default="active", nullable=False),
        sa.Column("revision", sa.Integer, server_default="1", nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
        sa.CheckConstraint("kind IN ('short_code', 'long_code', 'toll_free')", name=op.f("ck_numbers_kind")),
        sa.CheckConstraint(
            "sandbox_id IS NULL OR coalesce(tenant_id, sandbox_id) = sandbox_id",
            name=op.f("ck_numbers_sandbox_owns_its_own"),
        ),
        sa.CheckConstraint("sharing = 'dedicated' OR tenant_id IS NULL", name=op.f("ck_numbers_shared_has_no_owner")),
        sa.CheckConstraint("sharing IN ('shared', 'dedicated')", name=op.f("ck_numbers_sharing")),
        sa.CheckConstraint("state IN ('active', 'disabled')", name=op.f("ck_numbers_state")),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name=op.f("fk_numbers_connection_id")),
        sa.ForeignKeyConstraint(["sandbox_id"], ["tenants.id"], name=op.f("fk_numbers_sandbox_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_numbers_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_numbers")),
    )
    op.create_index("uq_numbers_connection_id_address", "numbers", ["connection_id", "address"], unique=True)
    op.create_index("ix_numbers_tenant_id", "numbers", ["tenant_id"])
    is_live = sa.text("sandbox_id IS NULL")
    op.create_index(
        "uq_numbers_country_address", "numbers", ["country", "address"], unique=True, postgresql_where=is_live
    )
    op.create_index(
        "uq_numbers_sandbox_id_country_address", "numbers", ["sandbox_id", "country", "address"], unique=True
    )


def _connection_requests() -> None:
    op.create_table(
        "connection_requests",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("connection_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("headers", JSONB, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("parsed", JSONB, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("unlogged", sa.Integer, server_default="0", nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connection_requests")),
    )
    op.create_index("ix_connection_requests_connection_id_id", "connection_requests", ["connection_id", "id"])
