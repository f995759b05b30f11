"""Keywords that are given back by themselves: at their date of expiry, or because no message comes for long."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import event

from tests.cast import BOB, NOON
from tests.flow.doubles import QuietTransport
from tests.support.scene import Scene, later
from twoway_router.config import Settings
from twoway_router.domain.ids import KeywordId, NumberId, TenantId, new_id
from twoway_router.keywords import administration, service
from twoway_router.keywords.lapsing import look_over, release_expired
from twoway_router.keywords.rules import KeywordClaim, KeywordResting
from twoway_router.keywords.tables import Keywords
from twoway_router.scheduler.app import Scheduler
from twoway_router.store import System, transaction
from twoway_router.store.audit import SYSTEM

REPLY = {"kind": "reply", "text": "Hello"}
BROKEN = {"kind": "no_such_action"}


@pytest.fixture
def scheduler(scene: Scene) -> Scheduler:
    return a_scheduler(scene)


def a_scheduler(scene: Scene) -> Scheduler:
    return Scheduler(settings=Settings(), engine=scene.engine, transport=QuietTransport(), clock=scene.clock)


async def claim(scene: Scene, word: str = "PIZZA", tenant_id: TenantId | None = None, **fields: Any) -> Keywords:
    """The pizzeria's keyword, claimed now."""
    expires_at = fields.get("expires_at")
    definition = {"word": word, "actions": [REPLY], "expires_at": expires_at.isoformat() if expires_at else None}
    wanted = KeywordClaim(number_id=scene.number_id, word=word, aliases=(), definition=definition, **fields)
    async with transaction(scene.engine, System("test")) as session:
        claimed = await service.claim(session, tenant_id or scene.pizzeria, wanted, now=scene.clock())
    await scene.rows("UPDATE keywords SET created_at = :now WHERE id = :id", now=scene.clock(), id=claimed.keyword.id)
    return claimed.keyword


async def release_idle_after(scene: Scene, days: int | None) -> None:
    await scene.rows(
        "UPDATE numbers SET options = options || jsonb_build_object('idle_release_days', CAST(:d AS int))", d=days
    )


async def listen(scene: Scene) -> None:
    """The pizzeria gets every event."""
    await scene.rows(
        "INSERT INTO webhook_endpoints (id, tenant_id, url, event_types, secrets)"
        " VALUES (:id, :tenant, 'https://crm.example', '{keyword.expiring}', '')",
        id=new_id(),
        tenant=scene.pizzeria,
    )


async def notices(scene: Scene) -> list[dict[str, Any]]:
    """The data of all events, oldest first."""
    rows = await scene.rows("SELECT body FROM webhook_deliveries WHERE event_type = 'keyword.expiring' ORDER BY id")
    return [orjson.loads(row.body)["data"] for row in rows]


async def turn(scene: Scene, scheduler: Scheduler, **duration: float) -> None:
    scene.clock.advance(**duration)
    await scheduler.turn()


async def states(scene: Scene) -> dict[str, str]:
    return {row.word: row.state for row in await scene.rows("SELECT word, state FROM keywords")}


async def release_dates(scene: Scene) -> list[datetime | None]:
    return [row.releases_at for row in await scene.rows("SELECT releases_at FROM keywords ORDER BY id")]


async def deeds(scene: Scene) -> list[tuple[str, dict[str, Any]]]:
    rows = await scene.rows("SELECT action, details FROM audit_log WHERE actor_key_id IS NULL ORDER BY id")
    return [(row.action, row.details) for row in rows if row.action in ("keyword.released", "keyword.expiring")]


async def test_an_expired_keyword_is_given_back_and_rests(scene: Scene, scheduler: Scheduler) -> None:
    keyword = await claim(scene, expires_at=later(hours=2))
    await turn(scene, scheduler, minutes=119)
    before = await states(scene)
    changed = len(await scene.rows("SELECT 1 FROM changes"))

    await turn(scene, scheduler, minutes=1)
    await turn(scene, scheduler, minutes=1)

    assert (before, await states(scene)) == ({"PIZZA": "active"}, {"PIZZA": "released"})
    released = [details for action, details in await deeds(scene) if action == "keyword.released"]
    assert released == [{"from": "active", "reason": "expired"}]
    fed = await scene.rows("SELECT subject_id FROM changes WHERE sequence > :known ORDER BY sequence", known=changed)
    assert [row.subject_id for row in fed] == [keyword.id]
    with pytest.raises(KeywordResting):
        await claim(scene, tenant_id=scene.gym)
    assert (await claim(scene)).state == "active"


