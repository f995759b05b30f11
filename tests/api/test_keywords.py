"""The keywords API."""

from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from tests.api.conftest import Caller
from tests.cast import OWNED, FakeClock, a_connection, a_number
from twoway_router.domain.ids import ConnectionId, KeywordId, NumberId, new_id
from twoway_router.domain.messages import Sharing
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.types import KeywordRules, NumberRules
from twoway_router.store import Engine, System, transaction


@pytest.fixture
async def number_id(engine: Engine) -> NumberId:
    async with transaction(engine, System("test")) as session:
        return await a_number(session, await a_connection(session))


def a_keyword(number_id: NumberId, word: str = "PIZZA", **fields: Any) -> dict[str, Any]:
    actions = [{"kind": "reply", "text": "Your {{ keyword.word }} {{ message.rest }} comes."}]
    return {"number_id": str(number_id), "word": word, "actions": actions} | fields


async def test_a_keyword_is_claimed_whole_in_one_post(pizzeria: Caller, number_id: NumberId) -> None:
    pool = (await pizzeria.post("/v1/coupon-pools", {"name": "Burgers", "source": "generated"})).json()
    endpoint = (await pizzeria.post("/v1/webhook-endpoints", {"url": "https://crm.example.com/sms"})).json()
    body = a_keyword(
        number_id,
        aliases=["CALZONE"],
        sub_keywords=[{"word": "GRANDE", "aliases": ["BIG"], "actions": [{"kind": "reply", "text": "Big one!"}]}],
        active_from="2027-01-01T00:00:00Z",
        active_until="2028-01-01T00:00:00+01:00",
        too_late_text="Over.",
        actions=[
            {"kind": "issue_coupon", "pool_id": pool["id"], "empty_text": "All gone."},
            {"kind": "reply", "text": "{{ coupon.code }}", "condition": {"kind": "sender_is", "value": "new"}},
            {"kind": "call_webhook", "endpoint_id": endpoint["id"]},
        ],
    )

    answer = await pizzeria.post("/v1/keywords", body)

    assert answer.status_code == 201
    made = answer.json()
    assert (made["state"], made["revision"], made["tenant_id"]) == ("active", 1, str(pizzeria.tenant_id))
    read = await pizzeria.get(answer.headers["location"])
    assert read.headers["etag"] == answer.headers["etag"]
    assert [action["kind"] for action in read.json()["actions"]] == ["issue_coupon", "reply", "call_webhook"]


async def test_a_word_of_another_is_taken(pizzeria: Caller, gym: Caller, number_id: NumberId) -> None:
    await pizzeria.post("/v1/keywords", a_keyword(number_id))

    refused = await gym.post("/v1/keywords", a_keyword(number_id, "pizza"))

    assert (refused.status_code, refused.json()["code"]) == (409, "keyword_taken")
    assert str(pizzeria.tenant_id) not in refused.text


@pytest.mark.parametrize(
    ("word", "aliases", "pointer"),
    [
        ("STOP", [], "/word"),
        ("!!!", ["PIZZERIA"], "/word"),
        ("PIZZA", ["PIZZERIA", "STOP"], "/aliases/1"),
        ("PIZZA", ["..."], "/aliases/0"),
    ],
)
async def test_a_word_that_cannot_be_had_is_pointed_at(
    pizzeria: Caller, number_id: NumberId, word: str, aliases: list[str], pointer: str
) -> None:
    refused = await pizzeria.post("/v1/keywords", a_keyword(number_id, word, aliases=aliases))

    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


async def test_a_wrong_definition_names_its_fields(pizzeria: Caller, number_id: NumberId) -> None:
    actions = [{"kind": "reply", "text": "{{ coupon.code }}"}]

    refused = await pizzeria.post("/v1/keywords", a_keyword(number_id, actions=actions))

    assert (refused.status_code, refused.json()["code"]) == (422, "keyword_definition_not_acceptable")
    assert refused.json()["errors"][0]["pointer"] == "/actions/0/text"


async def test_another_tenants_pool_is_no_pool(pizzeria: Caller, gym: Caller, number_id: NumberId) -> None:
    pool = (await gym.post("/v1/coupon-pools", {"name": "Burgers", "source": "generated"})).json()
    actions = [{"kind": "issue_coupon", "pool_id": pool["id"]}]

    refused = await pizzeria.post("/v1/keywords", a_keyword(number_id, actions=actions))

    assert refused.json()["errors"][0]["pointer"] == "/actions/0/pool_id"


