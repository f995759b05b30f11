"""Rules as code against the real API: export, plan, apply, and nothing left to do."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
import pytest
from fastapi import FastAPI

from tests.api.conftest import Caller, a_caller
from tests.cast import a_connection, a_number, an_inbound
from twoway_router.cli.api_client import ApiClient, ApiProblem
from twoway_router.cli.keywords import ME, Registry, apply_plan, canonical, find_refused, read_registry, refusals_of
from twoway_router.cli.route import diff_lines
from twoway_router.domain.ids import ConnectionId, NumberId
from twoway_router.rulesets.models import RulesFile
from twoway_router.rulesets.plan import Finding, RulesPlan, plan_rules
from twoway_router.store import Engine, System, transaction

Result = TypeVar("Result")

DIGEST = "0" * 64
REPLY = {"kind": "reply", "text": "Ecco"}
PIZZA = {"number": "IT/12345", "tenant": ME, "word": "PIZZA", "definition": {"actions": [REPLY]}}


class Bridge(httpx.BaseTransport):
    """Lets a client of the command line, which is not asynchronous, call the app of the test's loop."""

    def __init__(self, caller: Caller, loop: asyncio.AbstractEventLoop) -> None:
        self._caller = caller
        self._loop = loop

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return asyncio.run_coroutine_threadsafe(self._send(request), self._loop).result()

    async def _send(self, request: httpx.Request) -> httpx.Response:
        transport = httpx.ASGITransport(self._caller.app)
        async with httpx.AsyncClient(transport=transport) as client:
            content = await client.request(request.method, request.url, headers=request.headers, content=request.read())
        return httpx.Response(content.status_code, headers=content.headers, content=content.content)


async def with_client(caller: Caller, work: Callable[[ApiClient], Result]) -> Result:
    assert caller.token is not None
    transport = Bridge(caller, asyncio.get_running_loop())

    def run() -> Result:
        with ApiClient("http://api", str(caller.token), transport=transport) as client:
            return work(client)

    return await asyncio.to_thread(run)


def a_plan(registry: Registry, *keywords: dict[str, Any]) -> RulesPlan:
    content = {**registry.content, "keywords": keywords}
    wanted = RulesFile.model_validate(content)
    return plan_rules(wanted, registry.file, now=datetime.now(UTC), canonical=canonical)


async def applied(caller: Caller, *keywords: dict[str, Any]) -> tuple[RulesPlan, list[str]]:
    """What was planned and what was done, or every refusal for which nothing was."""

    def work(client: ApiClient) -> tuple[RulesPlan, list[str]]:
        registry = read_registry(client)
        plan = a_plan(registry, *keywords)
        try:
            if plan.steps:
                apply_plan(client, registry, plan, source_digest=DIGEST)
        except ApiProblem as problem:
            assert problem.code == "rules_refused", problem
            return plan, [f"refused {each.code}: {each.detail}" for each in refusals_of(plan, problem.problem)]
        return plan, [step.kind.value for step in plan.steps]

    return await with_client(caller, work)


@pytest.fixture
async def number_id(engine: Engine) -> NumberId:
    async with transaction(engine, System("test")) as session:
        return await a_number(session, await a_connection(session))


async def test_the_rules_of_a_live_number_fit_its_copy_in_the_sandbox(
    app: FastAPI, engine: Engine, pizzeria: Caller, number_id: NumberId
) -> None:
    await applied(pizzeria, PIZZA)
    tester = await a_caller(app, engine, pizzeria.tenant_id, mode="test")
    await tester.post("/v1/sandbox/numbers", {"like": str(number_id)})
    rules = await with_client(pizzeria, read_registry)

    _, told = await applied(tester, *rules.content["keywords"])

    copied = await with_client(tester, read_registry)
    assert told == ["create"]
    assert copied.content == rules.content


async def test_applying_twice_leaves_nothing_to_do(pizzeria: Caller, number_id: NumberId) -> None:
    wanted = PIZZA | {"aliases": ["PIZZE"], "sub_keywords": [{"name": "GRANDE", "actions": [REPLY]}]}

    _, first = await applied(pizzeria, wanted)
    plan, second = await applied(pizzeria, wanted)

    assert (first, second, plan.unchanged) == (["create"], [], 1)


