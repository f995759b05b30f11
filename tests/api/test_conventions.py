"""What holds for every operation: pages, ETags, problems, limits, headers."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from starlette.routing import compile_path

from tests.api.conftest import Caller, an_app
from tests.api.world import an_app_without_database
from tests.cast import FakeClock
from twoway_router.management.app import FIXED_PATHS
from twoway_router.store import Engine, OneTenant, Scope, System
from twoway_router.store.engine import make_engine
from twoway_router.web.context import DbSession
from twoway_router.web.route import api_router


async def a_few_tenants(operator: Caller, count: int) -> list[str]:
    return [(await operator.post("/v1/tenants", {"name": f"T{place}"})).json()["id"] for place in range(count)]


async def test_a_request_works_for_its_tenant_and_an_operators_for_the_system(
    app: FastAPI, operator: Caller, pizzeria: Caller
) -> None:
    scopes: list[Scope] = []
    probe = api_router("/probe", resource="probe", tag="Probe")

    @probe.get("", status_code=204)
    async def look(session: DbSession) -> None:
        """Look at the transaction."""
        scopes.append(session.info["scope"])

    app.include_router(probe)
    await pizzeria.get("/probe")
    await operator.get("/probe")

    assert pizzeria.tenant_id is not None
    assert scopes == [OneTenant(pizzeria.tenant_id), System("operator")]


async def test_pages_give_every_row_once(operator: Caller) -> None:
    made = await a_few_tenants(operator, 5)

    first = (await operator.get("/v1/tenants", params={"limit": 2})).json()
    second = (await operator.get("/v1/tenants", params={"limit": 2, "cursor": first["next"]})).json()
    third = (await operator.get("/v1/tenants", params={"limit": 2, "cursor": second["next"]})).json()

    assert [row["id"] for page in (first, second, third) for row in page["data"]] == made[::-1]
    assert third["next"] is None


async def test_a_cursor_works_only_unchanged_for_its_own_list_and_caller(operator: Caller, pizzeria: Caller) -> None:
    await a_few_tenants(operator, 3)
    await operator.post("/v1/api-keys", {"name": "second", "scopes": ["*"]})
    cursor = (await operator.get("/v1/tenants", params={"limit": 1})).json()["next"]
    of_keys = (await operator.get("/v1/api-keys", params={"limit": 1})).json()["next"]
    other = "A" if cursor[5] != "A" else "B"

    changed = await operator.get("/v1/tenants", params={"cursor": cursor[:5] + other + cursor[6:]})
    filtered = await operator.get("/v1/tenants", params={"cursor": cursor, "state": "active"})
    elsewhere = await operator.get("/v1/api-keys", params={"cursor": cursor})
    somebody = await pizzeria.get("/v1/api-keys", params={"cursor": of_keys})
    garbage = await operator.get("/v1/tenants", params={"cursor": "é"})

    refused = [changed, filtered, elsewhere, somebody, garbage]
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(400, "cursor_invalid")] * 5


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", ""])
async def test_a_page_has_1_to_200_rows(operator: Caller, limit: str) -> None:
    refused = await operator.get("/v1/tenants", params={"limit": limit})

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "query/limit")


async def test_an_update_with_an_old_etag_is_refused(operator: Caller) -> None:
    created = await operator.post("/v1/tenants", {"name": "Fioraio"})
    path, old = f"/v1/tenants/{created.json()['id']}", {"If-Match": created.headers["etag"]}
    changed = await operator.patch(path, {"name": "Fiorista"}, headers=old)

    refused = await operator.patch(path, {"name": "Vivaio"}, headers=old)
    current = await operator.patch(path, {"name": "Vivaio"}, headers={"If-Match": changed.headers["etag"]})

    assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed")
    assert current.status_code == 200
    assert (await operator.get(path)).headers["etag"] == current.headers["etag"]


async def test_a_problem_has_every_part_and_a_type_that_explains_it(operator: Caller, nobody: Caller) -> None:
    refused = await operator.get("/v1/tenants/0198c0de-8d5b-7cc3-a5f1-1d2b3c4d5e6f")

    problem = refused.json()
    explained = await nobody.get(problem["type"])
    assert refused.headers["content-type"] == "application/problem+json"
    assert {"type", "code", "title", "status", "detail", "instance", "errors"} <= problem.keys()
    assert problem["instance"] == f"urn:uuid:{UUID(refused.headers['x-request-id'])}"
    assert (explained.status_code, "not_found" in explained.text) == (200, True)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/v1/tenants/", 404, "not_found"),
        ("PUT", "/v1/tenants", 405, "method_not_allowed"),
        ("GET", "/v1/tenants?state=%00", 400, "characters_invalid"),
        ("GET", "/v1/tenants/not-an-id", 422, "validation_failed"),
        ("GET", "/v1/tenants?stat=active", 422, "validation_failed"),
    ],
)
async def test_also_what_no_endpoint_answers_is_a_problem(
    operator: Caller, method: str, path: str, status: int, code: str
) -> None:
    refused = await operator.send(method, path)

    assert (refused.status_code, refused.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("PUT", "/v1/keywords/availability", "GET"), ("GET", "/v1/inbound-messages/replays", "POST")],
)
async def test_a_path_with_a_name_of_its_own_is_not_taken_for_an_id(
    operator: Caller, method: str, path: str, allowed: str
) -> None:
    refused = await operator.send(method, path)

    assert (refused.status_code, refused.headers["allow"]) == (405, allowed)


def test_every_path_that_could_be_taken_for_an_id_is_known() -> None:
    documented = an_app_without_database().openapi()["paths"]
    fixed = {path for path in documented if "{" not in path}
    templates = [compile_path(path)[0] for path in documented if "{" in path]

    mistakable = {path for path in fixed if any(template.match(path) for template in templates)}

    assert mistakable and mistakable <= FIXED_PATHS


@pytest.mark.parametrize("path", ["/problems", "/problems/"])
async def test_all_problems_are_listed_where_their_types_link_to(nobody: Caller, path: str) -> None:
    listed = await nobody.get(path)

    assert listed.status_code == 200
    assert "409 keyword_taken: Another tenant holds this word on this number.\n" in listed.text


async def test_a_405_names_every_method_of_the_path(operator: Caller) -> None:
    refused = await operator.send("POST", "/v1/tenants/0198c0de-8d5b-7cc3-a5f1-1d2b3c4d5e6f")

    assert refused.headers["allow"] == "DELETE, GET, PATCH"


async def test_a_body_that_is_not_json_is_a_400(operator: Caller) -> None:
    sent: dict[str, Any] = {"content": b"{", "headers": {"Content-Type": "application/json"}}

    refused = await operator.send("POST", "/v1/tenants", **sent)

    assert (refused.status_code, refused.json()["code"]) == (400, "json_invalid")


@pytest.mark.parametrize("media_type", ["application/x-www-form-urlencoded", "text/plain"])
async def test_a_body_that_is_not_said_to_be_json_is_told_what_to_say(operator: Caller, media_type: str) -> None:
    sent: dict[str, Any] = {"content": b'{"name": "T"}', "headers": {"Content-Type": media_type}}

    refused = await operator.send("POST", "/v1/tenants", **sent)

    assert refused.status_code == 422
    assert refused.json()["errors"] == [
        {
            "pointer": "header/Content-Type",
            "detail": "The body must be JSON: send `Content-Type: application/json`.",
        }
    ]


@pytest.mark.parametrize(
    ("action", "pointer"),
    [
        ({"kind": "reply"}, "/text"),
        ({"kind": "reply", "text": 1}, "/text"),
        ({"kind": "reply", "text": "x", "reply": "x"}, "/reply"),
        ({"kind": "reply", "text": "x", "a/b": "x"}, "/a~1b"),
        ({"kind": "shout", "text": "x"}, ""),
        ({"kind": "reply", "text": "x", "condition": {"kind": "time"}}, "/condition"),
        (
            {"kind": "reply", "text": "x", "condition": {"kind": "outcome", "action": "a", "outcome": "x"}},
            "/condition/outcome",
        ),
        (
            {"kind": "reply", "text": "x", "condition": {"kind": "outcome", "action": 1, "outcome": "done"}},
            "/condition/action",
        ),
        ({"kind": "reply", "text": "x", "condition": {"kind": "outcome", "outcome": "done"}}, "/condition/action"),
        (
            {
                "kind": "reply",
                "text": "x",
                "condition": {"kind": "all", "conditions": [{"kind": "text", "operator": 1}]},
            },
            "/condition/conditions/0/operator",
        ),
    ],
)
async def test_a_pointer_leads_through_what_was_sent(pizzeria: Caller, action: object, pointer: str) -> None:
    body = {"number_id": "0198c0de-8d5b-7cc3-a5f1-1d2b3c4d5e6f", "word": "PIZZA", "actions": [action]}

    refused = await pizzeria.post("/v1/keywords", body)

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == f"/actions/0{pointer}"


async def test_a_body_over_the_limit_is_a_413(engine: Engine, clock: FakeClock, operator: Caller) -> None:
    app = an_app(engine, clock=clock, body_limit_bytes=100)

    refused = await Caller(app=app, token=operator.token).post("/v1/tenants", {"name": "x" * 100})

    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")


async def test_a_key_that_calls_too_often_is_told_when_to_return(
    engine: Engine, clock: FakeClock, operator: Caller
) -> None:
    app = an_app(engine, clock=clock, requests_per_minute=2)
    caller = Caller(app=app, token=operator.token)

    answers = [await caller.get("/v1/tenants") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].headers["ratelimit"] == '"default";r=1;t=30'
    assert answers[2].headers["retry-after"] == "30"


async def test_without_a_database_the_answer_is_503_and_nothing_internal(operator: Caller, clock: FakeClock) -> None:
    engine = make_engine("postgresql://somebody:s3cret@127.0.0.1:1/none")
    app = an_app(engine, clock=clock)

    refused = await Caller(app=app, token=operator.token).get("/v1/tenants")

    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (503, "unavailable", "1")
    assert "127.0.0.1" not in refused.text


async def test_a_mistake_of_ours_shows_nothing_internal(app: FastAPI, operator: Caller) -> None:
    app.state.context = replace(app.state.context, routing_table=None)

    broken = await operator.post(
        "/v1/route-previews", {"number_id": "0198c0de-8d5b-7cc3-a5f1-1d2b3c4d5e6f", "text": "PIZZA"}
    )

    assert (broken.status_code, broken.json()["code"]) == (500, "internal_error")
    assert "NoneType" not in broken.text