async def test_a_tenant_sees_its_own_keywords_only(pizzeria: Caller, gym: Caller, number_id: NumberId) -> None:
    made = (await pizzeria.post("/v1/keywords", a_keyword(number_id))).json()

    foreign = await gym.get(f"/v1/keywords/{made['id']}")
    listed = await gym.get("/v1/keywords")

    assert (foreign.status_code, foreign.json()["code"]) == (404, "keyword_not_found")
    assert listed.json() == {"data": [], "next": None}


async def test_an_update_needs_the_current_etag(pizzeria: Caller, clock: FakeClock, number_id: NumberId) -> None:
    made = await pizzeria.post("/v1/keywords", a_keyword(number_id))
    path, etag = made.headers["location"], made.headers["etag"]
    body = {"word": "PIZZA", "aliases": ["CALZONE"], "actions": []}
    clock.advance(seconds=1)

    changed = await pizzeria.put(path, body, headers={"If-Match": etag})
    late = await pizzeria.put(path, body, headers={"If-Match": etag})

    assert (changed.status_code, changed.json()["revision"], changed.json()["aliases"]) == (200, 2, ["CALZONE"])
    assert late.status_code == 412


async def test_a_keyword_is_suspended_resumed_and_released(pizzeria: Caller, number_id: NumberId) -> None:
    path = (await pizzeria.post("/v1/keywords", a_keyword(number_id))).headers["location"]

    suspended = await pizzeria.post(f"{path}/suspension", None)
    resumed = await pizzeria.delete(f"{path}/suspension")
    released = await pizzeria.delete(path)

    assert (suspended.json()["state"], resumed.json()["state"]) == ("suspended", "active")
    assert released.status_code == 204
    assert (await pizzeria.get(path)).json()["state"] == "released"
    assert (await pizzeria.get("/v1/keywords")).json()["data"] == []


@pytest.mark.parametrize(
    ("word", "verdict", "code", "is_available"),
    [
        ("FITNESS", "accept", "free", True),
        ("pizza", "refuse", "keyword_taken", False),
        ("PIZZAS", "warn", "one_edit", True),
        ("STOP", "refuse", "reserved", False),
        ("GRAZIE", "override_needed", "typical_reply", False),
    ],
)
async def test_availability_says_whether_a_word_can_be_had(
    pizzeria: Caller, gym: Caller, number_id: NumberId, word: str, verdict: str, code: str, is_available: bool
) -> None:
    await pizzeria.post("/v1/keywords", a_keyword(number_id))

    shown = (await gym.get("/v1/keywords/availability", params={"number_id": str(number_id), "word": word})).json()

    assert (shown["verdict"], shown["code"], shown["is_available"]) == (verdict, code, is_available)


async def test_availability_of_a_resting_word_says_until_when(
    pizzeria: Caller, gym: Caller, number_id: NumberId
) -> None:
    made = await pizzeria.post("/v1/keywords", a_keyword(number_id))
    await pizzeria.delete(made.headers["location"])

    shown = (await gym.get("/v1/keywords/availability", params={"number_id": str(number_id), "word": "PIZZA"})).json()

    assert (shown["code"], shown["free_at"]) == ("keyword_resting", "2027-05-30T12:00:00Z")


async def test_an_operator_claims_for_a_tenant_what_only_it_may_grant(
    operator: Caller, pizzeria: Caller, number_id: NumberId
) -> None:
    body = a_keyword(number_id, "GRAZIE", is_override=True)

    nobodys = await operator.post("/v1/keywords", body)
    unknown = await operator.post("/v1/keywords", body | {"tenant_id": str(new_id())})
    granted = await operator.post("/v1/keywords", body | {"tenant_id": str(pizzeria.tenant_id)})

    assert (nobodys.json()["code"], unknown.status_code) == ("tenant_needed", 404)
    assert (granted.status_code, granted.json()["is_whole_message"]) == (201, False)


async def test_a_tenant_overrides_nothing(pizzeria: Caller, number_id: NumberId) -> None:
    refused = await pizzeria.post("/v1/keywords", a_keyword(number_id, "GRAZIE", is_override=True))

    assert (refused.status_code, refused.json()["code"]) == (403, "override_is_operators")


