"""Every sequence of three words about one number and two tenants suppresses exactly whom the rules say."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from itertools import product
from uuid import UUID

import pytest

from tests.store.rows import NOW, add_number, add_tenant
from twoway_router.consent import service
from twoway_router.consent.rules import ConsentChange, Recipient
from twoway_router.domain.ids import NumberId, TenantId, new_id
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


async def say(engine: Engine, number_id: NumberId, tenants: dict[str, TenantId], turn: int) -> None:
    """Everybody's word of one turn, STOPs and STARTs each as one batch."""
    batches: dict[str, list[ConsentChange]] = {"STOP": [], "START": []}
    for msisdn, words in people():
        deed, _, tenant = words[turn].partition(" ")
        change = ConsentChange(
            number_id=number_id, msisdn=msisdn, inbound_message_id=new_id(), tenant_id=tenants.get(tenant)
        )
        batches[deed].append(change)
    at = NOW + timedelta(minutes=turn)
    async with transaction(engine, System("test")) as session:
        await service.opt_out(session, batches["STOP"], at)
        await service.opt_in(session, batches["START"], at)


async def test_every_sequence_of_words_ends_as_the_rules_say(engine: Engine) -> None:
    async with transaction(engine, System("test")) as session:
        number_id = await add_number(session)
        tenants = {name: await add_tenant(session, name) for name in ("A", "B")}
    for turn in range(3):
        await say(engine, number_id, tenants, turn)

    writers: dict[str, UUID | None] = {"": None, **tenants}
    async with transaction(engine, System("test")) as session:
        asked = [
            Recipient(number_id=number_id, msisdn=msisdn, tenant_id=writer)
            for msisdn, _ in people()
            for writer in writers.values()
        ]
        found = await service.find_suppressed(session, asked)

    names = {tenant_id: name for name, tenant_id in writers.items()}
    ended = {words: {names[each.tenant_id] for each in found if each.msisdn == msisdn} for msisdn, words in people()}
    assert ended == {words: suppressed_by(words) for words in SEQUENCES}
