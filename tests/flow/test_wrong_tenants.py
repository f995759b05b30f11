"""Sequences of claims, questions and messages by which a tenant could get what is meant for another."""

from tests.flow.front_door import open_door
from tests.support.scene import Scene

ASKS_TEXT = {"kind": "ask", "text": "What do you think?", "expected": "free_text"}
REPAIRS = {"word": "RIPARARE", "sub_keywords": [{"word": "BAGNO"}]}


async def test_a_keyword_with_its_sub_keyword_is_no_answer_to_anothers_question(
    scene: Scene, database_url: str
) -> None:
    asking = (scene.gym, {"word": "PALESTRA", "actions": [ASKS_TEXT]})
    door = await open_door(scene, database_url, asking, (scene.pizzeria, REPAIRS))
    await door.say("PALESTRA")

    alone = await door.say("RIPARARE BAGNO")
    with_text = await door.say("RIPARARE BAGNO domani")

    assert (alone.tenant_id, alone.rule, alone.sub_keyword) == (scene.pizzeria, "keyword_whole", "BAGNO")
    assert (with_text.tenant_id, with_text.rule) == (scene.gym, "free_text_question")
