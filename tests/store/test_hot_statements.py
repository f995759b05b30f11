"""Every statement on the path of a message finds its rows by an index, also on tables that have just been made."""

from types import ModuleType

import asyncpg
import pytest
from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql import asyncpg as dialect

from twoway_router.consent import queries as consent
from twoway_router.emails import queries as emails
from twoway_router.ingress import queries as ingress
from twoway_router.messages.queries import delivering, planning, receipts, runs
from twoway_router.store.engine import HOT
from twoway_router.webhooks.queries import claims

MODULES = (consent, emails, ingress, delivering, planning, receipts, runs, claims)


def statements(module: ModuleType) -> list[TextClause]:
    """The statements that a module of queries holds."""
    return [value for value in vars(module).values() if isinstance(value, TextClause)]


STATEMENTS = [statement for module in MODULES for statement in statements(module)]


async def plan_of(url: str, statement: TextClause) -> str:
    """The plan that a process on the path would use for ever."""
    connection = await asyncpg.connect(url, server_settings=dict(HOT))
    try:
        sql = str(statement.compile(dialect=dialect.dialect()))  # type: ignore[no-untyped-call] # SQLAlchemy's own
        await connection.execute(f"PREPARE hot AS {sql}")
        count = len((await connection.prepare(sql)).get_parameters())
        values = f"({', '.join(['NULL'] * count)})" if count else ""
        return "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE hot{values}"))
    finally:
        await connection.close()


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: " ".join(str(statement).split())[:60])
async def test_no_hot_statement_reads_a_whole_table(shared_database_url: str, statement: TextClause) -> None:
    plan = await plan_of(shared_database_url, statement)

    assert "Seq Scan" not in plan