async def test_an_override_that_moves_texts_needs_the_list_of_them(
    operator: Caller, pizzeria: Caller, gym: Caller, number_id: NumberId
) -> None:
    await pizzeria.post("/v1/keywords", a_keyword(number_id, "50%OFF"))
    body = a_keyword(number_id, "50OFF", tenant_id=str(gym.tenant_id), is_override=True)

    unconfirmed = await operator.post("/v1/keywords", body)
    moves = unconfirmed.json()["moves"]
    short = await operator.post("/v1/keywords", body | {"confirmed_moves": moves[1:]})
    granted = await operator.post("/v1/keywords", body | {"confirmed_moves": moves})

    assert (unconfirmed.status_code, unconfirmed.json()["code"]) == (409, "override_unconfirmed")
    assert {"50OFF", "50 off"} <= set(moves)
    assert (short.status_code, granted.status_code) == (409, 201)
    (claimed,) = (await operator.get(f"{granted.headers['location']}/history")).json()["data"]
    assert claimed["details"]["moves"] == moves


async def test_availability_lists_the_texts_that_an_override_would_move(
    pizzeria: Caller, gym: Caller, number_id: NumberId
) -> None:
    await pizzeria.post("/v1/keywords", a_keyword(number_id, "50%OFF"))

    shown = (await gym.get("/v1/keywords/availability", params={"number_id": str(number_id), "word": "50OFF"})).json()

    assert (shown["verdict"], shown["code"]) == ("override_needed", "derived")
    assert "50 off" in shown["collisions"][0]["moves"]


async def test_a_tenant_changes_what_a_word_does_that_an_operator_has_allowed(
    operator: Caller, pizzeria: Caller, gym: Caller, number_id: NumberId
) -> None:
    await pizzeria.post("/v1/keywords", a_keyword(number_id, "50%OFF"))
    body = a_keyword(number_id, "50OFF")
    moves = (await gym.post("/v1/keywords", body)).json()["moves"]
    granted = await operator.post(
        "/v1/keywords", body | {"tenant_id": str(gym.tenant_id), "is_override": True, "confirmed_moves": moves}
    )
    new = {"word": "50OFF", "actions": [{"kind": "reply", "text": "Half price!"}]}

    changed = await gym.put(granted.headers["location"], new)
    refused = await gym.put(granted.headers["location"], new | {"aliases": ["50$OFF"]})

    assert (changed.status_code, changed.json()["revision"]) == (200, 2)
    assert (refused.status_code, refused.json()["code"]) == (409, "keyword_needs_operator")


@pytest.mark.parametrize("word", ["PIZZA", "P1ZZA", "PIZZA ROMA", "GRAZIE", "AB"])
async def test_a_refusal_and_a_preview_name_words_that_can_be_had(
    pizzeria: Caller, gym: Caller, number_id: NumberId, word: str
) -> None:
    await pizzeria.post("/v1/keywords", a_keyword(number_id))

    shown = (await gym.get("/v1/keywords/availability", params={"number_id": str(number_id), "word": word})).json()
    refused = (await gym.post("/v1/keywords", a_keyword(number_id, word))).json()
    claimed = [await gym.post("/v1/keywords", a_keyword(number_id, near)) for near in refused["alternatives"]]

    assert shown["alternatives"] == refused["alternatives"]
    assert [each.status_code for each in claimed] == [201, 201, 201]


async def test_nothing_is_named_near_what_is_available_or_ones_own(pizzeria: Caller, number_id: NumberId) -> None:
    await pizzeria.post("/v1/keywords", a_keyword(number_id))

    own, free = [
        (await pizzeria.get("/v1/keywords/availability", params={"number_id": str(number_id), "word": word})).json()
        for word in ("PIZZA", "LASAGNA")
    ]

    assert (own["code"], own["alternatives"]) == ("keyword_exists", [])
    assert (free["code"], free["alternatives"]) == ("free", [])


async def test_campaign_words_are_free_on_a_number_whose_operator_says_so(
    operator: Caller, pizzeria: Caller, gym: Caller, number_id: NumberId
) -> None:
    refused = await pizzeria.post("/v1/keywords", a_keyword(number_id, "VOTO"))
    await operator.patch(f"/v1/numbers/{number_id}", {"options": {"campaign_words": "free"}})

    first = await pizzeria.post("/v1/keywords", a_keyword(number_id, "VOTO"))
    second = await gym.post("/v1/keywords", a_keyword(number_id, "VOTO"))

    assert (refused.json()["code"], refused.json()["reason"]) == ("keyword_needs_operator", "common_word")
    assert (first.status_code, first.json()["is_whole_message"], second.json()["code"]) == (201, False, "keyword_taken")


