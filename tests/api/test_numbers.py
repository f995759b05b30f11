"""Numbers: addresses, who sees them, who has them."""

from typing import Any

import pytest

from tests.api.conftest import Caller
from tests.cast import OWNED, a_connection, a_number
from twoway_router.domain.ids import ConnectionId, NumberId
from twoway_router.store import Engine, System, changes, transaction


@pytest.fixture
async def connection_id(engine: Engine) -> ConnectionId:
    async with transaction(engine, System("test")) as session:
        return await a_connection(session)


@pytest.fixture
async def shared(engine: Engine, connection_id: ConnectionId) -> NumberId:
    async with transaction(engine, System("test")) as session:
        return await a_number(session, connection_id)


@pytest.fixture
async def dedicated(engine: Engine, connection_id: ConnectionId) -> NumberId:
    async with transaction(engine, System("test")) as session:
        return await a_number(session, connection_id, OWNED)


def a_wish(on: ConnectionId, **change: Any) -> dict[str, Any]:
    wish = {
        "country": "IT",
        "address": "54321",
        "kind": "short_code",
        "sharing": "shared",
        "connection_id": str(on),
    }
    return wish | change


@pytest.mark.parametrize(
    ("change", "address"),
    [
        ({}, "54321"),
        ({"address": "06 5550 0199", "kind": "long_code", "sharing": "dedicated"}, "+390655500199"),
        ({"address": "+39 06 5550 0199", "kind": "long_code", "sharing": "dedicated"}, "+390655500199"),
    ],
)
async def test_an_address_is_stored_in_one_form(
    operator: Caller, connection_id: ConnectionId, change: dict[str, Any], address: str
) -> None:
    created = await operator.post("/v1/numbers", a_wish(connection_id, **change))

    assert (created.status_code, created.json()["address"]) == (201, address)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"address": "12"}, "/address"),
        ({"address": "123456789"}, "/address"),
        ({"address": "12 345"}, "/address"),
        ({"address": "999", "kind": "long_code"}, "/address"),
        ({"time_zone": "Europe/Atlantis"}, "/time_zone"),
        ({"connection_id": "0198c0de-8d5b-7cc3-a5f1-1d2b3c4d5e6f"}, "/connection_id"),
        ({"sharing": "dedicated", "tenant_id": "0198c0de-8d5b-7cc3-a5f1-1d2b3c4d5e6f"}, "/tenant_id"),
        ({"tenant_id": "0198c0de-8d5b-7cc3-a5f1-1d2b3c4d5e6f"}, "/tenant_id"),
        ({"languages": ["italiano"]}, "/languages/0"),
        ({"country": "it"}, "/country"),
        ({"texts": {"help": ""}}, "/texts/help"),
    ],
)
async def test_a_bad_number_is_refused(
    operator: Caller, connection_id: ConnectionId, change: dict[str, Any], pointer: str
) -> None:
    refused = await operator.post("/v1/numbers", a_wish(connection_id, **change))

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == pointer


async def test_a_short_code_is_unique_only_in_its_country(
    operator: Caller, engine: Engine, connection_id: ConnectionId
) -> None:
    async with transaction(engine, System("test")) as session:
        spanish = await a_connection(session, "spanish", country="ES")
    await operator.post("/v1/numbers", a_wish(connection_id))

    same = await operator.post("/v1/numbers", a_wish(connection_id))
    abroad = await operator.post("/v1/numbers", a_wish(spanish, country="ES"))

    assert (same.status_code, same.json()["code"]) == (409, "number_taken")
    assert abroad.status_code == 201


async def test_a_connection_cannot_bring_two_countries_numbers_with_one_address(
    operator: Caller, connection_id: ConnectionId
) -> None:
    await operator.post("/v1/numbers", a_wish(connection_id))

    refused = await operator.post("/v1/numbers", a_wish(connection_id, country="ES"))

    assert (refused.status_code, refused.json()["code"]) == (409, "address_taken")


async def test_a_tenant_sees_its_own_and_the_shared_numbers(
    operator: Caller, pizzeria: Caller, gym: Caller, shared: NumberId, dedicated: NumberId
) -> None:
    await operator.put(f"/v1/numbers/{dedicated}/assignment", {"tenant_id": str(pizzeria.tenant_id)})

    owner = await pizzeria.get("/v1/numbers")
    other = await gym.get("/v1/numbers")

    assert [(row["id"], row["is_mine"]) for row in owner.json()["data"]] == [
        (str(dedicated), True),
        (str(shared), False),
    ]
    assert [row["id"] for row in other.json()["data"]] == [str(shared)]
    assert {row["connection_id"] for row in owner.json()["data"]} == {None}


