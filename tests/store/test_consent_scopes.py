"""Every sequence of three words about one number and two tenants suppresses exactly whom the rules say.

Asked of the rule and of its fragment in SQL, which agree on whatever is stored.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from itertools import product
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.store.rows import NOW, add_number, add_tenant
from twoway_router.consent import service
from twoway_router.consent.gate import is_stopped, must_not_be_sent
from twoway_router.consent.rules import (
    EXEMPT_ORIGINS,
    ConsentChange,
    ConsentKind,
    Person,
    SuppressionReason,
    SuppressionState,
    may_send,
)
from twoway_router.consent.tables import Suppressions
from twoway_router.domain.ids import NumberId, TenantId, new_id
from twoway_router.mts import service as mts
from twoway_router.store import Engine, System, transaction
from twoway_router.store.engine import make_engine

WORDS = ("STOP", "STOP A", "STOP B", "START", "START A", "START B")
SEQUENCES = list(product(WORDS, repeat=3))


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    await engine.dispose()


def suppressed_by(words: tuple[str, ...]) -> set[str]:
    """The rules of docs/consent.md: who must be silent at the end, "" for the number itself."""
    is_stopped, named = False, dict[str, str]()
    for each in words:
        deed, _, tenant = each.partition(" ")
        kept = {name: state for name, state in named.items() if state == "stopped"}
        if deed == "STOP":
            named = {**named, tenant: "stopped"} if tenant else kept
            is_stopped = is_stopped or not tenant
        elif tenant:
            named.pop(tenant, None) if named.get(tenant) == "stopped" else None
            named |= {tenant: "restored"} if is_stopped else {}
        else:
            named = kept if is_stopped or len(kept) > 1 else {}
            is_stopped = False
    whole = "stopped" if is_stopped else "restored"
    return {tenant for tenant in ("", "A", "B") if named.get(tenant, whole) == "stopped"}


def people() -> Iterator[tuple[str, tuple[str, ...]]]:
    """A person for each sequence."""
    return ((f"+3932000{turn:05}", words) for turn, words in enumerate(SEQUENCES))


async def say(engine: Engine, number_id: NumberId, tenants: dict[str, TenantId], turns: list[int]) -> None:
    """Everybody's words of these turns, as one batch."""
    changes = []
    for turn in turns:
        for msisdn, words in people():
            deed, _, tenant = words[turn].partition(" ")
            change = ConsentChange(
                kind=ConsentKind.OPT_OUT if deed == "STOP" else ConsentKind.OPT_IN,
                number_id=number_id,
                msisdn=msisdn,
                tenant_id=tenants.get(tenant),
                inbound_message_id=new_id(),
            )
            changes.append(change)
    async with transaction(engine, System("test")) as session:
        await mts.obey(session, changes, now=NOW + timedelta(minutes=turns[0]))


@pytest.mark.parametrize("batches", [[[0], [1], [2]], [[0, 1, 2]]], ids=["one after the other", "in one batch"])
async def test_every_sequence_of_words_ends_as_the_rules_say(engine: Engine, batches: list[list[int]]) -> None:
    async with transaction(engine, System("test")) as session:
        number_id = await add_number(session)
        tenants = {name: await add_tenant(session, name) for name in ("A", "B")}
    for turns in batches:
        await say(engine, number_id, tenants, turns)

    writers: dict[str, UUID | None] = {"": None, **tenants}
    everybody = {words: Person(number_id=number_id, msisdn=msisdn) for msisdn, words in people()}
    async with transaction(engine, System("test")) as session:
        held = await service.list_suppressions(session, list(everybody.values()))

    ended = {
        words: {name for name, writer in writers.items() if not may_send(held.get(person, ()), writer, "reply").allows}
        for words, person in everybody.items()
    }
    assert ended == {words: suppressed_by(words) for words in SEQUENCES}


async def test_the_rule_and_its_sql_agree_on_whatever_is_stored(engine: Engine) -> None:
    async with transaction(engine, System("test")) as session:
        number_id, other_number = await add_number(session), await add_number(session, "+390612345678")
        tenants = [await add_tenant(session, name) for name in ("A", "B")]
    writers: list[UUID | None] = [None, *tenants, new_id()]
    cases = list(product((None, *SuppressionState), repeat=3))
    rows = [
        Suppressions(
            id=new_id(),
            number_id=number,
            msisdn=f"+3932000{turn:05}",
            tenant_id=holder,
            state=state.value,
            reason=SuppressionReason.WORD.value,
            changed_at=NOW,
        )
        for turn, states in enumerate(cases)
        for holder, state in zip(writers, states, strict=False)
        for number in (number_id, other_number)
        if state is not None and (number == number_id or turn % 2)
    ]
    asked = [
        (f"+3932000{turn:05}", writer, origin)
        for turn in range(len(cases))
        for writer in writers
        for origin in (*EXEMPT_ORIGINS, "reply", "opt_in", "courtesy")
    ]
    everybody = {msisdn: Person(number_id=number_id, msisdn=msisdn) for msisdn, _, _ in asked}
    statement = text(
        f"SELECT mt.recipient, mt.tenant_id, mt.origin, {must_not_be_sent('mt')} AS is_refused,"
        f" {is_stopped('mt.number_id', 'mt.recipient', 'mt.tenant_id')} AS is_stopped"
        " FROM (SELECT CAST(:number_id AS uuid) AS number_id, asked.*"
        "  FROM unnest(CAST(:people AS text[]), CAST(:writers AS uuid[]), CAST(:origins AS text[]))"
        "   AS asked (recipient, tenant_id, origin)) AS mt"
    )
    people, writing, origins = ([each[column] for each in asked] for column in range(3))

    async with transaction(engine, System("test")) as session:
        session.add_all(rows)
        await session.flush()
        values = {"number_id": number_id, "people": people, "writers": writing, "origins": origins}
        found = (await session.execute(statement, values)).all()
        held = await service.list_suppressions(session, list(everybody.values()))

    in_sql = {(row.recipient, row.tenant_id, row.origin): (row.is_refused, row.is_stopped) for row in found}
    by_rule = {
        (msisdn, writer, origin): (
            not may_send(held.get(everybody[msisdn], ()), writer, origin).allows,
            not may_send(held.get(everybody[msisdn], ()), writer, "reply").allows,
        )
        for msisdn, writer, origin in asked
    }
    assert in_sql == by_rule
    assert len(in_sql) == len(asked)
