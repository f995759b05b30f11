"""What a tenant configured happens, in order, once: replies, coupons, webhooks, e-mails, conditions."""

from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import insert

from tests.cast import ANN, BOB, SEALER
from tests.support.scene import Scene
from twoway_router.coupons.tables import CouponPools
from twoway_router.domain.ids import new_id
from twoway_router.store import System, transaction
from twoway_router.webhooks import service as webhooks

CODE_REPLY = {"kind": "reply", "text": "Your code: {{ coupon.code }}"}


async def a_pool(scene: Scene, *, limit: int | None = None, is_one_per_sender: bool = False) -> UUID:
    """A pool that makes its codes."""
    pool_id = new_id()
    async with transaction(scene.engine, System("test")) as session:
        await session.execute(
            insert(CouponPools).values(
                id=pool_id,
                tenant_id=scene.pizzeria,
                name="free pizza",
                source="generated",
                is_one_per_sender=is_one_per_sender,
                code_limit=limit,
            )
        )
    return pool_id


async def an_endpoint(scene: Scene, *event_types: str) -> UUID:
    """One of the pizzeria's webhook endpoints."""
    values = {"url": "https://crm.example/sms", "event_types": list(event_types), "description": ""}
    async with transaction(scene.engine, System("test")) as session:
        made = await webhooks.create_endpoint(
            session, SEALER, scene.pizzeria, values, secret=None, allowed=(), now=scene.clock()
        )
    return made.endpoint.id


async def events_of(scene: Scene) -> list[tuple[str, dict[str, Any]]]:
    """Type and data of every webhook queued."""
    rows = await scene.rows("SELECT event_type, body FROM webhook_deliveries ORDER BY id")
    return [(row.event_type, orjson.loads(row.body)["data"]) for row in rows]


async def run_states(scene: Scene) -> list[tuple[str, str, str | None]]:
    """The effect ledger."""
    rows = await scene.rows("SELECT kind, state, reason FROM action_runs ORDER BY cause_id, ordinal")
    return [(row.kind, row.state, row.reason) for row in rows]


async def test_a_coupon_is_named_in_the_reply_that_follows(scene: Scene) -> None:
    pool_id = await a_pool(scene)
    keyword_id = await scene.add_keyword(scene.pizzeria, {"kind": "issue_coupon", "pool_id": str(pool_id)}, CODE_REPLY)

    await scene.runner().run([await scene.ask(keyword_id)])

    (code,) = await scene.rows("SELECT code, sender FROM coupon_codes")
    (mt,) = await scene.mts()
    assert (mt.text, code.sender, mt.policy) == (f"Your code: {code.code}", ANN, "at_most_once")


async def test_many_messages_of_one_batch_get_codes_of_their_own(scene: Scene) -> None:
    pool_id = await a_pool(scene)
    keyword_id = await scene.add_keyword(scene.pizzeria, {"kind": "issue_coupon", "pool_id": str(pool_id)}, CODE_REPLY)
    ids = [await scene.ask(keyword_id, sender=f"+3932000000{turn:02}") for turn in range(20)]

    await scene.runner().run(ids)

    assert len({mt.text for mt in await scene.mts()}) == 20


async def test_an_empty_pool_is_answered_with_its_own_text(scene: Scene) -> None:
    pool_id = await a_pool(scene, limit=1)
    await an_endpoint(scene, "coupon.pool_empty")
    coupon = {"kind": "issue_coupon", "pool_id": str(pool_id), "empty_text": "All gone, {{ tenant.name }} is sorry"}
    keyword_id = await scene.add_keyword(scene.pizzeria, coupon, CODE_REPLY)
    ids = [await scene.ask(keyword_id, sender=sender) for sender in (ANN, BOB)]

    await scene.runner().run(ids)

    texts = {mt.recipient: mt.text for mt in await scene.mts()}
    assert texts[BOB] == "All gone, Pizzeria Bella is sorry"
    assert (await run_states(scene))[2:] == [
        ("issue_coupon", "failed", "pool_empty"),
        ("reply", "skipped", "value_missing"),
    ]
    assert [event_type for event_type, _ in await events_of(scene)] == ["coupon.pool_empty"]


async def test_one_code_per_sender_is_the_same_code_again(scene: Scene) -> None:
    pool_id = await a_pool(scene, is_one_per_sender=True)
    keyword_id = await scene.add_keyword(scene.pizzeria, {"kind": "issue_coupon", "pool_id": str(pool_id)}, CODE_REPLY)

    await scene.runner().run([await scene.ask(keyword_id)])
    await scene.runner().run([await scene.ask(keyword_id)])

    texts = [mt.text for mt in await scene.mts()]
    assert len(texts) == 2
    assert len(set(texts)) == 1


