"""What an operator sees of the requests that a connection got: understood or refused, with nothing that must stay hidden."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.api.conftest import Caller
from tests.cast import ANN, NOON, SHARED, FakeClock
from tests.flow.doubles import a_listener, an_ingress
from twoway_router.ingress.app import Ingress
from twoway_router.ingress.request_log import PER_TURN
from twoway_router.numbers.queries import REQUESTS_KEPT
from twoway_router.store import Engine, System, transaction
from twoway_router.store.engine import make_engine

SECRET = "a-long-secret-word"
TEXT = 'PIZZA "grande" con però'


class Door:
    """A connection of the generic carrier whose key stands in a parameter of an innocent name."""

    def __init__(self, operator: Caller, ingress: Ingress, connection_id: str) -> None:
        self.operator, self.ingress, self.connection_id = operator, ingress, connection_id

    async def send(self, key: str = SECRET, **fields: str) -> int:
        body = {"id": "m-1", "from": ANN, "to": SHARED, "text": TEXT, "password": "hunter22", **fields}
        transport = httpx.ASGITransport(self.ingress)
        async with httpx.AsyncClient(transport=transport, base_url="http://in.router.example") as client:
            url = f"/in/generic/{self.connection_id}/mo?who={key}"
            sent = json.dumps(body).encode()
            answer = await client.post(url, content=sent, headers={"authorization": "Basic c2VjcmV0"})
        return answer.status_code

    async def log(self) -> list[dict[str, Any]]:
        await self.ingress.requests.flush()
        answer = await self.operator.get(f"/v1/connections/{self.connection_id}/requests", params={"limit": 200})
        assert answer.status_code == 200
        return list(answer.json()["data"])


@pytest.fixture
async def door(operator: Caller, engine: Engine, database_url: str) -> AsyncIterator[Door]:
    wanted = {"name": "Lab", "carrier": "generic", "country": "IT", "settings": {"key_parameter": "who"}}
    created = (await operator.post("/v1/connections", wanted | {"secrets": {"key": SECRET}})).json()
    ingress_engine = make_engine(database_url, pool_size=3)
    ingress = an_ingress(ingress_engine, a_listener(database_url), clock=FakeClock())
    await ingress.start()
    yield Door(operator, ingress, created["id"])
    await ingress_engine.dispose()


async def test_a_stored_message_is_shown_as_it_was_understood_and_answered(door: Door) -> None:
    await door.send()

    [entry] = await door.log()
    assert (entry["kind"], entry["outcome"], entry["status"], entry["method"]) == ("mo", "stored", 200, "POST")
    assert entry["parsed"]["messages"] == [
        {
            "id": "m-1",
            "sender": "+393•••001",
            "recipient": SHARED,
            "text_length": len(TEXT),
            "part": None,
            "carrier_time": None,
        }
    ]
    assert entry["received_at"] == NOON.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("hidden", [SECRET, ANN, ANN.lstrip("+"), "hunter22", "c2VjcmV0", "PIZZA", "grande"])
async def test_what_must_stay_hidden_is_nowhere_in_it(door: Door, hidden: str) -> None:
    await door.send()

    assert hidden not in json.dumps(await door.log())


async def test_a_refused_request_is_shown_with_its_reason_and_stores_no_message(door: Door, engine: Engine) -> None:
    status = await door.send(key="guess")

    [entry] = await door.log()
    assert (status, entry["outcome"], entry["status"], entry["parsed"]) == (403, "refused", 403, {})
    assert entry["reason"]
    async with transaction(engine, System("test")) as session:
        stored = await session.scalar(text("SELECT count(*) FROM inbound_messages"))
    assert stored == 0


async def test_a_request_that_was_not_understood_says_why(door: Door) -> None:
    await door.send(**{"from": ""})

    [entry] = await door.log()
    assert (entry["outcome"], entry["parsed"]["rejects"]) == ("quarantined", ["missing_sender"])


async def test_the_newest_comes_first(door: Door) -> None:
    await door.send(id="first")
    await door.send(id="second")

    assert [entry["parsed"]["messages"][0]["id"] for entry in await door.log()] == ["second", "first"]


async def test_under_load_some_are_kept_and_the_others_counted(door: Door) -> None:
    for _ in range(PER_TURN + 7):
        await door.send(key="guess")
    kept = await door.log()

    await door.send(key="guess")

    assert len(kept) == PER_TURN
    assert (await door.log())[0]["unlogged"] == 7


async def test_many_good_requests_do_not_push_a_refused_one_out_of_its_turn(door: Door) -> None:
    for number in range(PER_TURN + 2):
        await door.send(id=str(number))
    await door.send(key="guess")

    assert (await door.log())[0]["outcome"] == "refused"


async def test_only_the_last_ones_are_kept(door: Door) -> None:
    for _ in range(REQUESTS_KEPT // PER_TURN + 3):
        for _ in range(PER_TURN):
            await door.send(key="guess")
        await door.ingress.requests.flush()

    page = await door.operator.get(f"/v1/connections/{door.connection_id}/requests", params={"limit": 200})

    assert len(page.json()["data"]) == REQUESTS_KEPT


async def test_an_unknown_connection_has_none(operator: Caller) -> None:
    answer = await operator.get("/v1/connections/01a00000-0000-7000-8000-000000000000/requests")

    assert answer.status_code == 404