async def test_a_requested_keyword_that_expires_is_free_at_once(scene: Scene, scheduler: Scheduler) -> None:
    keyword = await claim(scene, expires_at=later(hours=2))
    await scene.rows("UPDATE keywords SET state = 'requested' WHERE id = :id", id=keyword.id)

    await turn(scene, scheduler, hours=3)

    assert (await claim(scene, tenant_id=scene.gym)).state == "active"


async def test_a_notice_of_expiry_comes_once_and_names_the_day(scene: Scene, scheduler: Scheduler) -> None:
    await listen(scene)
    keyword = await claim(scene, expires_at=later(days=40))
    await turn(scene, scheduler, days=25)
    early = await notices(scene)

    for _ in range(3):
        await turn(scene, scheduler, days=1)

    (told,) = await notices(scene)
    assert early == []
    assert told | {"reason": "expired", "last_message_on": None, "number": "12345", "country": "IT"} == told
    assert (told["keyword_id"], datetime.fromisoformat(told["releases_at"])) == (str(keyword.id), later(days=40))


async def test_an_idle_keyword_is_given_back_after_its_notice(scene: Scene, scheduler: Scheduler) -> None:
    await listen(scene)
    await release_idle_after(scene, 30)
    await claim(scene)
    await turn(scene, scheduler, days=15)
    early = await notices(scene)

    await turn(scene, scheduler, days=1, hours=1)
    (told,) = await notices(scene)
    await turn(scene, scheduler, days=13)
    waiting = await states(scene)
    await turn(scene, scheduler, days=1)

    assert (early, told["reason"], told["last_message_on"]) == ([], "idle", None)
    assert datetime.fromisoformat(told["releases_at"]) == later(days=30, hours=1)
    assert (waiting, await states(scene)) == ({"PIZZA": "active"}, {"PIZZA": "released"})
    assert [(action, details["reason"]) for action, details in await deeds(scene)] == [
        ("keyword.expiring", "idle"),
        ("keyword.released", "idle"),
    ]


async def test_a_message_after_the_notice_keeps_the_keyword(scene: Scene, scheduler: Scheduler) -> None:
    await listen(scene)
    await release_idle_after(scene, 30)
    keyword = await claim(scene)
    await turn(scene, scheduler, days=20)
    noticed = await release_dates(scene)

    await scene.runner().run([await scene.ask(keyword.id)])
    await turn(scene, scheduler, hours=1)
    withdrawn = await release_dates(scene)
    await turn(scene, scheduler, days=29)

    assert (noticed, withdrawn) == ([later(days=34)], [None])
    assert (await states(scene), len(await notices(scene))) == ({"PIZZA": "active"}, 2)


async def test_whoever_was_idle_before_the_option_was_set_has_the_whole_notice(
    scene: Scene, scheduler: Scheduler
) -> None:
    await claim(scene)
    scene.clock.advance(days=500)
    await release_idle_after(scene, 30)

    await turn(scene, scheduler)

    assert await release_dates(scene) == [scene.clock() + timedelta(days=14)]
    assert await states(scene) == {"PIZZA": "active"}


async def test_without_the_option_nothing_is_idle(scene: Scene, scheduler: Scheduler) -> None:
    await release_idle_after(scene, 30)
    await claim(scene)
    await turn(scene, scheduler, days=20)
    await release_idle_after(scene, None)

    await turn(scene, scheduler, days=20)

    assert (await states(scene), await release_dates(scene)) == ({"PIZZA": "active"}, [None])


async def test_a_window_that_has_not_begun_is_not_idle(scene: Scene, scheduler: Scheduler) -> None:
    await release_idle_after(scene, 30)
    await claim(scene, active_from=later(days=60))

    await turn(scene, scheduler, days=70)

    assert await release_dates(scene) == [None]


