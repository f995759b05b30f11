"""Contexts under concurrency: an answer counts once, limits hold, a STOP closes what it must and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.cast import ANN, BOB
from tests.store.rows import NOW, add_number, add_tenant
from twoway_router.consent import service as consent
from twoway_router.consent.rules import ConsentChange, ConsentKind, Person
from twoway_router.contexts import service
from twoway_router.contexts.rules import OPEN_PER_SENDER, Answer, Question, Recent, StoredContext
from twoway_router.domain.ids import NumberId, TenantId, new_id
from twoway_router.store import System, transaction
from twoway_router.store.engine import make_engine


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """A number with two tenants; each call is a transaction of its own."""

    engine: AsyncEngine
    number_id: NumberId
    pizzeria: TenantId
    gym: TenantId

    def question(self, tenant_id: TenantId | None = None, sender: str = ANN) -> Question:
        return Question(
            person=Person(number_id=self.number_id, msisdn=sender),
            tenant_id=tenant_id or self.pizzeria,
            origin="ask",
            expected="yes_no",
            lifetime=timedelta(hours=1),
        )

    async def ask(self, *questions: Question, after: float = 0) -> None:
        async with transaction(self.engine, System("test")) as session:
            await service.open_questions(session, questions, now=NOW + timedelta(seconds=after))

    async def open(self, sender: str = ANN, *, after: float = 0) -> list[StoredContext]:
        person = Person(number_id=self.number_id, msisdn=sender)
        async with transaction(self.engine, System("test")) as session:
            found = await service.load(session, {person}, NOW + timedelta(seconds=after))
        return found.get(person, [])

    async def answer(self, answer: Answer) -> bool:
        async with transaction(self.engine, System("test")) as session:
            return bool(await service.take_answers(session, [answer], now=NOW))


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    engine = make_engine(database_url, pool_size=10)
    async with transaction(engine, System("test")) as session:
        number_id = await add_number(session)
        pizzeria, gym = await add_tenant(session, "Pizzeria"), await add_tenant(session, "Gym")
    yield Desk(engine=engine, number_id=number_id, pizzeria=pizzeria, gym=gym)
    await engine.dispose()


async def test_of_many_answers_at_once_one_counts(desk: Desk) -> None:
    await desk.ask(desk.question())
    [asked] = await desk.open()
    answers = [Answer(context_id=asked.id, inbound_message_id=new_id(), answer="yes") for _ in range(10)]

    taken = await asyncio.gather(*map(desk.answer, answers))

    assert sum(taken) == 1


async def test_a_replayed_answer_counts_again(desk: Desk) -> None:
    await desk.ask(desk.question())
    [asked] = await desk.open()
    answer = Answer(context_id=asked.id, inbound_message_id=new_id(), answer="yes")

    taken = [await desk.answer(answer), await desk.answer(answer)]

    assert taken == [True, True]


async def test_a_sender_has_ten_questions_open_the_newest(desk: Desk) -> None:
    async with transaction(desk.engine, System("test")) as session:
        tenants = [await add_tenant(session, f"Tenant {turn}") for turn in range(OPEN_PER_SENDER + 2)]

    for turn, tenant_id in enumerate(tenants):
        await desk.ask(desk.question(tenant_id), after=turn)

    found = await desk.open(after=20)
    assert {each.tenant_id for each in found} == set(tenants[2:])


async def test_of_a_tenants_questions_the_newest_is_open(desk: Desk) -> None:
    older, newer = desk.question(), replace(desk.question(), expected="scale")
    await desk.ask(older)
    [asked] = await desk.open()

    await desk.ask(older, newer, after=1)
    is_answered = await desk.answer(Answer(context_id=asked.id, inbound_message_id=new_id(), answer="yes"))

    assert [each.expected for each in await desk.open(after=2)] == ["scale"]
    assert not is_answered


async def test_of_questions_asked_at_once_one_is_open(desk: Desk) -> None:
    await asyncio.gather(*(desk.ask(desk.question(), desk.question(desk.gym), after=turn) for turn in range(8)))

    found = await desk.open(after=10)

    assert sorted(each.tenant_id for each in found) == sorted([desk.pizzeria, desk.gym])


async def test_a_tenants_question_stays_open_beside_what_the_number_asks(desk: Desk) -> None:
    await desk.ask(desk.question())

    await desk.ask(replace(desk.question(), origin="choose", expected="choice", choices=("1",)))

    assert sorted(each.origin for each in await desk.open()) == ["ask", "choose"]


async def test_of_many_choices_at_once_one_counts(desk: Desk) -> None:
    numbered = [
        replace(desk.question(tenant_id), origin="choose", expected="choice", choices=(number,))
        for number, tenant_id in (("1", desk.pizzeria), ("2", desk.gym))
    ]
    await desk.ask(*numbered)
    asked = await desk.open()

    async def choose(context: StoredContext) -> bool:
        person = Person(number_id=desk.number_id, msisdn=ANN)
        async with transaction(desk.engine, System("test")) as session:
            answer = Answer(context_id=context.id, inbound_message_id=new_id(), answer="1")
            taken = await service.take_answers(session, [answer], now=NOW)
            await service.close_choices(session, {person} if taken else (), now=NOW)
        return bool(taken)

    taken = await asyncio.gather(*(choose(each) for each in asked * 4))

    assert sum(taken) == 1


async def test_what_a_stop_has_closed_takes_no_answer(desk: Desk) -> None:
    await desk.ask(desk.question())
    [asked] = await desk.open()
    async with transaction(desk.engine, System("test")) as session:
        await service.close_open(session, [(Person(number_id=desk.number_id, msisdn=ANN), None)], now=NOW)

    assert not await desk.answer(Answer(context_id=asked.id, inbound_message_id=new_id(), answer="yes"))


async def test_an_expired_question_is_not_loaded(desk: Desk) -> None:
    await desk.ask(desk.question())

    assert await desk.open(after=3600) == []


async def test_a_tenant_has_one_recent_context_with_a_sender(desk: Desk) -> None:
    recent = Recent(
        person=Person(number_id=desk.number_id, msisdn=ANN), tenant_id=desk.pizzeria, lifetime=timedelta(days=5)
    )
    for turn in range(2):
        async with transaction(desk.engine, System("test")) as session:
            await service.refresh_recent(session, [recent, recent], now=NOW + timedelta(hours=turn))

    [kept] = await desk.open()

    assert (kept.kind, kept.last_at) == ("recent", NOW + timedelta(hours=1))


async def test_closing_is_for_one_person_and_can_be_for_one_tenant(desk: Desk) -> None:
    await desk.ask(desk.question(desk.pizzeria), desk.question(desk.gym), desk.question(desk.gym, BOB))
    async with transaction(desk.engine, System("test")) as session:
        await service.close_open(session, [(Person(number_id=desk.number_id, msisdn=ANN), desk.gym)], now=NOW)

    left = [each.tenant_id for sender in (ANN, BOB) for each in await desk.open(sender)]

    assert left == [desk.pizzeria, desk.gym]


async def test_who_has_opted_out_has_nothing_open(desk: Desk) -> None:
    await desk.ask(desk.question())
    change = ConsentChange(kind=ConsentKind.OPT_OUT, number_id=desk.number_id, msisdn=ANN)
    async with transaction(desk.engine, System("test")) as session:
        await consent.apply(session, [change], NOW)
        await service.refresh_recent(
            session,
            [
                Recent(
                    person=Person(number_id=desk.number_id, msisdn=ANN), tenant_id=desk.gym, lifetime=timedelta(days=5)
                )
            ],
            now=NOW,
        )

    assert await desk.open() == []


async def test_a_batch_is_loaded_in_one_statement_and_nobody_in_none(desk: Desk) -> None:
    statements: list[str] = []
    event.listen(desk.engine.sync_engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    async with transaction(desk.engine, System("test")) as session:
        await service.load(session, set(), NOW)
        before = len(statements)
        await service.load(
            session, {Person(number_id=desk.number_id, msisdn=f"+39320000{turn:04}") for turn in range(50)}, NOW
        )

    assert (before, len(statements)) == (0, 1)


async def test_a_number_that_offers_words_is_told_once(desk: Desk) -> None:
    offering = replace(desk.question(), expected="choice", choices=("BIG", "SMALL"), offers_words=True)

    await desk.ask(offering)
    await desk.ask(offering)

    async with transaction(desk.engine, System("test")) as session:
        assert await service.list_word_choices(session) == {desk.number_id}
        assert await session.scalar(text("SELECT count(*) FROM changes WHERE kind = 'number'")) == 1