async def test_a_change_keeps_the_actions_that_the_file_leaves_out(pizzeria: Caller, number_id: NumberId) -> None:
    await applied(pizzeria, PIZZA)

    await applied(pizzeria, {"number": "IT/12345", "tenant": ME, "word": "PIZZA", "aliases": ["CALZONE"]})

    (keyword,) = (await pizzeria.get("/v1/keywords")).json()["data"]
    assert (keyword["aliases"], keyword["actions"][0]["text"]) == (["CALZONE"], "Ecco")


async def test_states_and_releases_are_applied(pizzeria: Caller, number_id: NumberId) -> None:
    await applied(pizzeria, PIZZA, PIZZA | {"word": "LASAGNA"})

    _, told = await applied(pizzeria, PIZZA | {"state": "suspended"})

    (keyword,) = (await pizzeria.get("/v1/keywords")).json()["data"]
    assert (sorted(told), keyword["word"], keyword["state"]) == (["change", "release"], "PIZZA", "suspended")


async def test_an_export_is_a_rules_file_that_changes_nothing(pizzeria: Caller, number_id: NumberId) -> None:
    moments = {"active_until": "2100-01-01T00:00:00", "expires_at": "2101-01-01T00:00:00"}
    await applied(pizzeria, PIZZA | {"options": {"glued": True}} | moments)

    registry = await with_client(pizzeria, read_registry)

    assert a_plan(registry, *registry.content["keywords"]).steps == ()
    assert registry.content["keywords"][0]["expires_at"] == "2100-12-31T23:00:00Z"


async def test_of_a_plan_with_a_refusal_nothing_is_done(pizzeria: Caller, gym: Caller, number_id: NumberId) -> None:
    await applied(gym, PIZZA)

    _, told = await applied(pizzeria, PIZZA, PIZZA | {"word": "LASAGNA"})

    assert [each.partition(":")[0] for each in told] == ["refused keyword_taken"]
    assert (await pizzeria.get("/v1/keywords")).json()["data"] == []


@pytest.mark.parametrize("is_there", [False, True], ids=["a new keyword", "a keyword that changes"])
async def test_a_plan_names_the_words_that_another_tenant_s_keyword_stops(
    pizzeria: Caller, gym: Caller, number_id: NumberId, is_there: bool
) -> None:
    await applied(gym, PIZZA)
    if is_there:
        await applied(pizzeria, PIZZA | {"word": "LASAGNA"})

    def refused(client: ApiClient) -> list[tuple[str, str]]:
        registry = read_registry(client)
        plan = a_plan(registry, PIZZA | {"word": "LASAGNA", "aliases": ["pizza"]})
        return [(finding.kind, finding.word) for finding in find_refused(client, registry, plan)]

    assert await with_client(pizzeria, refused) == [("refused", "pizza")]


@pytest.mark.parametrize(
    ("fault", "detail"),
    [
        ({"sub_keywords": ["ROSSA", "rossa"]}, "/sub_keywords/1/word: 'rossa' is another sub-keyword's already."),
        ({"sub_keywords": ["!!!"]}, "/sub_keywords/0/word: '!!!' has no letter or digit."),
        ({"definition": {"actions": [REPLY | {"text": "{{ nothing }}"}]}}, "/actions/0/text: "),
    ],
)
async def test_a_plan_says_of_a_definition_what_apply_would_say(
    pizzeria: Caller, number_id: NumberId, fault: dict[str, Any], detail: str
) -> None:
    wanted = PIZZA | {"word": "LASAGNA"} | fault

    def planned(client: ApiClient) -> list[Finding]:
        registry = read_registry(client)
        plan = a_plan(registry, wanted)
        return [*plan.findings, *find_refused(client, registry, plan)]

    (finding,) = await with_client(pizzeria, planned)
    _, told = await applied(pizzeria, wanted)

    assert (finding.kind, finding.detail.startswith(detail)) == ("refused", True), finding
    assert finding.detail.partition(": ")[2] in told[0]


