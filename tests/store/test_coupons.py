"""Coupons under concurrency: no code twice, no sender twice, one redemption."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests.cast import an_effect
from tests.store.rows import NOW, add_tenant
from twoway_router.coupons import service
from twoway_router.coupons.codes import is_valid_code
from twoway_router.coupons.rules import (
    AlreadyRedeemed,
    CodeExpired,
    CodeIsVoid,
    CodeNotFound,
    PoolIsGenerated,
    PoolNameTaken,
    PoolNotFound,
)
from twoway_router.coupons.service import CouponRequest, IssuedCode
from twoway_router.domain.ids import CouponPoolId, TenantId
from twoway_router.store import Engine, System, transaction
from twoway_router.store.engine import make_engine


@dataclass(frozen=True, kw_only=True, slots=True)
class Shop:
    """A tenant with one pool, and what a test does with it. Each call is a transaction of its own."""

    engine: Engine
    tenant_id: TenantId
    pool_id: CouponPoolId

    async def issue(self, *requests: CouponRequest) -> list[IssuedCode | None]:
        async with transaction(self.engine, System("test")) as session:
            return list(await service.issue_codes(session, self.pool_id, self.tenant_id, requests, now=NOW))

    async def redeem(self, code: str) -> str:
        async with transaction(self.engine, System("test")) as session:
            return (await service.redeem(session, self.tenant_id, code, now=NOW)).code.state

    async def upload(self, *codes: str) -> service.UploadResult:
        async with transaction(self.engine, System("test")) as session:
            return await service.upload_codes(session, self.tenant_id, self.pool_id, codes, now=NOW)

    async def states(self) -> dict[str, int]:
        async with transaction(self.engine, System("test")) as session:
            rows = await session.execute(text("SELECT state, count(*) FROM coupon_codes GROUP BY state"))
            return {row[0]: row[1] for row in rows}


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[Engine]:
    engine = make_engine(database_url, pool_size=20)
    yield engine
    await engine.dispose()


async def open_shop(engine: Engine, **pool: Any) -> Shop:
    values = {"name": "Summer", "source": "uploaded", "is_one_per_sender": True} | pool
    async with transaction(engine, System("test")) as session:
        tenant_id = await add_tenant(session, "PIZZERIA")
        created = await service.create_pool(session, tenant_id, values, now=NOW)
    return Shop(engine=engine, tenant_id=tenant_id, pool_id=CouponPoolId(created.id))


def ask(sender: int, *, ordinal: int = 0) -> CouponRequest:
    """A request of a new message."""
    return CouponRequest(cause=an_effect().cause, ordinal=ordinal, sender=f"+39000{sender:04}")


async def test_eighty_takers_get_fifty_different_codes(engine: Engine) -> None:
    shop = await open_shop(engine)
    await shop.upload(*(f"SAVE-{number:04}" for number in range(50)))

    answers = await asyncio.gather(*(shop.issue(ask(sender)) for sender in range(80)))

    codes = [answer[0].code for answer in answers if answer[0]]
    assert len(codes) == len(set(codes)) == 50
    assert await shop.states() == {"issued": 50}


async def test_eighty_takers_get_fifty_generated_codes_at_the_limit(engine: Engine) -> None:
    shop = await open_shop(engine, source="generated", code_prefix="BURGER", code_limit=50)

    answers = await asyncio.gather(*(shop.issue(ask(sender)) for sender in range(80)))

    codes = [answer[0].code for answer in answers if answer[0]]
    assert len(codes) == len(set(codes)) == 50
    assert all(is_valid_code(code, "BURGER") for code in codes)


async def test_one_sender_in_forty_messages_at_once_gets_one_code(engine: Engine) -> None:
    shop = await open_shop(engine, source="generated")

    answers = await asyncio.gather(*(shop.issue(ask(1)) for _ in range(40)))

    assert len({answer[0].code for answer in answers if answer[0]}) == 1
    assert await shop.states() == {"issued": 1}


async def test_one_effect_run_twenty_times_at_once_takes_one_code(engine: Engine) -> None:
    shop = await open_shop(engine, is_one_per_sender=False)
    await shop.upload(*(f"SAVE-{number:04}" for number in range(50)))
    request = ask(1)

    answers = await asyncio.gather(*(shop.issue(request) for _ in range(20)))

    assert len({answer[0].code for answer in answers if answer[0]}) == 1
    assert await shop.states() == {"free": 49, "issued": 1}


@pytest.mark.parametrize("source", ["uploaded", "generated"])
async def test_a_batch_gives_each_sender_one_code(engine: Engine, source: str) -> None:
    shop = await open_shop(engine, source=source)
    if source == "uploaded":
        await shop.upload("AAAA", "BBBB", "CCCC")

    first, again, other = await shop.issue(ask(1), ask(1), ask(2))

    assert first is not None and again is not None and other is not None
    assert first.code == again.code != other.code


async def test_a_pool_without_that_rule_gives_a_code_for_every_action(engine: Engine) -> None:
    shop = await open_shop(engine, source="generated", is_one_per_sender=False)
    message = ask(1)
    second = CouponRequest(cause=message.cause, ordinal=1, sender=message.sender)

    codes = await shop.issue(message, second, ask(1))

    assert len({code.code for code in codes if code}) == 3


async def test_the_last_requests_of_a_batch_find_the_pool_empty(engine: Engine) -> None:
    shop = await open_shop(engine)
    await shop.upload("AAAA", "BBBB")

    codes = await shop.issue(ask(1), ask(2), ask(3))

    assert [code.code if code else None for code in codes] == ["AAAA", "BBBB", None]


async def test_a_repeat_says_that_the_code_is_not_new(engine: Engine) -> None:
    shop = await open_shop(engine, source="generated")
    request = ask(1)
    first = await shop.issue(request)

    again = await shop.issue(request)

    assert first[0] and again[0]
    assert (first[0].is_new, again[0].is_new) == (True, False)


async def test_a_transaction_that_fails_gives_its_code_back(engine: Engine) -> None:
    shop = await open_shop(engine)
    await shop.upload("AAAA")
    with pytest.raises(ZeroDivisionError):
        async with transaction(engine, System("test")) as session:
            await service.issue_codes(session, shop.pool_id, shop.tenant_id, [ask(1)], now=NOW)
            raise ZeroDivisionError

    codes = await shop.issue(ask(2))

    assert codes[0] and codes[0].code == "AAAA"


async def test_an_ended_pool_gives_nothing_new(engine: Engine) -> None:
    shop = await open_shop(engine, source="generated", valid_until=NOW)

    assert await shop.issue(ask(1)) == [None]


async def test_another_tenants_pool_gives_nothing(engine: Engine) -> None:
    shop = await open_shop(engine, source="generated")
    async with transaction(engine, System("test")) as session:
        gym = await add_tenant(session, "GYM")

        codes = await service.issue_codes(session, shop.pool_id, gym, [ask(1)], now=NOW)

    assert codes == [None]


async def test_of_two_hundred_redemptions_one_succeeds(engine: Engine) -> None:
    shop = await open_shop(engine, source="generated")
    issued = (await shop.issue(ask(1)))[0]
    assert issued

    answers = await asyncio.gather(*(shop.redeem(issued.code) for _ in range(200)), return_exceptions=True)

    assert answers.count("redeemed") == 1
    assert sum(isinstance(answer, AlreadyRedeemed) for answer in answers) == 199


async def test_a_code_is_redeemed_however_it_is_typed(engine: Engine) -> None:
    shop = await open_shop(engine, source="generated", code_prefix="OIL")
    issued = (await shop.issue(ask(1)))[0]
    assert issued
    head, tail = issued.code[:3], issued.code[3:]

    typed = " " + head.lower() + tail.replace("0", "o").replace("1", "l").replace("-", " ").lower()

    assert await shop.redeem(typed) == "redeemed"


async def test_unknown_foreign_and_free_codes_are_all_unknown(engine: Engine) -> None:
    shop = await open_shop(engine)
    await shop.upload("FREE1")
    async with transaction(engine, System("test")) as session:
        foreign = Shop(engine=engine, tenant_id=await add_tenant(session, "GYM"), pool_id=shop.pool_id)
    await shop.upload("TAKEN")

    answers = await asyncio.gather(
        shop.redeem("NOBODY"), shop.redeem("FREE1"), foreign.redeem("FREE1"), return_exceptions=True
    )

    assert {(type(answer), str(answer)) for answer in answers} == {(CodeNotFound, str(CodeNotFound()))}


async def test_a_void_code_is_not_redeemed_and_its_sender_may_have_another(engine: Engine) -> None:
    shop = await open_shop(engine, source="generated")
    issued = (await shop.issue(ask(1)))[0]
    assert issued
    async with transaction(engine, System("test")) as session:
        await service.void(session, shop.tenant_id, issued.code, now=NOW)

    with pytest.raises(CodeIsVoid):
        await shop.redeem(issued.code)
    other = (await shop.issue(ask(1)))[0]

    assert other and other.code != issued.code


async def test_a_code_of_an_ended_pool_is_expired(engine: Engine) -> None:
    shop = await open_shop(engine, source="generated", valid_until=NOW + timedelta(seconds=1))
    issued = (await shop.issue(ask(1)))[0]
    assert issued

    with pytest.raises(CodeExpired):
        async with transaction(engine, System("test")) as session:
            await service.redeem(session, shop.tenant_id, issued.code, now=NOW + timedelta(seconds=1))


async def test_an_upload_reports_what_it_did_not_add(engine: Engine) -> None:
    shop = await open_shop(engine)
    await shop.upload("SAVE-0001")

    result = await shop.upload("save 0001", "SAVE-0002", "SAVE0002", "abc", "a/b/c/d", "x" * 65)

    assert result.added == 1
    assert list(result.duplicates) == ["SAVE0002", "save 0001"]
    assert list(result.invalid) == ["abc", "a/b/c/d", "x" * 64]


async def test_a_generated_pool_takes_no_upload(engine: Engine) -> None:
    shop = await open_shop(engine, source="generated")

    with pytest.raises(PoolIsGenerated):
        await shop.upload("SAVE")


async def test_two_pools_of_a_tenant_have_different_names(engine: Engine) -> None:
    shop = await open_shop(engine)

    with pytest.raises(PoolNameTaken):
        async with transaction(engine, System("test")) as session:
            await service.create_pool(
                session, shop.tenant_id, {"name": "Summer", "source": "generated", "is_one_per_sender": True}, now=NOW
            )


async def test_another_tenants_pool_is_not_found(engine: Engine) -> None:
    shop = await open_shop(engine)
    async with transaction(engine, System("test")) as session:
        gym = await add_tenant(session, "GYM")

        with pytest.raises(PoolNotFound):
            await service.get_pool(session, gym, shop.pool_id)
