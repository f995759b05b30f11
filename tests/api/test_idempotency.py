"""Idempotency-Key: one effect however often a POST is sent, also when all arrive at once."""

import asyncio
from collections import Counter

from sqlalchemy import text

from tests.api.conftest import Caller
from tests.cast import FakeClock
from twoway_router.store import Engine, System, transaction

KEY = {"Idempotency-Key": "0198c0de-8d5b-7cc3-a5f1-1d2b3c4d5e6f"}
WISH = {"name": "CRM", "scopes": ["messages:read"]}


async def count_keys(caller: Caller) -> int:
    return sum(row["name"] == "CRM" for row in (await caller.get("/v1/api-keys")).json()["data"])


async def test_the_second_time_the_first_answer_comes_back(pizzeria: Caller) -> None:
    first = await pizzeria.post("/v1/api-keys", WISH, headers=KEY)

    second = await pizzeria.post("/v1/api-keys", WISH, headers=KEY)

    assert (second.status_code, second.content, second.headers["location"]) == (
        first.status_code,
        first.content,
        first.headers["location"],
    )
    assert (first.headers.get("idempotency-replayed"), second.headers["idempotency-replayed"]) == (None, "true")
    assert await count_keys(pizzeria) == 1


async def test_twenty_at_once_have_one_effect(pizzeria: Caller) -> None:
    answers = await asyncio.gather(*(pizzeria.post("/v1/api-keys", WISH, headers=KEY) for _ in range(20)))

    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) <= {201, 409}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"idempotency_key_in_flight"}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert await count_keys(pizzeria) == 1


async def test_one_key_for_two_requests_is_refused(pizzeria: Caller) -> None:
    await pizzeria.post("/v1/api-keys", WISH, headers=KEY)

    refused = await pizzeria.post("/v1/api-keys", WISH | {"name": "Other"}, headers=KEY)

    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_refused_request_does_not_use_the_key_up(pizzeria: Caller) -> None:
    await pizzeria.post("/v1/api-keys", WISH | {"scopes": []}, headers=KEY)

    corrected = await pizzeria.post("/v1/api-keys", WISH, headers=KEY)

    assert corrected.status_code == 201


async def test_keys_of_two_tenants_do_not_meet(pizzeria: Caller, gym: Caller) -> None:
    await pizzeria.post("/v1/api-keys", WISH, headers=KEY)

    other = await gym.post("/v1/api-keys", WISH, headers=KEY)

    assert other.json()["tenant_id"] == str(gym.tenant_id)


async def test_after_seven_days_the_key_is_new_again(pizzeria: Caller, clock: FakeClock) -> None:
    first = await pizzeria.post("/v1/api-keys", WISH, headers=KEY)
    clock.advance(days=7, seconds=1)

    second = await pizzeria.post("/v1/api-keys", WISH, headers=KEY)

    assert (second.status_code, second.json()["id"] == first.json()["id"]) == (201, False)


async def test_a_malformed_key_is_refused(pizzeria: Caller) -> None:
    refused = await pizzeria.post("/v1/api-keys", WISH, headers={"Idempotency-Key": "two words"})

    assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_malformed")


async def test_a_stored_answer_does_not_give_its_secret_away(pizzeria: Caller, engine: Engine) -> None:
    token = (await pizzeria.post("/v1/api-keys", WISH, headers=KEY)).json()["token"]

    async with transaction(engine, System("test")) as session:
        body = await session.scalar(text("SELECT body FROM idempotency_keys"))

    assert body is not None
    assert token.encode() not in body
