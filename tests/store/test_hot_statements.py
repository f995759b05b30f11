"""Every statement on the path of a message finds its rows by an index, also on tables that have just been made."""

import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import asyncpg
import pytest
from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql import asyncpg as dialect

from twoway_router.consent import queries as consent
from twoway_router.contexts import queries as conversations
from twoway_router.coupons import queries as coupons
from twoway_router.dispatch import queries as dispatch
from twoway_router.emails import queries as emails
from twoway_router.emails.sweeps import SWEEPS as EMAIL_SWEEPS
from twoway_router.inbound.queries import accepting, reassigning, runs, waiting
from twoway_router.ingress import queries as ingress
from twoway_router.ingress.queries import parts
from twoway_router.keywords import queries as keywords
from twoway_router.mts.queries import (
    cancelling,
    correspondents,
    delivering,
    order,
    pacing,
    planning,
    progress,
    receipts,
    sweeping,
)
from twoway_router.numbers import queries as numbers
from twoway_router.scheduler import queries as scheduler
from twoway_router.store import outbox
from twoway_router.store.engine import HOT
from twoway_router.tenants import queries as tenants
from twoway_router.web import queries as web
from twoway_router.webhooks.queries import claims, deliveries, endpoints
from twoway_router.webhooks.sweeps import SWEEPS as WEBHOOK_SWEEPS

PATH = (
    accepting,
    ingress,
    parts,
    runs,
    planning,
    delivering,
    receipts,
    cancelling,
    reassigning,
    pacing,
    progress,
    order,
)
BESIDE = (correspondents, consent, conversations, coupons, emails, claims, deliveries, endpoints)
BEHIND = (outbox, dispatch, scheduler, sweeping, waiting)
WHOLE = (
    *(dispatch._LIST_DEAD, dispatch._TAKE_DEAD, dispatch._REQUEUE_DEAD),
    *(outbox._COUNT, scheduler._DUE, waiting._OLD_COURTESIES),
    *(planning._NUMBERS, conversations._WORD_CHOICES),
)
"""What counts or cleans up, or reads what is never much: numbers, dead jobs."""


def statements(module: ModuleType) -> list[TextClause]:
    """The statements that a module of queries holds."""
    return [value for value in vars(module).values() if isinstance(value, TextClause)]


STATEMENTS = [
    *(each for module in (*PATH, *BESIDE, *BEHIND) for each in statements(module) if each not in WHOLE),
    *(keywords._REVISIONS, keywords._CURRENT, keywords._NEW_PLACES, keywords._TAKE_PLACES, keywords._NOTE_USES),
    *(keywords._RELEASE_EXPIRED, keywords._NOTIFY_EXPIRING, numbers._OF_RUNS),
    *(tenants._NAMED, conversations._OLD, web._OLD_KEYS),
    *(each for sweeps in (WEBHOOK_SWEEPS, EMAIL_SWEEPS) for each in (sweeps.lapsed, sweeps.forgotten)),
]

Step = dict[str, Any]


LEADING = "SELECT relname, pg_get_indexdef(oid, 1, true) AS leading FROM pg_class WHERE relkind = 'i'"


async def plan_of(url: str, statement: TextClause) -> Step:
    """The plan that a process on the path would use for ever, each step by index with that index's first column."""
    connection = await asyncpg.connect(url, server_settings=dict(HOT))
    try:
        sql = str(statement.compile(dialect=dialect.dialect()))  # type: ignore[no-untyped-call] # SQLAlchemy's own
        await connection.execute(f"PREPARE hot AS {sql}")
        count = len((await connection.prepare(sql)).get_parameters())
        values = f"({', '.join(['NULL'] * count)})" if count else ""
        [plan] = json.loads(await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE hot{values}"))
        leading = {row["relname"]: row["leading"] for row in await connection.fetch(LEADING)}
        for step in steps(plan["Plan"]):
            step["First Column"] = leading.get(step.get("Index Name"), "")
        return dict(plan["Plan"])
    finally:
        await connection.close()


def steps(plan: Step) -> Iterator[Step]:
    """The plan's root and everything below it."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from steps(part)


def reads_all(step: Step) -> bool:
    """Whether the step walks through a whole table or a whole index, its first column being asked for nothing."""
    is_by_place = step.get("First Column") and step["First Column"] in step.get("Index Cond", "")
    is_scan = "Scan" in step["Node Type"] and ("Relation Name" in step or "Index Name" in step)
    return is_scan and not is_by_place and not is_by_bitmap(step)


def is_by_bitmap(step: Step) -> bool:
    return step["Node Type"] == "Bitmap Heap Scan" and not any(reads_all(part) for part in step["Plans"])


BY_ID = (claims._LOOK, claims._CLAIM, emails._CLAIM, emails._POSTPONE, delivering._CLAIM, delivering._LOOK)
NEXT = (dispatch._TAKE_DUE, dispatch._CLAIM)


async def test_a_repeated_opt_out_is_found_among_the_senders_own_messages(shared_database_url: str) -> None:
    plan = await plan_of(shared_database_url, runs._REPEATED_OPT_OUT)

    assert "ix_inbound_messages_consent" in {step.get("Index Name") for step in steps(plan)}


@pytest.mark.parametrize(
    "statement", [delivering._CLAIM, order._FIRST, pacing._PRESSING], ids=["claim", "first", "pressing"]
)
async def test_whose_turn_it_is_stands_in_an_index_of_what_is_open(
    shared_database_url: str, statement: TextClause
) -> None:
    plan = await plan_of(shared_database_url, statement)

    by_order = [step for step in steps(plan) if step.get("Index Name") == "ix_outbound_messages_order"]
    assert by_order
    assert all("order_key" in step["Index Cond"] for step in by_order)


@pytest.mark.parametrize("statement", BY_ID, ids=lambda statement: " ".join(str(statement).split())[:60])
async def test_what_a_job_names_is_found_by_its_key(shared_database_url: str, statement: TextClause) -> None:
    plan = await plan_of(shared_database_url, statement)

    used = {step["Index Name"] for step in steps(plan) if "id = ANY" in step.get("Index Cond", "")}
    assert [name for name in used if not name.startswith("pk_")] == []
    assert used


@pytest.mark.parametrize("statement", NEXT, ids=lambda statement: " ".join(str(statement).split())[:60])
async def test_a_backlog_of_jobs_is_not_sorted_for_the_next_few(
    shared_database_url: str, statement: TextClause
) -> None:
    plan = await plan_of(shared_database_url, statement)

    assert [step["Node Type"] for step in steps(plan) if "Sort" in step["Node Type"]] == []


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: " ".join(str(statement).split())[:60])
async def test_no_hot_statement_reads_a_whole_table(shared_database_url: str, statement: TextClause) -> None:
    plan = await plan_of(shared_database_url, statement)

    assert [step.get("Relation Name") or step["Index Name"] for step in steps(plan) if reads_all(step)] == []
