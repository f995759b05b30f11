"""The coupons API."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from tests.api.conftest import Caller
from tests.cast import ANN, NOON, FakeClock, an_effect
from twoway_router.coupons import service
from twoway_router.coupons.service import CouponRequest
from twoway_router.domain.ids import CouponPoolId, TenantId, new_id
from twoway_router.store import Engine, System, transaction


async def a_pool(caller: Caller, **fields: Any) -> dict[str, Any]:
    made = await caller.post("/v1/coupon-pools", {"name": "Burgers", "source": "generated"} | fields)
    assert made.status_code == 201, made.text
    pool: dict[str, Any] = made.json()
    return pool


async def issue(engine: Engine, caller: Caller, pool: dict[str, Any], sender: str = ANN) -> str:
    request = CouponRequest(cause=an_effect().cause, ordinal=0, sender=sender)
    async with transaction(engine, System("test")) as session:
        tenant_id = TenantId(caller.tenant_id or new_id())
        (issued,) = await service.issue_codes(session, CouponPoolId(UUID(pool["id"])), tenant_id, [request], now=NOON)
    assert issued is not None
    return issued.code


async def test_a_pool_is_made_read_changed_and_listed(pizzeria: Caller, clock: FakeClock) -> None:
    pool = await a_pool(pizzeria, code_prefix="BURGER", code_limit=5)
    path = f"/v1/coupon-pools/{pool['id']}"
    read = await pizzeria.get(path)
    clock.advance(seconds=1)

    changed = await pizzeria.patch(
        path, {"code_limit": 9, "valid_until": "2028-01-01T00:00:00Z"}, headers={"If-Match": read.headers["etag"]}
    )
    late = await pizzeria.patch(path, {"name": "x"}, headers={"If-Match": read.headers["etag"]})

    assert read.json()["codes"] == {"free": 0, "issued": 0, "redeemed": 0, "void": 0}
    assert (changed.json()["code_limit"], changed.json()["name"]) == (9, "Burgers")
    assert late.status_code == 412
    assert [each["id"] for each in (await pizzeria.get("/v1/coupon-pools")).json()["data"]] == [pool["id"]]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "", "source": "generated"}, 422),
        ({"name": "x", "source": "stolen"}, 422),
        ({"name": "x", "source": "uploaded", "code_prefix": "A"}, 422),
        ({"name": "x", "source": "generated", "code_prefix": "low"}, 422),
        ({"name": "x", "source": "generated", "code_limit": 0}, 422),
        ({"name": "x", "source": "generated", "code_limit": True}, 422),
        ({"name": "Burgers", "source": "generated"}, 409),
    ],
)
async def test_a_pool_that_cannot_be_is_refused(pizzeria: Caller, body: dict[str, Any], status: int) -> None:
    await a_pool(pizzeria)

    assert (await pizzeria.post("/v1/coupon-pools", body)).status_code == status


async def test_an_uploaded_pool_has_as_many_codes_as_were_uploaded(pizzeria: Caller) -> None:
    pool = await a_pool(pizzeria, source="uploaded")

    refused = await pizzeria.patch(f"/v1/coupon-pools/{pool['id']}", {"code_limit": 5})

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/code_limit")


async def test_codes_are_uploaded_as_json(pizzeria: Caller) -> None:
    pool = await a_pool(pizzeria, source="uploaded")

    answer = await pizzeria.post(f"/v1/coupon-pools/{pool['id']}/codes", {"codes": ["SAVE-1", "save1", "x", "SAVE-2"]})

    assert (answer.status_code, answer.json()) == (201, {"added": 2, "duplicates": ["save1"], "invalid": ["x"]})


async def test_codes_are_uploaded_as_csv(pizzeria: Caller) -> None:
    pool = await a_pool(pizzeria, source="uploaded")
    path = f"/v1/coupon-pools/{pool['id']}/codes"

    answer = await pizzeria.send(
        "POST", path, headers={"Content-Type": "text/csv"}, content=b"code,note\r\nSAVE-1,a\r\nSAVE-2,b\r\n"
    )

    assert (answer.status_code, answer.json()["added"]) == (201, 2)


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"\xff\xfe", "text/csv", 422),
        (b"", "text/csv", 422),
        (b"code\n" + b"A-%d\n" * 1, "text/csv", 201),
        (b"[]", "application/json", 422),
        (b'{"codes": []}', "application/json", 422),
        (b'{"codes": [1]}', "application/json", 422),
        (b"{", "application/json", 400),
        (b"\n".join(b"CODE%d" % number for number in range(10_001)), "text/csv", 422),
    ],
)
async def test_an_upload_that_is_none_is_refused(pizzeria: Caller, content: bytes, kind: str, status: int) -> None:
    pool = await a_pool(pizzeria, source="uploaded")

    answer = await pizzeria.send(
        "POST", f"/v1/coupon-pools/{pool['id']}/codes", headers={"Content-Type": kind}, content=content
    )

    assert answer.status_code == status


async def test_of_fifty_redemptions_one_succeeds(engine: Engine, pizzeria: Caller) -> None:
    code = await issue(engine, pizzeria, await a_pool(pizzeria))

    answers = await asyncio.gather(*(pizzeria.post(f"/v1/coupon-codes/{code}/redemption", None) for _ in range(50)))

    statuses = [answer.status_code for answer in answers]
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 409, 429}


async def test_unknown_and_foreign_codes_get_the_same_answer(engine: Engine, pizzeria: Caller, gym: Caller) -> None:
    code = await issue(engine, pizzeria, await a_pool(pizzeria))

    foreign = (await gym.post(f"/v1/coupon-codes/{code}/redemption", None)).json()
    unknown = (await gym.post("/v1/coupon-codes/NOBODY-KNOWS/redemption", None)).json()

    assert {**foreign, "instance": ""} == {**unknown, "instance": ""}
    assert foreign["code"] == "coupon_code_not_found"


async def test_after_five_failures_a_key_waits(engine: Engine, pizzeria: Caller, clock: FakeClock) -> None:
    code = await issue(engine, pizzeria, await a_pool(pizzeria))
    for number in range(5):
        await pizzeria.post(f"/v1/coupon-codes/GUESS-{number}/redemption", None)

    locked = await pizzeria.post(f"/v1/coupon-codes/{code}/redemption", None)
    clock.advance(minutes=1)
    freed = await pizzeria.post(f"/v1/coupon-codes/{code}/redemption", None)

    assert (locked.status_code, locked.json()["code"]) == (429, "too_many_failed_redemptions")
    assert locked.headers["retry-after"] == "60"
    assert freed.status_code == 200


async def test_a_code_is_voided_and_stays_void(engine: Engine, pizzeria: Caller) -> None:
    code = await issue(engine, pizzeria, await a_pool(pizzeria))

    first = await pizzeria.post(f"/v1/coupon-codes/{code}/void", None)
    again = await pizzeria.post(f"/v1/coupon-codes/{code}/void", None)
    redeemed = await pizzeria.post(f"/v1/coupon-codes/{code}/redemption", None)

    assert (first.json()["state"], again.status_code) == ("void", 200)
    assert (redeemed.status_code, redeemed.json()["code"]) == (409, "coupon_void")


async def test_codes_are_listed_with_filters(engine: Engine, pizzeria: Caller, gym: Caller) -> None:
    pool = await a_pool(pizzeria)
    code = await issue(engine, pizzeria, pool)
    await pizzeria.post(f"/v1/coupon-codes/{code}/redemption", None)
    await issue(engine, pizzeria, pool, "+393200000009")

    redeemed = (await pizzeria.get("/v1/coupon-codes", params={"state": "redeemed", "pool_id": pool["id"]})).json()
    anns = (await pizzeria.get("/v1/coupon-codes", params={"sender": ANN})).json()
    foreign = (await gym.get("/v1/coupon-codes")).json()

    assert [each["code"] for each in redeemed["data"]] == [each["code"] for each in anns["data"]] == [code]
    assert foreign["data"] == []


async def test_a_code_is_shown_with_its_pool(engine: Engine, pizzeria: Caller) -> None:
    code = await issue(engine, pizzeria, await a_pool(pizzeria, code_prefix="BURGER"))

    shown = (await pizzeria.get(f"/v1/coupon-codes/{code.lower().replace('-', '')}")).json()

    assert (shown["code"], shown["pool_name"], shown["sender"]) == (code, "Burgers", ANN)
