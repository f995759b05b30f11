"""Replays through the executor: new generations under the same ledger, order and coupons."""

from typing import Any
from uuid import UUID

import pytest

from tests.cast import ANN
from tests.support.scene import Scene, later
from twoway_router.domain.errors import RouterError
from twoway_router.domain.ids import TenantId
from twoway_router.inbound.queries.replays import lock_message
from twoway_router.keywords.queries import list_rules_of_number
from twoway_router.keywords.rules import KeywordClaim
from twoway_router.keywords.service import claim, get_keyword
from twoway_router.keywords.tables import Keywords
from twoway_router.management.dry_runs import list_steps
from twoway_router.management.replaying import Wish, replay
from twoway_router.numbers.queries import list_routed_numbers
from twoway_router.routing.index import RoutingTable
from twoway_router.store import System, transaction
from twoway_router.store.audit import Actor, list_entries
from twoway_router.webhooks.listener import tell_endpoints

KEPT = ("inbound_messages", "inbound_replays", "suppressions", "audit_log", "outbox", "outbound_messages")
REPLY = {"kind": "reply", "text": "Ecco {{ message.rest }}"}


async def hold(scene: Scene, tenant_id: TenantId, word: str, *actions: dict[str, Any]) -> Keywords:
    """A keyword that the registry knows."""
    wanted = KeywordClaim(
        number_id=scene.number_id,
        word=word,
        aliases=(),
        definition={"word": word, "actions": list(actions)},
    )
    async with transaction(scene.engine, System("test")) as session:
        return (await claim(session, tenant_id, wanted, now=scene.clock())).keyword


async def table_of(scene: Scene) -> RoutingTable:
    async with transaction(scene.engine, System("test")) as session:
        numbers = [each.rules for each in await list_routed_numbers(session, [scene.number_id])]
        return RoutingTable.build(numbers, await list_rules_of_number(session, scene.number_id), version=7)


async def again(scene: Scene, message_id: UUID, *, within: TenantId | None = None, **wish: Any) -> RouterError | None:
    """Replay one message and run what waits; why it was refused, if it was."""
    table = await table_of(scene)
    async with transaction(scene.engine, System("test")) as session:
        if (word := wish.pop("keyword_id", None)) is not None:
            wish["keyword"] = await get_keyword(session, word, None)
        message = await lock_message(session, message_id, within=within)
        assert message is not None
        by = Actor(tenant_id=within)
        (result,) = await replay(
            session, [message], Wish(**wish), table, within=within, by=by, now=scene.clock(), tell=tell_endpoints
        )
    await scene.runner().run(await scene.take_jobs("message.run"))
    return result.problem


async def sent(scene: Scene) -> list[tuple[int, str]]:
    return [(mt.generation, mt.text) for mt in await scene.mts()]


async def test_a_replay_is_a_new_generation_beside_the_first(scene: Scene) -> None:
    keyword = await hold(scene, scene.pizzeria, "PIZZA", REPLY)
    message_id = await scene.ask(keyword.id, "PIZZA grande")
    await scene.runner().run([message_id])

    await again(scene, message_id)

    assert await sent(scene) == [(0, "Ecco grande"), (1, "Ecco grande")]


async def test_current_rules_find_the_keyword_that_came_later(scene: Scene) -> None:
    message_id = await scene.add_inbound("PIZZA due", route="default", rule="courtesy", state="done")
    keyword = await hold(scene, scene.pizzeria, "PIZZA", REPLY)

    await again(scene, message_id)

    (message,) = await scene.rows("SELECT * FROM inbound_messages")
    assert (message.tenant_id, message.keyword_id, message.rules_version) == (scene.pizzeria, keyword.id, 7)
    assert await sent(scene) == [(1, "Ecco due")]


async def test_original_rules_bring_back_the_first_route(scene: Scene) -> None:
    message_id = await scene.add_inbound("PIZZA due", route="default", rule="courtesy", state="done")
    await hold(scene, scene.pizzeria, "PIZZA", REPLY)
    await again(scene, message_id)

    await again(scene, message_id, rules="original")

    (message,) = await scene.rows("SELECT * FROM inbound_messages")
    assert (message.tenant_id, message.route, message.rule, message.generation) == (None, "default", "courtesy", 2)


