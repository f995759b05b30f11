"""A newcomer's path: ask for a word, learn what it collides with, take another, see it live, explain what missed it."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.cast import ANN, GYM, NOON, PIZZERIA, PUBLIC_URL, SEALER, SHARED, a_connection, a_key, a_number, a_tenant
from tests.flow.doubles import a_listener, an_ingress
from twoway_router.domain.ids import ConnectionId, NumberId
from twoway_router.keywords import service as keywords
from twoway_router.keywords.schemas import KeywordPut
from twoway_router.management.app import create_app
from twoway_router.store import System, transaction
from twoway_router.store.engine import make_engine

LOOK_ALIKE = "PIZZ\u0410"
"""With a Cyrillic A."""


@dataclass(frozen=True, kw_only=True)
class Town:
    """A router whose caches follow the change feed; PIZZA is the pizzeria's, the newcomer holds nothing."""

    door: httpx.AsyncClient
    api: httpx.AsyncClient
    newcomer: dict[str, str]
    operator: dict[str, str]
    connection_id: ConnectionId
    number_id: NumberId

    async def write(self, text: str, message: str) -> None:
        """ANN writes to the number."""
        body = json.dumps({"id": message, "from": ANN, "to": SHARED, "text": text})
        url = f"/in/generic/{self.connection_id}/mo?key=carrier-key"
        answer = await self.door.post(url, content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 200

    async def availability(self, word: str) -> dict[str, Any]:
        query = {"number_id": str(self.number_id), "word": word}
        answer = await self.api.get("/v1/keywords/availability", params=query, headers=self.newcomer)
        shown: dict[str, Any] = answer.json()
        return shown

    async def claim(self, word: str) -> httpx.Response:
        actions = [{"kind": "reply", "text": "Benvenuto"}]
        body = {"number_id": str(self.number_id), "word": word, "actions": actions}
        return await self.api.post("/v1/keywords", json=body, headers=self.newcomer)

    async def preview(self, text: str) -> dict[str, Any]:
        body = {"number_id": str(self.number_id), "text": text}
        shown: dict[str, Any] = (await self.api.post("/v1/route-previews", json=body, headers=self.newcomer)).json()
        return shown

    async def wait_for(self, text: str) -> None:
        """Return when the text reaches the newcomer."""
        async with asyncio.timeout(60):
            while True:
                if (await self.preview(text))["is_yours"]:
                    return
                await asyncio.sleep(0.02)

    async def newest(self) -> dict[str, Any]:
        listed = await self.api.get("/v1/inbound-messages", params={"limit": 1}, headers=self.operator)
        shown: dict[str, Any] = listed.json()["data"][0]
        return shown


@pytest.fixture
async def town(database_url: str) -> AsyncIterator[Town]:
    engine = make_engine(database_url, pool_size=8)
    listener = a_listener(database_url)
    async with transaction(engine, System("test")) as session:
        pizzeria, gym = await a_tenant(session, PIZZERIA), await a_tenant(session, GYM)
        connection_id = await a_connection(session)
        number_id = await a_number(session, connection_id)
        await keywords.claim(session, pizzeria, KeywordPut(word="PIZZA").to_claim(number_id), now=NOON)
        tokens = [await a_key(session, gym), await a_key(session, None)]
    ingress = an_ingress(engine, listener, clock=lambda: NOON)
    api = create_app(
        engine=engine,
        sealer=SEALER,
        routing_table=lambda: ingress.routing.table,
        public_url=PUBLIC_URL,
        clock=lambda: NOON,
    )
    await listener.start()
    await ingress.start()
    stop = asyncio.Event()
    following = asyncio.create_task(ingress.run(stop))
    newcomer, operator = ({"Authorization": f"Bearer {token}"} for token in tokens)
    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(ingress), base_url="http://in.router.example") as door,
        httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://api") as client,
    ):
        yield Town(
            door=door,
            api=client,
            newcomer=newcomer,
            operator=operator,
            connection_id=connection_id,
            number_id=number_id,
        )
    stop.set()
    await following
    await listener.close()
    await engine.dispose()


async def test_a_look_alike_of_anothers_word_is_refused_before_it_is_claimed(town: Town) -> None:
    told = await town.availability(LOOK_ALIKE)

    assert (told["is_available"], told["code"]) == (False, "look_alike")
    (collision,) = told["collisions"]
    assert (collision["word"], collision["spelling"], collision["reason"]) == ("PIZZA", LOOK_ALIKE, "look_alike")


async def test_what_a_preview_refuses_a_claim_refuses_too(town: Town) -> None:
    refused = await town.claim(LOOK_ALIKE)

    assert (refused.status_code, refused.json()["reason"]) == (409, "look_alike")


async def test_a_free_word_is_live_soon_after_its_claim(town: Town) -> None:
    told = await town.availability("PALESTRA")

    claimed = await town.claim("PALESTRA")
    await town.wait_for("palestra domani")

    assert (told["is_available"], claimed.json()["state"]) == (True, "active")
    await town.write("palestra domani", "m-1")
    assert (await town.newest())["route"]["keyword_id"] == claimed.json()["id"]


async def test_a_message_that_went_to_the_courtesy_reply_is_explained(town: Town) -> None:
    await town.claim("PALESTRA")
    await town.wait_for("palestra")
    await town.write("vorrei una palestra", "m-2")
    message = await town.newest()

    told = await town.api.post(f"/v1/inbound-messages/{message['id']}/explanations", headers=town.operator)
    previewed = await town.preview("vorrei una palestra")

    assert message["route"]["rule"] == told.json()["now"]["rule"] == previewed["rule"] == "courtesy"
    assert told.json()["is_same"]