async def test_a_dedicated_number_of_another_is_not_there(engine: Engine, pizzeria: Caller, gym: Caller) -> None:
    async with transaction(engine, System("test")) as session:
        owned = await a_number(session, await a_connection(session), OWNED, owner=gym.tenant_id)

    refused = await pizzeria.post("/v1/keywords", a_keyword(owned))

    assert (refused.status_code, refused.json()["code"]) == (404, "number_not_found")


async def test_a_post_repeated_with_its_key_claims_once(pizzeria: Caller, number_id: NumberId) -> None:
    key = {"Idempotency-Key": "claim-1"}

    first = await pizzeria.post("/v1/keywords", a_keyword(number_id), headers=key)
    again = await pizzeria.post("/v1/keywords", a_keyword(number_id), headers=key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]


async def test_an_email_is_refused_where_none_can_be_sent(app: FastAPI, pizzeria: Caller, number_id: NumberId) -> None:
    email = {"kind": "send_email", "recipients": ["desk@example.com"], "subject": "New", "text": "{{ message.text }}"}
    app.state.context = replace(app.state.context, is_mail_possible=False)

    refused = await pizzeria.post("/v1/keywords", a_keyword(number_id, actions=[email]))

    assert (refused.status_code, refused.json()["code"]) == (422, "mail_not_possible")
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/actions/0"]


def a_choice(*choices: str) -> dict[str, Any]:
    return {"kind": "ask", "text": "Which one?", "expected": "choice", "choices": list(choices)}


async def test_a_choice_that_is_anothers_keyword_or_reserved_is_refused_by_name(
    pizzeria: Caller, gym: Caller, number_id: NumberId
) -> None:
    await pizzeria.post("/v1/keywords", a_keyword(number_id, "FREEBURGER"))
    asking = a_keyword(number_id, "PALESTRA", actions=[a_choice("COCHES", "free burger", "STOP")])

    refused = await gym.post("/v1/keywords", asking)

    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (422, "choice_not_acceptable")
    assert [(each["pointer"], each["choice"], each["reason"]) for each in problem["choices"]] == [
        ("/actions/0/choices/1", "free burger", "choice_is_keyword"),
        ("/actions/0/choices/2", "STOP", "choice_reserved"),
    ]
    assert str(pizzeria.tenant_id) not in refused.text


async def test_a_choice_may_not_be_a_keyword_on_any_number_that_one_may_send_from(
    engine: Engine, pizzeria: Caller, gym: Caller, number_id: NumberId, table: RoutingTable
) -> None:
    async with transaction(engine, System("test")) as session:
        connection_id = await session.scalar(text("SELECT connection_id FROM numbers"))
        elsewhere = await a_number(session, ConnectionId(connection_id), address="54321")
    assert pizzeria.tenant_id is not None
    for each in (number_id, elsewhere):
        table.put_number(NumberRules(number_id=each, country="IT", address="54321", sharing=Sharing.SHARED))
    table.put_keyword(
        KeywordRules(
            keyword_id=KeywordId(new_id()), tenant_id=pizzeria.tenant_id, number_id=elsewhere, spellings=("FREEBURGER",)
        )
    )

    refused = await gym.post("/v1/keywords", a_keyword(number_id, "PALESTRA", actions=[a_choice("A", "FREEBURGER")]))

    assert (refused.status_code, refused.json()["choices"][0]["number"]) == (422, "54321")


async def test_ones_own_keyword_as_a_choice_is_a_warning(pizzeria: Caller, number_id: NumberId) -> None:
    await pizzeria.post("/v1/keywords", a_keyword(number_id, "FREEBURGER"))

    made = await pizzeria.post(
        "/v1/keywords", a_keyword(number_id, "TAVOLO", actions=[a_choice("FREEBURGER", "tavolo", "CANCEL", "NO")])
    )

    assert made.status_code == 201
    assert [(each["choice"], each["reason"]) for each in made.json()["choice_warnings"]] == [
        ("FREEBURGER", "choice_is_own_keyword"),
        ("tavolo", "choice_is_own_keyword"),
    ]
    definition = {name: made.json()[name] for name in ("word", "actions")}
    changed = await pizzeria.put(made.headers["location"], definition, headers={"if-match": made.headers["etag"]})
    assert (changed.status_code, len(changed.json()["choice_warnings"])) == (200, 2)
