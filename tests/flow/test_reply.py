"""The shortest way through the executor: an accepted MO becomes an MT at the carrier."""

from tests.cast import ANN, BOB
from tests.support.scene import Scene

REPLY = {"kind": "reply", "text": "Hello {{ message.rest }}"}


async def test_an_accepted_message_is_answered_at_the_carrier(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    message_id = await scene.ask(keyword_id, "PIZZA grande")
    sms = scene.sms()

    await scene.runner().run([message_id])
    await sms.deliver(await scene.take_jobs("sms.deliver"))
    await sms.drain()

    assert [(body["to"], body["text"]) for body in scene.http.bodies] == [(ANN, "Hello grande")]
    (mt,) = await scene.mts()
    assert (mt.state, mt.carrier_message_id) == ("handed_over", f"c-{mt.id}")


async def test_running_the_same_job_again_does_nothing(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    message_id = await scene.ask(keyword_id)

    await scene.runner().run([message_id])
    await scene.runner().run([message_id])

    assert len(await scene.mts()) == 1
    assert [row.state for row in await scene.rows("SELECT state FROM action_runs")] == ["done"]


async def test_messages_of_many_people_run_in_one_batch(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    ids = [await scene.ask(keyword_id, f"PIZZA {turn}", sender=sender) for turn in range(3) for sender in (ANN, BOB)]
    sms = scene.sms()

    await scene.runner().run(ids)
    for _ in range(3):
        await sms.deliver(await scene.take_jobs("sms.deliver"))
        await sms.drain()

    per_person = {who: [body["text"] for body in scene.http.bodies if body["to"] == who] for who in (ANN, BOB)}
    assert per_person == {who: ["Hello 0", "Hello 1", "Hello 2"] for who in (ANN, BOB)}
