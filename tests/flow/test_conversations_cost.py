"""What conversations cost where nobody needs them: nothing on the way in."""

from sqlalchemy import event

from tests.flow.front_door import FrontDoor, open_door
from tests.support.scene import Scene

REPLY = {"kind": "reply", "text": "Hello"}


def statements_of(door: FrontDoor) -> list[str]:
    """Every statement on contexts from now on."""
    seen: list[str] = []

    def note(*given: object) -> None:
        if "contexts" in (statement := str(given[2])):
            seen.append(statement)

    event.listen(door.scene.engine.sync_engine, "before_cursor_execute", note)
    return seen


async def test_a_plain_keyword_is_stored_without_asking_for_conversations(scene: Scene, database_url: str) -> None:
    door = await open_door(scene, database_url, (scene.pizzeria, {"word": "TAVOLO", "actions": [REPLY]}))
    await door.say("TAVOLO")
    seen = statements_of(door)

    await door.send("plain", "tavolo!")

    assert seen == []


async def test_a_message_that_may_be_an_answer_costs_one_statement(scene: Scene, database_url: str) -> None:
    door = await open_door(scene, database_url, (scene.pizzeria, {"word": "TAVOLO", "actions": [REPLY]}))
    seen = statements_of(door)

    await door.send("answer", "si")

    assert len(seen) == 1
