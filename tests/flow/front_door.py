"""A stage with a door: messages come in at the real ingress and are run by the real executor, one after the other."""

import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx

from tests.cast import ANN, SHARED
from tests.flow.doubles import a_listener, an_ingress
from tests.support.scene import Scene
from twoway_router.domain.ids import TenantId
from twoway_router.ingress.app import Ingress
from twoway_router.keywords import service as keywords
from twoway_router.keywords.schemas import KeywordPut
from twoway_router.store import System, transaction

ASK_PIZZERIA = {
    "kind": "ask",
    "text": "Table for tonight?",
    "expected": "yes_no",
    "on_answer": {
        "yes": [{"kind": "reply", "text": "Your table waits."}],
        "no": [{"kind": "reply", "text": "Another time."}],
    },
}
ASK_GYM = {
    "kind": "ask",
    "text": "Trial lesson?",
    "expected": "yes_no",
    "on_answer": {"yes": [{"kind": "reply", "text": "See you at the gym."}]},
}


@dataclass(kw_only=True)
class FrontDoor:
    """One shared number with a door."""

    scene: Scene
    ingress: Ingress
    ids: "count[int]" = field(default_factory=count)

    async def say(self, words: str, sender: str = ANN) -> Any:
        """One MO through the ingress and the executor; its row."""
        name = f"m-{next(self.ids)}"
        await self.send(name, words, sender)
        await self.run()
        [row] = await self.scene.rows("SELECT * FROM inbound_messages WHERE carrier_message_id = :name", name=name)
        return row

    async def send(self, name: str, words: str, sender: str = ANN) -> None:
        """One MO to the ingress; nothing is run yet."""
        body = {"id": name, "from": sender, "to": SHARED, "text": words}
        url = f"/in/generic/{self.scene.connection_id}/mo?key=carrier-key"
        transport = httpx.ASGITransport(self.ingress)
        async with httpx.AsyncClient(transport=transport, base_url="http://in.router.example") as client:
            answer = await client.post(url, content=json.dumps(body), headers={"content-type": "application/json"})
        assert answer.status_code == 200

    async def run(self) -> None:
        """Everything that waits, by a new executor."""
        await self.scene.runner().run(await self.scene.take_jobs("message.run"))
        self.scene.clock.advance(seconds=1)

    async def texts(self) -> list[str]:
        """What was sent, oldest first."""
        return [mt.text for mt in await self.scene.mts()]

    async def open_contexts(self) -> int:
        """How much is still open with anybody."""
        [row] = await self.scene.rows("SELECT count(*) AS open FROM contexts WHERE closed_at IS NULL")
        return int(row.open)

    async def open_questions(self) -> int:
        """How many questions are still open with anybody."""
        [row] = await self.scene.rows(
            "SELECT count(*) AS open FROM contexts WHERE closed_at IS NULL AND kind = 'question'"
        )
        return int(row.open)


async def open_door(
    scene: Scene, database_url: str, *claims: tuple[TenantId, dict[str, Any]], **options: Any
) -> FrontDoor:
    """The door, once these keywords are claimed and the number has these options."""
    patch = json.dumps(options)
    await scene.rows("UPDATE numbers SET options = options || CAST(:patch AS jsonb)", patch=patch)
    async with transaction(scene.engine, System("test")) as session:
        for tenant_id, definition in claims:
            wanted = KeywordPut.model_validate(definition).to_claim(scene.number_id, is_override=True)
            await keywords.claim(session, tenant_id, wanted, now=scene.clock())
    ingress = an_ingress(scene.engine, a_listener(database_url), clock=scene.clock)
    await ingress.start()
    return FrontDoor(scene=scene, ingress=ingress)