@pytest.mark.parametrize("way", ["hold", "suspension"])
async def test_what_an_operator_holds_back_is_not_given_back(scene: Scene, scheduler: Scheduler, way: str) -> None:
    keyword = await claim(scene, expires_at=later(days=1))
    async with transaction(scene.engine, System("test")) as session:
        locked = await service.get_keyword(session, KeywordId(keyword.id), None, for_update=True)
        if way == "hold":
            await administration.hold(session, locked, "a dispute", by=SYSTEM, now=scene.clock())
        else:
            await administration.suspend(session, locked, by=SYSTEM, now=scene.clock())

    await turn(scene, scheduler, days=2)

    assert await states(scene) == {"PIZZA": "suspended" if way == "suspension" else "active"}


async def test_a_date_that_moves_is_notified_anew(scene: Scene, scheduler: Scheduler) -> None:
    await listen(scene)
    keyword = await claim(scene, expires_at=later(days=10))
    await turn(scene, scheduler)
    async with transaction(scene.engine, System("test")) as session:
        locked = await service.get_keyword(session, KeywordId(keyword.id), None, for_update=True)
        wanted = KeywordClaim(
            number_id=NumberId(scene.number_id),
            word="PIZZA",
            aliases=(),
            definition={"word": "PIZZA", "actions": [REPLY]},
            expires_at=later(days=12),
        )
        await service.change(session, locked, wanted, now=scene.clock())

    await turn(scene, scheduler, hours=1)

    told = [datetime.fromisoformat(each["releases_at"]) for each in await notices(scene)]
    assert told == [later(days=10), later(days=12)]


async def test_schedulers_at_once_do_everything_once(scene: Scene) -> None:
    await listen(scene)
    await release_idle_after(scene, 30)
    for word in ("PIZZA", "CALZONE", "LASAGNA"):
        await claim(scene, word)
    scene.clock.advance(days=20)

    await asyncio.gather(*(a_scheduler(scene).turn() for _ in range(4)))
    noticed = len(await notices(scene))
    scene.clock.advance(days=15)
    await asyncio.gather(*(a_scheduler(scene).turn() for _ in range(4)))

    assert noticed == 3
    assert sorted(action for action, _ in await deeds(scene)) == ["keyword.expiring"] * 3 + ["keyword.released"] * 3


async def test_a_turn_is_bounded(scene: Scene) -> None:
    await release_idle_after(scene, 30)
    for word in ("PIZZA", "CALZONE", "LASAGNA"):
        await claim(scene, word, expires_at=later(days=100))
    idle, expired = later(days=20), later(days=101)
    async with transaction(scene.engine, System("test")) as session:
        looked = [await look_over(session, idle, timedelta(days=14), 2) for _ in range(3)]
        released = [await release_expired(session, expired, 2) for _ in range(3)]

    assert [each.moved for each in looked] == [2, 1, 0]
    assert released == [2, 1, 0]


async def used(scene: Scene) -> list[tuple[UUID, str]]:
    return [(row.keyword_id, str(row.last_on)) for row in await scene.rows("SELECT * FROM keyword_uses")]


async def test_a_keyword_s_last_message_is_written_once_a_day(scene: Scene) -> None:
    keyword = await claim(scene)
    runner = scene.runner()
    seen: list[str] = []

    def note(*given: object) -> None:
        if "INSERT INTO keyword_uses" in (statement := str(given[2])):
            seen.append(statement)

    event.listen(scene.engine.sync_engine, "before_cursor_execute", note)

    for _ in range(3):
        await runner.run([await scene.ask(keyword.id), await scene.ask(keyword.id, sender=BOB)])
    first = len(seen), await used(scene)
    scene.clock.advance(days=1)
    await runner.run([await scene.ask(keyword.id)])

    assert first == (1, [(keyword.id, str(NOON.date()))])
    assert (len(seen), await used(scene)) == (2, [(keyword.id, str(later(days=1).date()))])


async def test_an_older_message_does_not_take_the_day_back(scene: Scene) -> None:
    keyword = await claim(scene)
    await scene.runner().run([await scene.ask(keyword.id)])

    await scene.runner().run([await scene.ask(keyword.id, received_at=NOON - timedelta(days=3))])

    assert await used(scene) == [(keyword.id, str(NOON.date()))]


async def test_a_message_whose_actions_fail_counts_all_the_same(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, BROKEN)

    await scene.runner().run([await scene.ask(keyword_id)])

    assert await used(scene) == [(keyword_id, str(NOON.date()))]