async def test_one_action_runs_again_with_the_values_of_the_others(scene: Scene) -> None:
    keyword = await hold(
        scene,
        scene.pizzeria,
        "PIZZA",
        {"kind": "reply", "text": "Uno", "name": "first"},
        {"kind": "reply", "text": "Due"},
    )
    message_id = await scene.ask(keyword.id)
    await scene.runner().run([message_id])

    await again(scene, message_id, within=scene.pizzeria, ordinal=1)

    assert await sent(scene) == [(0, "Uno"), (0, "Due"), (1, "Due")]


async def test_a_coupon_is_issued_once_however_often_a_message_is_replayed(scene: Scene) -> None:
    pool_id = await a_pool(scene, "AAAA-1111", "BBBB-2222")
    actions = [{"kind": "issue_coupon", "pool_id": str(pool_id)}, {"kind": "reply", "text": "{{ coupon.code }}"}]
    keyword = await hold(scene, scene.pizzeria, "PIZZA", *actions)
    message_id = await scene.ask(keyword.id)
    await scene.runner().run([message_id])

    await again(scene, message_id)
    await again(scene, message_id, ordinal=1)

    codes = {text for _, text in await sent(scene)}
    assert (len(codes), len(await sent(scene))) == (1, 3)


async def a_pool(scene: Scene, *codes: str) -> UUID:
    (row,) = await scene.rows(
        "INSERT INTO coupon_pools (id, tenant_id, name, source, is_one_per_sender)"
        " VALUES (gen_random_uuid(), :tenant_id, 'Spring', 'uploaded', false) RETURNING id",
        tenant_id=scene.pizzeria,
    )
    for code in codes:
        await scene.rows(
            "INSERT INTO coupon_codes (id, tenant_id, pool_id, code, code_key, state)"
            " VALUES (gen_random_uuid(), :tenant_id, :pool_id, :code, :code, 'free')",
            tenant_id=scene.pizzeria,
            pool_id=row.id,
            code=code,
        )
    pool_id: UUID = row.id
    return pool_id


async def test_an_operator_gives_an_unrouted_message_to_a_keyword(scene: Scene) -> None:
    keyword = await hold(scene, scene.gym, "PALESTRA", REPLY)
    message_id = await scene.add_inbound("palestr domani", route="default", rule="courtesy", state="done")

    await again(scene, message_id, keyword_id=keyword.id)

    (message,) = await scene.rows("SELECT * FROM inbound_messages")
    assert (message.tenant_id, message.rule) == (scene.gym, "assigned")
    assert await sent(scene) == [(1, "Ecco palestr domani")]


async def test_a_tenant_cannot_replay_a_message_into_another_tenants_hands(scene: Scene) -> None:
    await hold(scene, scene.gym, "PALESTRA", REPLY)
    message_id = await scene.add_inbound("PALESTRA", tenant_id=scene.pizzeria, state="done")

    problem = await again(scene, message_id, within=scene.pizzeria)

    assert problem is not None
    assert (problem.code, await sent(scene)) == ("replay_leaves_tenant", [])


@pytest.mark.parametrize(
    ("columns", "wish", "code"),
    [
        ({"state": "accepted"}, {}, "message_waits"),
        ({"state": "done", "route": "context"}, {}, "replay_needs_conversation"),
        ({"state": "done"}, {"ordinal": 3}, "replay_action_unknown"),
        ({"state": "done", "number_id": None}, {}, "replay_number_unknown"),
    ],
)
async def test_what_cannot_be_replayed_is_left_as_it_is(
    scene: Scene, columns: dict[str, Any], wish: dict[str, Any], code: str
) -> None:
    message_id = await scene.add_inbound("PIZZA", **columns)
    async with transaction(scene.engine, System("test")) as session:
        message = await lock_message(session, message_id, within=None)
        assert message is not None
        (result,) = await replay(
            session,
            [message],
            Wish(**wish),
            RoutingTable.build((), ()),
            within=None,
            by=Actor(),
            now=scene.clock(),
            tell=tell_endpoints,
        )

    assert result.problem is not None
    assert (result.problem.code, result.message.generation) == (code, 0)