@pytest.mark.parametrize("is_operators", [True, False])
async def test_a_common_word_is_an_operators_to_allow(
    operator: Caller, gym: Caller, number_id: NumberId, is_operators: bool
) -> None:
    caller, owner = (operator, str(gym.tenant_id)) if is_operators else (gym, ME)
    wanted = PIZZA | {"tenant": owner, "word": "CASA", "override": True}

    def refused(client: ApiClient) -> list[Finding]:
        registry = read_registry(client)
        return list(find_refused(client, registry, a_plan(registry, wanted)))

    found = await with_client(caller, refused)
    _, told = await applied(caller, wanted)

    assert [finding.kind for finding in found] == ([] if is_operators else ["refused"])
    assert [each.partition(":")[0] for each in told] == (
        ["create"] if is_operators else ["refused override_is_operators"]
    )


async def test_a_word_that_the_same_plan_releases_is_not_in_its_own_way(pizzeria: Caller, number_id: NumberId) -> None:
    await applied(pizzeria, PIZZA | {"aliases": ["CALZONE"]})

    def refused(client: ApiClient) -> list[Finding]:
        registry = read_registry(client)
        return list(find_refused(client, registry, a_plan(registry, PIZZA | {"word": "CALZONE"})))

    assert await with_client(pizzeria, refused) == []


async def test_an_operators_file_names_the_tenants(operator: Caller, gym: Caller, number_id: NumberId) -> None:
    await applied(gym, PIZZA)

    registry = await with_client(operator, read_registry)

    assert registry.content["tenants"] == [{"id": str(gym.tenant_id), "name": "Palestra Forte"}]
    assert registry.content["keywords"][0]["tenant"] == str(gym.tenant_id)


async def test_an_operator_names_a_tenant_that_holds_nothing_yet(
    operator: Caller, gym: Caller, number_id: NumberId
) -> None:
    _, told = await applied(operator, PIZZA | {"tenant": "Palestra Forte"})

    (keyword,) = (await gym.get("/v1/keywords")).json()["data"]
    assert (told, keyword["word"]) == (["create"], "PIZZA")


async def test_a_diff_is_told_in_lines(engine: Engine, operator: Caller, pizzeria: Caller, number_id: NumberId) -> None:
    async with transaction(engine, System("test")) as session:
        await an_inbound(session, ConnectionId(number_id), number_id, text="CALZONE")
    put = [{"word": "CALZONE", "tenant_id": str(pizzeria.tenant_id)}]

    answer = await operator.post("/v1/route-diffs", {"number_id": str(number_id), "put": put})

    *changes, counts = diff_lines(answer.json())
    assert [each.partition(" ")[2] for each in changes] == ['"CALZONE": no keyword of this number fits -> CALZONE']
    assert counts.startswith("1 of 1 messages would change")


@pytest.mark.parametrize(
    ("side", "line"),
    [
        ({"window": "released", "rests_until": "2027-05-30"}, "PIZZA (given back, rests until 2027-05-30)"),
        ({"window": "released", "rests_until": None}, "PIZZA (given back)"),
        ({"window": "too_early", "active_from": "2027-09-01"}, "PIZZA (too early: from 2027-09-01)"),
        ({"window": "too_late", "active_until": "2027-01-01"}, "PIZZA (too late: until 2027-01-01)"),
        ({"window": "suspended"}, "PIZZA (suspended)"),
    ],
)
def test_a_line_says_why_a_keyword_is_not_in_force(side: dict[str, Any], line: str) -> None:
    now = {"word": "PIZZA", "sub_keyword": None, "reason": "", "rule": "keyword_whole", "window": "open"}
    ends: dict[str, Any] = {"active_from": None, "active_until": None, "rests_until": None}
    change = {"received_at": "2027-03-01", "text": "pizza", "before": now | ends, "after": now | ends | side}
    told = diff_lines(
        {"verdicts": [], "changes": [change], "changed": 1, "examined": 1, "in_conversation": 0, "is_complete": True}
    )

    assert next(told) == f'2027-03-01 "pizza": PIZZA -> {line}'