async def test_another_tenants_number_does_not_exist(
    operator: Caller, pizzeria: Caller, gym: Caller, dedicated: NumberId
) -> None:
    await operator.put(f"/v1/numbers/{dedicated}/assignment", {"tenant_id": str(pizzeria.tenant_id)})

    refused = await gym.get(f"/v1/numbers/{dedicated}")

    assert refused.status_code == 404


async def test_a_shared_number_is_not_assigned(operator: Caller, pizzeria: Caller, shared: NumberId) -> None:
    refused = await operator.put(f"/v1/numbers/{shared}/assignment", {"tenant_id": str(pizzeria.tenant_id)})

    assert (refused.status_code, refused.json()["code"]) == (409, "number_shared")


async def test_a_number_is_taken_back(operator: Caller, pizzeria: Caller, dedicated: NumberId) -> None:
    await operator.put(f"/v1/numbers/{dedicated}/assignment", {"tenant_id": str(pizzeria.tenant_id)})

    taken_back = await operator.delete(f"/v1/numbers/{dedicated}/assignment")

    assert (taken_back.status_code, taken_back.json()["tenant_id"]) == (200, None)
    assert (await pizzeria.get(f"/v1/numbers/{dedicated}")).status_code == 404


async def test_texts_and_options_change_name_by_name(operator: Caller, shared: NumberId) -> None:
    await operator.patch(
        f"/v1/numbers/{shared}", {"texts": {"help": "Aiuto", "courtesy": "Ciao"}, "options": {"max_segments": 2}}
    )

    changed = await operator.patch(
        f"/v1/numbers/{shared}", {"texts": {"courtesy": None}, "options": {"is_fuzzy": True}}
    )

    shown = changed.json()
    assert (shown["texts"]["help"], shown["texts"]["courtesy"]) == ("Aiuto", None)
    assert (shown["options"]["max_segments"], shown["options"]["is_fuzzy"]) == (2, True)


async def test_every_change_of_a_number_is_in_the_change_feed(
    operator: Caller, engine: Engine, pizzeria: Caller, dedicated: NumberId
) -> None:
    await operator.patch(f"/v1/numbers/{dedicated}", {"state": "disabled"})
    await operator.put(f"/v1/numbers/{dedicated}/assignment", {"tenant_id": str(pizzeria.tenant_id)})

    async with transaction(engine, System("test")) as session:
        feed = await changes.list_since(session, 0)
    assert [change.kind for change in feed if change.subject_id == dedicated] == ["number"] * 3


@pytest.mark.parametrize(
    ("texts", "detail"),
    [
        ({"choose": "Who is it?"}, "choose: it has to name {{ choices }}"),
        ({"did_you_mean": {"it": "Forse?"}}, "did_you_mean: it has to name {{ word }}"),
        ({"too_late": "{{ message.text }}"}, "message.text"),
        ({"courtesy": {}}, "one to 10 languages"),
        ({"courtesy": {"Italian": "No"}}, "one to 10 languages"),
        ({"courtesy": {"it": ""}}, "1 to 1600 characters"),
    ],
)
async def test_a_text_that_cannot_be_sent_is_refused(
    operator: Caller, shared: NumberId, texts: dict[str, object], detail: str
) -> None:
    tag = (await operator.get(f"/v1/numbers/{shared}")).headers["etag"]

    refused = await operator.patch(f"/v1/numbers/{shared}", {"texts": texts}, headers={"If-Match": tag})

    assert refused.status_code == 422
    assert detail in refused.text


async def test_a_text_may_be_written_in_several_languages(operator: Caller, shared: NumberId) -> None:
    tag = (await operator.get(f"/v1/numbers/{shared}")).headers["etag"]
    texts = {"choose": {"it": "Chi? {{ choices }}", "en": "Who? {{ choices }}"}, "help": "Info"}

    changed = await operator.patch(f"/v1/numbers/{shared}", {"texts": texts}, headers={"If-Match": tag})

    assert {name: text for name, text in changed.json()["texts"].items() if text} == texts