async def test_a_replay_takes_a_corrected_text_and_keeps_what_came(scene: Scene) -> None:
    keyword = await hold(scene, scene.pizzeria, "PIZZA", REPLY)
    message_id = await scene.add_inbound("PZIZA due", route="default", rule="courtesy", state="done")

    await again(scene, message_id, text="PIZZA due")

    (message,) = await scene.rows("SELECT * FROM inbound_messages")
    assert (message.text, message.extra["corrected_text"]) == ("PZIZA due", "PIZZA due")
    assert (message.keyword_id, await sent(scene)) == (keyword.id, [(1, "Ecco due")])
    async with transaction(scene.engine, System("test")) as session:
        (entry,) = await list_entries(session, message_id, after=None, limit=9)
    assert entry.details["is_corrected"] is True
    assert "PIZZA due" not in str(entry.details)


async def test_a_replay_uses_the_text_with_the_parts_that_came_late(scene: Scene) -> None:
    await hold(scene, scene.pizzeria, "PIZZA", {"kind": "reply", "text": "{{ message.text }}"})
    late = {"missing_parts": "", "corrected_text": "PIZZA grande con tutto"}
    message_id = await scene.add_inbound("PIZZA grande", route="default", rule="courtesy", state="done", extra=late)

    await again(scene, message_id)
    await again(scene, message_id, ordinal=0)

    assert await sent(scene) == [(1, "PIZZA grande con tutto"), (2, "PIZZA grande con tutto")]


async def test_the_original_route_has_the_original_text(scene: Scene) -> None:
    keyword = await hold(scene, scene.pizzeria, "PIZZA", {"kind": "reply", "text": "{{ message.text }}"})
    message_id = await scene.ask(keyword.id, "PIZZA uno")
    await scene.runner().run([message_id])

    await again(scene, message_id, text="PIZZA due")
    await again(scene, message_id, rules="original")

    assert await sent(scene) == [(0, "PIZZA uno"), (1, "PIZZA due"), (2, "PIZZA uno")]


async def test_a_corrected_text_opts_nobody_in(scene: Scene) -> None:
    message_id = await scene.add_inbound("STRAT", route="default", rule="courtesy", state="done")

    problem = await again(scene, message_id, text="START")

    assert problem is not None
    assert problem.code == "replay_correction_opts_in"


@pytest.mark.parametrize(
    ("words", "wish", "outcome", "steps"),
    [
        ("PIZZA due", {}, "keyword", {0: "reply", 1: "reply"}),
        ("PIZZA due", {"ordinal": 1}, "keyword", {1: "reply"}),
        ("PZIZA due", {"text": "PIZZA due"}, "keyword", {0: "reply", 1: "reply"}),
        ("STOP", {}, "opt_out", {0: "opt_out"}),
        ("PLAYA", {}, "default", {0: "courtesy"}),
    ],
)
async def test_a_dry_run_says_what_would_happen_and_changes_nothing(
    scene: Scene, words: str, wish: dict[str, Any], outcome: str, steps: dict[int, str]
) -> None:
    keyword = await hold(scene, scene.pizzeria, "PIZZA", REPLY, REPLY)
    message_id = await scene.ask(keyword.id, words)
    await scene.runner().run([message_id])
    before = [await scene.rows(f"SELECT * FROM {table}") for table in KEPT]

    table = await table_of(scene)
    async with transaction(scene.engine, System("test")) as session:
        message = await lock_message(session, message_id, within=None)
        assert message is not None
        asked = Wish(is_dry_run=True, **wish)
        (result,) = await replay(
            session, [message], asked, table, within=None, by=Actor(), now=scene.clock(), tell=tell_endpoints
        )
        planned = await list_steps(session, [result.message])

    assert (result.message.route, result.message.generation, planned) == (outcome, 1, {message_id: steps})
    assert [await scene.rows(f"SELECT * FROM {table}") for table in KEPT] == before