async def test_a_webhook_gets_the_values_of_the_actions_before_it(scene: Scene) -> None:
    pool_id, endpoint_id = await a_pool(scene), await an_endpoint(scene)
    keyword_id = await scene.add_keyword(
        scene.pizzeria,
        {"kind": "issue_coupon", "pool_id": str(pool_id), "name": "gift"},
        {"kind": "call_webhook", "endpoint_id": str(endpoint_id)},
    )

    await scene.runner().run([await scene.ask(keyword_id, "PIZZA large")])

    ((event_type, data),) = await events_of(scene)
    (code,) = await scene.rows("SELECT code FROM coupon_codes")
    assert (event_type, data["rest"], data["window"]) == ("keyword.matched", "large", "open")
    assert data["values"]["gift"]["code"] == code.code


async def test_an_email_is_queued_for_each_recipient(scene: Scene) -> None:
    recipients = ["chef@pizzeria.example", "host@pizzeria.example"]
    email = {"kind": "send_email", "recipients": recipients, "subject": "Order", "text": "{{ message.text }}"}
    keyword_id = await scene.add_keyword(scene.pizzeria, email)

    await scene.runner().run([await scene.ask(keyword_id, "PIZZA large")])

    rows = await scene.rows("SELECT recipient, body FROM email_deliveries ORDER BY id")
    assert [tuple(row) for row in rows] == [(recipient, "PIZZA large") for recipient in recipients]


async def test_a_condition_chooses_between_new_and_known_senders(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(
        scene.pizzeria,
        {"kind": "reply", "text": "Welcome", "condition": {"kind": "sender_is", "value": "new"}},
        {"kind": "reply", "text": "Welcome back", "condition": {"kind": "sender_is", "value": "known"}},
    )
    ids = [await scene.ask(keyword_id) for _ in range(2)]

    await scene.runner().run(ids)

    assert [mt.text for mt in await scene.mts()] == ["Welcome", "Welcome back"]


async def test_an_earlier_actions_outcome_is_a_condition(scene: Scene) -> None:
    pool_id = await a_pool(scene, limit=0)
    keyword_id = await scene.add_keyword(
        scene.pizzeria,
        {"kind": "issue_coupon", "pool_id": str(pool_id)},
        {
            "kind": "reply",
            "text": "Next time",
            "condition": {"kind": "outcome", "action": "coupon", "outcome": "failed"},
        },
    )

    await scene.runner().run([await scene.ask(keyword_id)])

    assert [mt.text for mt in await scene.mts()] == ["Next time"]


async def test_a_sub_keywords_actions_run_instead_of_the_keywords_own(scene: Scene) -> None:
    sub = {"word": "MENU", "actions": [{"kind": "reply", "text": "Margherita"}]}
    keyword_id = await scene.add_keyword(scene.pizzeria, {"kind": "reply", "text": "Hello"}, sub_keywords=[sub])

    await scene.runner().run([await scene.ask(keyword_id, "PIZZA menu", sub_keyword="MENU")])

    assert [mt.text for mt in await scene.mts()] == ["Margherita"]


async def test_outside_its_window_a_keyword_only_says_so(scene: Scene) -> None:
    await an_endpoint(scene, "message.received")
    keyword_id = await scene.add_keyword(
        scene.pizzeria, {"kind": "reply", "text": "Hello"}, too_late_text="{{ keyword.word }} is over"
    )

    await scene.runner().run([await scene.ask(keyword_id, route_details={"word": "PIZZA", "window": "too_late"})])

    assert [mt.text for mt in await scene.mts()] == ["PIZZA is over"]
    assert [data["window"] for _, data in await events_of(scene)] == ["too_late"]


async def test_the_revision_that_matched_is_the_one_that_runs(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, {"kind": "reply", "text": "Old"})
    message_id = await scene.ask(keyword_id)
    await scene.rows(
        "WITH newer AS (INSERT INTO keyword_revisions (keyword_id, revision, tenant_id, definition)"
        ' SELECT keyword_id, 2, tenant_id, \'{"word": "PIZZA"}\' FROM keyword_revisions RETURNING 1)'
        ' UPDATE keywords SET revision = 2, definition = \'{"word": "PIZZA"}\' RETURNING id'
    )

    await scene.runner().run([message_id])

    assert [mt.text for mt in await scene.mts()] == ["Old"]


async def test_a_suspended_tenants_keyword_does_nothing(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, {"kind": "reply", "text": "Hello"})
    await scene.rows("UPDATE tenants SET state = 'suspended' RETURNING id")

    await scene.runner().run([await scene.ask(keyword_id)])

    assert (list(await scene.mts()), [row.state for row in await scene.rows("SELECT state FROM inbound_messages")]) == (
        [],
        ["done"],
    )


async def test_nobody_but_a_phone_number_is_answered(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, {"kind": "reply", "text": "Hello"})
    ids = [await scene.ask(keyword_id, sender=sender) for sender in ("54321", "PIZZA-HUT", "12345")]

    await scene.runner().run(ids)

    assert [reason for _, _, reason in await run_states(scene)] == ["recipient_is_no_msisdn"] * 3


async def test_a_text_of_too_many_segments_is_not_cut_but_refused(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, {"kind": "reply", "text": "{{ message.rest }}"})

    await scene.runner().run([await scene.ask(keyword_id, "PIZZA " + "x" * 1200)])

    (mt,) = await scene.mts()
    assert (mt.state, mt.reason, len(mt.text)) == ("failed", "too_many_segments", 1200)
