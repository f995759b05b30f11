"""Pools of coupon codes, and the codes: free, issued, redeemed or void."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NOW = sa.text("now()")

CAUSE_KINDS = (
    "cause_kind IN ('inbound_message', 'outbound_message', 'receipt', 'timer', 'turn', 'campaign_recipient',"
    " 'api_request', 'occurrence', 'webhook_delivery')"
)


def upgrade() -> None:
    _coupon_pools()
    _coupon_codes()


def downgrade() -> None:
    for table in ("coupon_codes", "coupon_pools"):
        op.drop_table(table)


def _coupon_pools() -> None:
    op.create_table(
        "coupon_pools",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("is_one_per_sender", sa.Boolean, nullable=False),
        sa.Column("code_prefix", sa.Text, server_default="", nullable=False),
        sa.Column("code_limit", sa.Integer),
        sa.Column("issued_count", sa.Integer, server_default="0", nullable=False),
        sa.Column("valid_until", MOMENT),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
        sa.CheckConstraint("source IN ('uploaded', 'generated')", name=op.f("ck_coupon_pools_source")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_coupon_pools_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupon_pools")),
    )
    op.create_index("uq_coupon_pools_tenant_id_name", "coupon_pools", ["tenant_id", "name"], unique=True)


def _coupon_codes() -> None:
    op.create_table(
        "coupon_codes",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("pool_id", sa.Uuid, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("code_key", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("is_once", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("sender", sa.Text),
        sa.Column("cause_id", sa.Uuid),
        sa.Column("cause_kind", sa.Text),
        sa.Column("ordinal", sa.SmallInteger),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("issued_at", MOMENT),
        sa.Column("redeemed_at", MOMENT),
        sa.Column("voided_at", MOMENT),
        sa.CheckConstraint(CAUSE_KINDS, name=op.f("ck_coupon_codes_cause_kind")),
        sa.CheckConstraint("state IN ('free', 'issued', 'redeemed', 'void')", name=op.f("ck_coupon_codes_state")),
        sa.ForeignKeyConstraint(["pool_id"], ["coupon_pools.id"], name=op.f("fk_coupon_codes_pool_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupon_codes")),
    )
    op.create_index(
        "ix_coupon_codes_free", "coupon_codes", ["pool_id", "id"], postgresql_where=sa.text("state = 'free'")
    )
    op.create_index("ix_coupon_codes_pool_id_id", "coupon_codes", ["pool_id", "id"])
    op.create_index(
        "uq_coupon_codes_effect",
        "coupon_codes",
        ["cause_id", "ordinal", "pool_id"],
        unique=True,
        postgresql_where=sa.text("cause_id IS NOT NULL"),
    )
    op.create_index(
        "uq_coupon_codes_pool_id_sender",
        "coupon_codes",
        ["pool_id", "sender"],
        unique=True,
        postgresql_where=sa.text("is_once AND sender IS NOT NULL"),
    )
    op.create_index("uq_coupon_codes_tenant_id_code_key", "coupon_codes", ["tenant_id", "code_key"], unique=True)
