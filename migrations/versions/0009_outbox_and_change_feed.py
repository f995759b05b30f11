"""The outbox, the feed of changes, the processes alive, and the schema level that code compares itself with."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NOW = sa.text("now()")


def upgrade() -> None:
    _outbox()
    _change_counter()
    _changes()
    _heartbeats()
    _schema_level()
    op.execute("INSERT INTO change_counter (id, sequence) VALUES (1, 0)")
    op.execute("INSERT INTO schema_level (id, level, min_code_level) VALUES (1, 1, 1)")


def downgrade() -> None:
    for table in ("schema_level", "heartbeats", "changes", "change_counter", "outbox"):
        op.drop_table(table)


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("job", sa.Text, nullable=False),
        sa.Column("lane", sa.SmallInteger, server_default="0", nullable=False),
        sa.Column("ids", sa.ARRAY(sa.Uuid), nullable=False),
        sa.Column("available_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("attempts", sa.SmallInteger, server_default="0", nullable=False),
        sa.Column("leased_until", MOMENT),
        sa.Column("dead_at", MOMENT),
        sa.Column("reason", sa.Text),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        postgresql_with={
            "fillfactor": "70",
            "autovacuum_vacuum_scale_factor": "0.01",
            "autovacuum_vacuum_threshold": "500",
        },
    )
    op.create_index("ix_outbox_dead", "outbox", ["dead_at"], postgresql_where=sa.text("dead_at IS NOT NULL"))
    for name, jobs in (("ix_outbox_due", "job <> 'sms.deliver_bulk'"), ("ix_outbox_bulk", "job = 'sms.deliver_bulk'")):
        where = sa.text(f"dead_at IS NULL AND {jobs}")
        op.create_index(name, "outbox", ["available_at", "id"], postgresql_where=where)


def _change_counter() -> None:
    op.create_table(
        "change_counter",
        sa.Column("id", sa.SmallInteger, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_counter")),
    )


def _changes() -> None:
    op.create_table(
        "changes",
        sa.Column("sequence", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("changed_at", MOMENT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_changes")),
    )


def _heartbeats() -> None:
    op.create_table(
        "heartbeats",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("code_level", sa.Integer, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heartbeats")),
    )


def _schema_level() -> None:
    op.create_table(
        "schema_level",
        sa.Column("id", sa.SmallInteger, nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("min_code_level", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schema_level")),
    )
