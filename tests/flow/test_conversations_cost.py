"""What conversations cost where nobody needs them: nothing on the way in."""

from sqlalchemy import event

from tests.flow.talks import Talks, open_talks
from tests.support.scene import Scene

REPLY = {"kind": "reply", "text": "Hello"}


def statements_of(talks: Talks) -> list[str]:
    """Every statement on contexts from now on."""
    seen: list[str] = []

    def note(*given: object) -> None:
        if "contexts" in (statement := str(given[2])):
            seen.append(statement)

    event.listen(talks.scene.engine.sync_engine, "before_cursor_execute", note)
    return seen


async def test_a_plain_keyword_is_stored_without_asking_for_conversations(scene: Scene, database_url: str) -> None:
    talks = await open_talks(scene, database_url, (scene.pizzeria, {"word": "TAVOLO", "actions": [REPLY]}))
    await talks.say("TAVOLO")
    seen = statements_of(talks)

    await talks.send("plain", "tavolo!")

    assert seen == []


async def test_a_message_that_may_be_an_answer_costs_one_statement(scene: Scene, database_url: str) -> None:
    talks = await open_talks(scene, database_url, (scene.pizzeria, {"word": "TAVOLO", "actions": [REPLY]}))
    seen = statements_of(talks)

    await talks.send("answer", "si")

    assert len(seen) == 1
