"""Rules as a whole: all changes or none, every refusal listed, and the way back to every version."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from tests.api.conftest import Caller
from tests.api.test_rules_as_code import with_client
from tests.cast import FakeClock, a_connection, a_number
from twoway_router.cli.api_client import ApiClient
from twoway_router.cli.keywords import Registry, apply_plan, canonical, read_registry, read_version
from twoway_router.cli.main import app as command
from twoway_router.domain.ids import NumberId
from twoway_router.rulesets.models import RulesFile
from twoway_router.rulesets.plan import RulesPlan, plan_rules
from twoway_router.store import Engine, System, changes, transaction
from twoway_router.web.server import HttpServer

REPLY = {"kind": "reply", "text": "Ecco"}
DIGEST = "ab" * 32


@pytest.fixture
async def number_id(engine: Engine) -> NumberId:
    async with transaction(engine, System("test")) as session:
        return await a_number(session, await a_connection(session))


def create(number_id: NumberId, word: str, **fields: Any) -> dict[str, Any]:
    said = {name: fields.pop(name) for name in ("tenant_id", "is_override", "state") if name in fields}
    made: dict[str, Any] = {"kind": "create", "number_id": str(number_id)}
    return made | said | {"definition": {"word": word, "actions": [REPLY], **fields}}


def change(keyword: dict[str, Any], *, state: str | None = None, **definition: Any) -> dict[str, Any]:
    named = {"kind": "change", **{name: keyword[name] for name in ("number_id", "updated_at")}}
    named["keyword_id"] = keyword["id"]
    return named | ({"state": state} if state else {}) | ({"definition": definition} if definition else {})


def release(keyword: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "release", "keyword_id": keyword["id"], "updated_at": keyword["updated_at"]}


async def applied(caller: Caller, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = await caller.post("/v1/rule-versions", {"steps": steps, **more})
    assert answer.status_code == 201, answer.text
    version: dict[str, Any] = answer.json()
    return version


async def refused(caller: Caller, *steps: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    answer = await caller.post("/v1/rule-versions", {"steps": steps, **more})
    assert (answer.status_code, answer.json()["code"]) == (409, "rules_refused"), answer.text
    refusals: list[dict[str, Any]] = answer.json()["refusals"]
    return refusals


async def held(caller: Caller) -> dict[str, dict[str, Any]]:
    return {row["word"]: row for row in (await caller.get("/v1/keywords?limit=100")).json()["data"]}


def codes(refusals: Iterable[dict[str, Any]]) -> list[tuple[int, str]]:
    return [(each["step"], each["code"]) for each in refusals]


async def test_every_refusal_is_listed_and_nothing_is_done(pizzeria: Caller, gym: Caller, number_id: NumberId) -> None:
    await applied(gym, create(number_id, "YOGALAND"))

    refusals = await refused(
        pizzeria,
        create(number_id, "CALZONETTO"),
        create(number_id, "YOGALAND"),
        create(number_id, "STOP"),
        create(number_id, "LASAGNA", sub_keywords=[{"word": "!!!"}]),
        create(number_id, "FOCACCIA", is_override=True),
    )

    assert codes(refusals) == [
        (1, "keyword_taken"),
        (2, "keyword_not_acceptable"),
        (3, "keyword_definition_not_acceptable"),
        (4, "override_is_operators"),
    ]
    assert await held(pizzeria) == {}
    assert (await pizzeria.get("/v1/rule-versions")).json()["data"] == []


async def test_steps_are_judged_beside_each_other(
    operator: Caller, pizzeria: Caller, gym: Caller, number_id: NumberId
) -> None:
    refusals = await refused(
        operator,
        create(number_id, "SKIPASS", tenant_id=str(pizzeria.tenant_id)),
        create(number_id, "SKI", tenant_id=str(gym.tenant_id)),
        create(number_id, "SKIPASS", tenant_id=str(pizzeria.tenant_id)),
    )

    assert codes(refusals) == [(1, "keyword_collides"), (2, "keyword_exists")]
    assert refusals[0]["collisions"][0]["word"] == "SKIPASS"


async def test_words_move_between_a_tenants_keywords_whatever_comes_first(
    pizzeria: Caller, number_id: NumberId
) -> None:
    await applied(
        pizzeria,
        create(number_id, "PIZZA", aliases=["MARGHERITA"]),
        create(number_id, "LASAGNA", aliases=["CANNELLONI"]),
        create(number_id, "FOCACCIA"),
    )
    now = await held(pizzeria)

    await applied(
        pizzeria,
        create(number_id, "FOCACCIA"),
        change(now["PIZZA"], word="PIZZA", aliases=["CANNELLONI"]),
        change(now["LASAGNA"], word="LASAGNA", aliases=["MARGHERITA"]),
        release(now["FOCACCIA"]),
    )

    words = {word: row["aliases"] for word, row in (await held(pizzeria)).items()}
    assert words == {"FOCACCIA": [], "LASAGNA": ["MARGHERITA"], "PIZZA": ["CANNELLONI"]}


async def test_spellings_that_are_given_up_rest(pizzeria: Caller, gym: Caller, number_id: NumberId) -> None:
    await applied(pizzeria, create(number_id, "PIZZA", aliases=["MARGHERITA"]), create(number_id, "LASAGNA"))
    now = await held(pizzeria)

    await applied(pizzeria, change(now["PIZZA"], word="PIZZA"), release(now["LASAGNA"]))

    refusals = await refused(gym, create(number_id, "MARGHERITA"), create(number_id, "LASAGNA"))
    assert codes(refusals) == [(0, "keyword_resting"), (1, "keyword_resting")]
    assert refusals[0]["free_at"]


TRACES = (
    "SELECT (SELECT jsonb_agg(to_jsonb(k) - 'id' - 'tenant_id' ORDER BY k.word) FROM keywords AS k WHERE tenant_id = :tenant),"
    " (SELECT jsonb_agg(to_jsonb(s) - 'keyword_id' - 'tenant_id' ORDER BY s.key) FROM keyword_spellings AS s"
    " WHERE tenant_id = :tenant),"
    " (SELECT jsonb_agg(to_jsonb(r) - 'keyword_id' - 'tenant_id' ORDER BY r.definition->>'word', r.revision)"
    " FROM keyword_revisions AS r WHERE tenant_id = :tenant),"
    " (SELECT jsonb_agg(jsonb_build_array(a.action, a.details - 'rule_version' - 'verdict') ORDER BY a.action, a.details)"
    " FROM audit_log AS a WHERE tenant_id = :tenant AND action LIKE 'keyword.%'),"
    " (SELECT count(*) > 0 AND count(*) = count(DISTINCT k.id) FROM keywords AS k WHERE tenant_id = :tenant"
    " AND EXISTS (SELECT FROM changes AS c WHERE c.subject_id = k.id))"
)


async def test_many_changes_leave_what_the_single_ones_leave(
    engine: Engine, operator: Caller, pizzeria: Caller, gym: Caller, number_id: NumberId
) -> None:
    async def traces(caller: Caller) -> list[Any]:
        async with transaction(engine, System("test")) as session:
            return list((await session.execute(text(TRACES), {"tenant": caller.tenant_id})).one())

    window = {"active_from": "2030-01-01T00:00:00Z", "active_until": "2030-02-01T00:00:00Z"}
    other = {"active_from": "2031-01-01T00:00:00Z", "active_until": "2031-02-01T00:00:00Z"}
    place = {"number_id": str(number_id)}
    await pizzeria.post(
        "/v1/keywords", place | {"word": "CARNEVALE", "aliases": ["MASCHERE"], "actions": [REPLY]} | window
    )
    await pizzeria.post("/v1/keywords", place | {"word": "QUADERNO"} | window)
    one = (await held(pizzeria))["CARNEVALE"]
    tag = {"If-Match": (await pizzeria.get(f"/v1/keywords/{one['id']}")).headers["etag"]}
    await pizzeria.put(
        f"/v1/keywords/{one['id']}", {"word": "CARNEVALE", "aliases": ["CORIANDOLI"]} | window, headers=tag
    )
    await pizzeria.post(f"/v1/keywords/{one['id']}/suspension", None)
    gone = (await held(pizzeria))["QUADERNO"]
    await pizzeria.delete(f"/v1/keywords/{gone['id']}")

    await applied(
        gym,
        create(number_id, "CARNEVALE", aliases=["MASCHERE"], **other),
        create(number_id, "QUADERNO", actions=[], **other),
    )
    now = await held(gym)
    await applied(
        gym,
        change(now["CARNEVALE"], state="suspended", word="CARNEVALE", aliases=["CORIANDOLI"], **other),
        release(now["QUADERNO"]),
    )

    by_one, by_many = await traces(pizzeria), await traces(gym)
    assert repr(by_many) == repr(by_one).replace("2030-", "2031-")


async def test_a_keyword_that_has_changed_since_it_was_read_is_left_alone(
    pizzeria: Caller, number_id: NumberId, clock: FakeClock
) -> None:
    await applied(pizzeria, create(number_id, "PIZZA"))
    seen = (await held(pizzeria))["PIZZA"]
    clock.now += timedelta(minutes=1)
    await applied(pizzeria, change(seen, word="PIZZA", aliases=["CALZONETTO"]))

    assert codes(await refused(pizzeria, release(seen))) == [(0, "precondition_failed")]


async def test_anothers_keyword_is_not_there(pizzeria: Caller, gym: Caller, number_id: NumberId) -> None:
    await applied(gym, create(number_id, "YOGALAND"))
    theirs = (await held(gym))["YOGALAND"]

    assert codes(await refused(pizzeria, release(theirs))) == [(0, "keyword_not_found")]
    assert codes(await refused(pizzeria, change(theirs, state="suspended"))) == [(0, "keyword_not_found")]


async def test_what_an_operator_holds_back_a_file_does_not_free(
    operator: Caller, pizzeria: Caller, number_id: NumberId
) -> None:
    await applied(pizzeria, create(number_id, "PIZZA"))
    await operator.post(f"/v1/keywords/{(await held(pizzeria))['PIZZA']['id']}/hold", {"note": "Dispute"})
    seen = (await held(pizzeria))["PIZZA"]

    assert codes(await refused(pizzeria, release(seen))) == [(0, "keyword_held")]


async def test_a_preview_says_it_all_and_changes_nothing(pizzeria: Caller, gym: Caller, number_id: NumberId) -> None:
    await applied(gym, create(number_id, "YOGALAND"))
    await applied(pizzeria, create(number_id, "PIZZA"))
    now = await held(pizzeria)
    steps = [change(now["PIZZA"], word="PIZZA", aliases=["YOGALANDS"]), create(number_id, "YOGALAND")]

    shown = (await pizzeria.post("/v1/rule-previews", {"steps": steps})).json()

    assert codes(shown["refusals"]) == [(1, "keyword_taken")]
    assert [(each["step"], each["collisions"][0]["word"]) for each in shown["warnings"]] == [(0, "YOGALAND")]
    assert await held(pizzeria) == now


async def test_of_two_files_at_once_each_is_done_or_refused_as_a_whole(pizzeria: Caller, number_id: NumberId) -> None:
    files = [[create(number_id, "PIZZA"), create(number_id, word)] for word in ("LASAGNA", "FOCACCIA")]

    answers = await asyncio.gather(*(pizzeria.post("/v1/rule-versions", {"steps": steps}) for steps in files))

    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert len(await held(pizzeria)) == 2


async def test_what_is_applied_reaches_the_change_feed_in_order(
    engine: Engine, pizzeria: Caller, number_id: NumberId
) -> None:
    async with transaction(engine, System("test")) as session:
        before = await changes.newest(session)

    await applied(pizzeria, *(create(number_id, word) for word in ("PIZZA", "LASAGNA", "FOCACCIA")))

    async with transaction(engine, System("test")) as session:
        news = await changes.list_since(session, before)
        newest = await changes.newest(session)
    assert [each.sequence for each in news] == [before + 1, before + 2, before + 3]
    assert newest == before + 3
    assert {str(each.subject_id) for each in news} == {row["id"] for row in (await held(pizzeria)).values()}


async def test_versions_say_who_did_what_from_which_file(pizzeria: Caller, number_id: NumberId) -> None:
    await applied(pizzeria, create(number_id, "PIZZA"), source_digest=DIGEST)
    await pizzeria.post("/v1/keywords", {"number_id": str(number_id), "word": "LASAGNA"})
    await applied(pizzeria, release((await held(pizzeria))["PIZZA"]), source_digest=DIGEST)

    rows = (await pizzeria.get("/v1/rule-versions")).json()["data"]

    shown = [(row["version"], row["origin"], row["created"], row["released"], row["keywords"]) for row in rows]
    assert shown == [(4, "applied", 0, 1, 1), (3, "found", 0, 0, 2), (2, "applied", 1, 0, 1), (1, "found", 0, 0, 0)]
    assert (rows[0]["source_digest"], rows[1]["source_digest"]) == (DIGEST, None)
    assert rows[0]["actor_key_id"] == (await pizzeria.get("/v1/api-keys")).json()["data"][0]["id"]


async def test_a_page_of_a_version_is_what_was_held_then(pizzeria: Caller, number_id: NumberId) -> None:
    version = await applied(pizzeria, *(create(number_id, word) for word in ("PIZZA", "LASAGNA", "FOCACCIA")))
    await applied(pizzeria, change((await held(pizzeria))["PIZZA"], word="PIZZA", actions=[]))
    path = f"/v1/rule-versions/{version['id']}/keywords?limit=2"

    first = (await pizzeria.get(path)).json()
    second = (await pizzeria.get(f"{path}&cursor={first['next']}")).json()

    shown = [(row["word"], row["revision"], row["actions"][0]["text"]) for row in first["data"] + second["data"]]
    assert shown == [("PIZZA", 1, "Ecco"), ("LASAGNA", 1, "Ecco"), ("FOCACCIA", 1, "Ecco")]
    assert second["next"] is None


def a_way(registry: Registry, wanted: RulesFile) -> RulesPlan:
    return plan_rules(wanted, registry.file, now=datetime.now(UTC), canonical=canonical)


async def test_every_version_can_be_gone_back_to(pizzeria: Caller, number_id: NumberId) -> None:
    def without_traces(rows: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        traces = ("id", "revision", "created_at", "updated_at")
        return {word: {name: row[name] for name in row.keys() - set(traces)} for word, row in rows.items()}

    async def go_back(version: int) -> dict[str, dict[str, Any]]:
        def work(api: ApiClient) -> None:
            registry = read_registry(api)
            apply_plan(api, registry, a_way(registry, read_version(api, registry, version)), restores=version)

        await with_client(pizzeria, work)
        return without_traces(await held(pizzeria))

    await applied(
        pizzeria,
        create(number_id, "PIZZA", aliases=["MARGHERITA"], sub_keywords=[{"word": "GRANDE", "actions": [REPLY]}]),
        create(number_id, "LASAGNA", state="suspended"),
        number_ids=[str(number_id)],
    )
    second = without_traces(await held(pizzeria))
    now = await held(pizzeria)
    await applied(
        pizzeria,
        change(now["PIZZA"], state="suspended", word="PIZZA", sub_keywords=[{"word": "GRANDE"}]),
        release(now["LASAGNA"]),
        create(number_id, "FOCACCIA"),
    )
    third = without_traces(await held(pizzeria))

    assert await go_back(2) == second
    assert await go_back(3) == third
    assert await go_back(1) == {}
    newest = (await pizzeria.get("/v1/rule-versions?limit=1")).json()["data"][0]
    assert (newest["version"], newest["origin"], newest["restores"]) == (6, "restored", 1)


class Cli:
    """The command line on the real API, with one key."""

    def __init__(self, url: str, token: str | None) -> None:
        self._runner = CliRunner(env={"TWOWAY_API_URL": url, "TWOWAY_API_KEY": str(token)})

    async def run(self, *arguments: str) -> Result:
        return await asyncio.to_thread(self._runner.invoke, command, ["rules", *arguments])


async def test_the_command_line_refuses_as_a_whole_and_goes_back(
    engine: Engine, operator: Caller, pizzeria: Caller, gym: Caller, number_id: NumberId, tmp_path: Path
) -> None:
    server = HttpServer(pizzeria.app, host="127.0.0.1", port=0, setting="test", drain_seconds=1)
    serving = asyncio.create_task(server.serve())
    url = f"http://127.0.0.1:{server.port}"
    mine, theirs, operators = (Cli(url, caller.token) for caller in (pizzeria, gym, operator))
    number = "numbers: [{id: IT/12345, country: IT, address: '12345', languages: [it, en]}]\n"

    def file(*words: str) -> str:
        path = tmp_path / f"{'-'.join(words)}.yaml"
        path.write_text(
            number + "keywords:\n" + "".join(f"  - {{number: IT/12345, tenant: me, word: {word}}}\n" for word in words)
        )
        return str(path)

    try:
        first = await mine.run("apply", "--yes", "--rules", file("PIZZA", "CALZONETTO"))
        assert (first.exit_code, first.output.splitlines()[-1].partition(",")[0]) == (0, "Version 2: +2 ~0 -0")
        again = await mine.run("plan", "--rules", file("PIZZA", "CALZONETTO"))
        assert (again.exit_code, again.output) == (0, "Plan: 0 to create, 0 to change, 0 to release, 2 unchanged.\n")

        refused_plan = await theirs.run("plan", "--rules", file("YOGALAND", "PIZZA"))
        refused_apply = await theirs.run("apply", "--yes", "--rules", file("YOGALAND", "PIZZA"))
        assert (refused_plan.exit_code, refused_apply.exit_code) == (3, 3)
        assert '! "PIZZA" is refused (keyword_taken): ' in refused_plan.output
        assert await held(gym) == {}

        assert (await mine.run("apply", "--yes", "--rules", file("PIZZA"))).exit_code == 0
        async with transaction(engine, System("test")) as session:
            await session.execute(text("UPDATE keywords SET updated_at = updated_at - interval '91 days'"))
        assert (await theirs.run("apply", "--yes", "--rules", file("CALZONETTO"))).exit_code == 0

        back = await mine.run("apply", "--yes", "--rollback", "2")
        assert back.exit_code == 3
        assert '! "CALZONETTO" is refused (keyword_taken): ' in back.output
        assert set(await held(pizzeria)) == {"PIZZA"}
        assert (await mine.run("plan", "--rollback", "3")).exit_code == 0
        assert (await mine.run("plan", "--rollback", "9")).exit_code == 2
        assert (await mine.run("plan")).exit_code == 2

        listed = (await mine.run("versions")).output.splitlines()
        assert [line.partition(":")[0] for line in listed] == ["Version 3", "Version 2", "Version 1"]
        assert (await operators.run("versions")).output == ""
    finally:
        server.shut_down()
        await serving


async def test_an_operator_reads_whose_word_it_is(
    operator: Caller, pizzeria: Caller, gym: Caller, number_id: NumberId
) -> None:
    await applied(gym, create(number_id, "YOGALAND"))

    (refusal,) = await refused(operator, create(number_id, "yogaland", tenant_id=str(pizzeria.tenant_id)))
    (untold,) = await refused(pizzeria, create(number_id, "yogaland"))

    assert refusal["held_by"] == {
        "keyword_id": (await held(gym))["YOGALAND"]["id"],
        "tenant_id": str(gym.tenant_id),
        "word": "YOGALAND",
    }
    assert "held_by" not in untold
