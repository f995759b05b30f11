"""Keywords: who holds which spelling on which number at which time, and every revision of what a keyword does.

``btree_gist`` is a trusted extension: whoever may create in the database may install it. A downgrade leaves it there.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TSTZRANGE, ExcludeConstraint

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NOW = sa.text("now()")


def upgrade() -> None:
    _keywords()
    _keyword_spellings()
    _keyword_places()
    _keyword_uses()
    _keyword_revisions()
    _rule_versions()


def downgrade() -> None:
    for table in (
        "rule_versions",
        "keyword_revisions",
        "keyword_uses",
        "keyword_places",
        "keyword_spellings",
        "keywords",
    ):
        op.drop_table(table)


def _keywords() -> None:
    op.create_table(
        "keywords",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("number_id", sa.Uuid, nullable=False),
        sa.Column("word", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("definition", JSONB, nullable=False),
        sa.Column("active_from", MOMENT),
        sa.Column("active_until", MOMENT),
        sa.Column("expires_at", MOMENT),
        sa.Column("releases_at", MOMENT),
        sa.Column("hold_note", sa.Text),
        sa.Column("is_operators_suspension", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("choice_keys", sa.ARRAY(sa.Text), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
        sa.CheckConstraint(
            "state IN ('requested', 'approved', 'active', 'suspended', 'released')", name=op.f("ck_keywords_state")
        ),
        sa.ForeignKeyConstraint(["number_id"], ["numbers.id"], name=op.f("fk_keywords_number_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_keywords_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keywords")),
    )
    op.create_index("ix_keywords_number_id_tenant_id", "keywords", ["number_id", "tenant_id"])
    for column in ("expires_at", "releases_at"):
        is_set = sa.text(f"{column} IS NOT NULL AND state <> 'released'")
        op.create_index(f"ix_keywords_{column}", "keywords", [column], postgresql_where=is_set)
    op.create_index("ix_keywords_tenant_id_id", "keywords", ["tenant_id", "id"])
    op.create_index(
        "ix_keywords_choice_keys",
        "keywords",
        ["choice_keys"],
        postgresql_using="gin",
        postgresql_where=sa.text("choice_keys <> '{}'"),
    )


def _keyword_spellings() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.create_table(
        "keyword_spellings",
        sa.Column("keyword_id", sa.Uuid, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("number_id", sa.Uuid, nullable=False),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("mask", sa.BigInteger, nullable=False),
        sa.Column("is_alias", sa.Boolean, nullable=False),
        sa.Column("period", TSTZRANGE, nullable=False),
        sa.ForeignKeyConstraint(["keyword_id"], ["keywords.id"], name=op.f("fk_keyword_spellings_keyword_id")),
        sa.PrimaryKeyConstraint("keyword_id", "key", name=op.f("pk_keyword_spellings")),
        sa.UniqueConstraint("number_id", "key", "tenant_id", name=op.f("uq_keyword_spellings_number_id")),
        ExcludeConstraint(
            ("number_id", "="), ("key", "="), ("period", "&&"), using="gist", name=op.f("ex_keyword_spellings_period")
        ),
    )


def _keyword_places() -> None:
    op.create_table(
        "keyword_places",
        sa.Column("keyword_id", sa.Uuid, nullable=False),
        sa.Column("taken", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("keyword_id", name=op.f("pk_keyword_places")),
    )


def _keyword_uses() -> None:
    op.create_table(
        "keyword_uses",
        sa.Column("keyword_id", sa.Uuid, nullable=False),
        sa.Column("last_on", sa.Date, nullable=False),
        sa.PrimaryKeyConstraint("keyword_id", name=op.f("pk_keyword_uses")),
    )


def _keyword_revisions() -> None:
    op.create_table(
        "keyword_revisions",
        sa.Column("keyword_id", sa.Uuid, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("definition", JSONB, nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("keyword_id", "revision", name=op.f("pk_keyword_revisions")),
    )


def _rule_versions() -> None:
    op.create_table(
        "rule_versions",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("tenant_id", sa.Uuid),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("source_digest", sa.Text),
        sa.Column("restores", sa.Integer),
        sa.Column("created", sa.Integer, nullable=False),
        sa.Column("changed", sa.Integer, nullable=False),
        sa.Column("released", sa.Integer, nullable=False),
        sa.Column("number_ids", sa.ARRAY(sa.Uuid), nullable=False),
        sa.Column("tenant_ids", sa.ARRAY(sa.Uuid), nullable=False),
        sa.Column("keyword_ids", sa.ARRAY(sa.Uuid), nullable=False),
        sa.Column("revisions", sa.ARRAY(sa.Integer), nullable=False),
        sa.Column("states", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("keywords", sa.Integer, nullable=False),
        sa.Column("actor_key_id", sa.Uuid),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("origin IN ('applied', 'restored', 'found')", name=op.f("ck_rule_versions_origin")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_versions")),
        sa.UniqueConstraint("tenant_id", "version", name=op.f("uq_rule_versions_tenant_id_version")),
    )
    is_operators = sa.text("tenant_id IS NULL")
    op.create_index(
        "ix_rule_versions_operators", "rule_versions", ["version"], unique=True, postgresql_where=is_operators
    )