async def test_a_dry_run_of_a_closed_keyword_names_its_notice(scene: Scene) -> None:
    await hold(scene, scene.pizzeria, "PIZZA", REPLY)
    message_id = await scene.add_inbound(
        "PIZZA", tenant_id=scene.pizzeria, route="keyword", state="done", route_details={"window": "too_late"}
    )
    async with transaction(scene.engine, System("test")) as session:
        message = await lock_message(session, message_id, within=None)
        assert message is not None
        (keyword,) = await scene.rows("SELECT id FROM keywords")
        message.keyword_id, message.keyword_revision = keyword.id, 1
        assert await list_steps(session, [message]) == {message_id: {0: "window"}}


async def test_a_stop_found_by_current_rules_is_obeyed_at_once(scene: Scene) -> None:
    message_id = await scene.add_inbound("STOP", route="default", rule="courtesy", state="done")

    await again(scene, message_id)

    assert [row.msisdn for row in await scene.rows("SELECT msisdn FROM suppressions")] == [ANN]


async def test_a_replayed_message_goes_before_the_senders_newer_ones(scene: Scene) -> None:
    keyword = await hold(scene, scene.pizzeria, "PIZZA", REPLY)
    older = await scene.ask(keyword.id, "PIZZA prima", at=later(seconds=1))
    await scene.runner().run([older])
    await scene.ask(keyword.id, "PIZZA seconda", at=later(seconds=2))

    await again(scene, older)

    assert [text for _, text in await sent(scene)] == ["Ecco prima", "Ecco prima", "Ecco seconda"]


async def test_every_replay_is_in_the_audit_log(scene: Scene) -> None:
    keyword = await hold(scene, scene.pizzeria, "PIZZA", REPLY)
    message_id = await scene.ask(keyword.id)
    await scene.runner().run([message_id])

    await again(scene, message_id, within=scene.pizzeria)

    async with transaction(scene.engine, System("test")) as session:
        (entry,) = await list_entries(session, message_id, after=None, limit=9)
    said = {"generation": 1, "from": "keyword", "to": "keyword", "rules": "current"}
    assert (entry.action, entry.actor_tenant_id, entry.details) == ("message.replayed", scene.pizzeria, said)


async def test_a_replay_of_one_action_is_in_the_audit_log_by_its_number(scene: Scene) -> None:
    keyword = await hold(scene, scene.pizzeria, "PIZZA", REPLY)
    message_id = await scene.ask(keyword.id)
    await scene.runner().run([message_id])

    await again(scene, message_id, within=scene.pizzeria, ordinal=0)

    async with transaction(scene.engine, System("test")) as session:
        (entry,) = await list_entries(session, message_id, after=None, limit=9)
    assert entry.details == {"generation": 1, "from": "keyword", "to": "keyword", "ordinal": 0}


async def test_a_stop_with_a_keyword_found_by_current_rules_is_its_tenants_only(scene: Scene) -> None:
    await hold(scene, scene.pizzeria, "PIZZA", REPLY)
    message_id = await scene.add_inbound("STOP PIZZA", route="default", rule="courtesy", state="done")

    await again(scene, message_id)

    (row,) = await scene.rows("SELECT msisdn, tenant_id, state FROM suppressions")
    assert (row.msisdn, row.tenant_id, row.state) == (ANN, scene.pizzeria, "stopped")


async def test_a_start_found_by_current_rules_is_obeyed_and_confirmed_once(scene: Scene) -> None:
    await scene.rows(
        "INSERT INTO suppressions (id, number_id, msisdn, reason)"
        " VALUES (gen_random_uuid(), :number_id, :msisdn, 'opt_out_word')",
        number_id=scene.number_id,
        msisdn=ANN,
    )
    message_id = await scene.add_inbound("START", route="default", rule="courtesy", state="done")

    await again(scene, message_id)
    await again(scene, message_id)

    assert await scene.rows("SELECT 1 FROM suppressions") == []
    assert [(mt.origin, mt.generation) for mt in await scene.mts()] == [("opt_in", 1)]
