"""Connections: what is checked, what is sealed, what is shown."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.api.conftest import Caller
from tests.cast import NOON, PUBLIC_URL, SEALER
from twoway_router.domain.ids import new_id
from twoway_router.mts.queries import pacing
from twoway_router.numbers.queries import find_connection
from twoway_router.store import Engine, System, changes, transaction

GENERIC: dict[str, Any] = {
    "name": "Gateway",
    "carrier": "generic",
    "country": "IT",
    "settings": {"send_url": "https://gateway.example/send"},
    "secrets": {"key": "s3cret-of-the-gateway"},
}


async def test_a_connection_shows_its_urls_and_never_its_secrets(operator: Caller) -> None:
    created = await operator.post("/v1/connections", GENERIC)

    shown = created.json()
    assert created.status_code == 201
    assert shown["secret_names"] == ["key"]
    assert shown["urls"]["mo"] == f"{PUBLIC_URL}/in/generic/{shown['id']}/mo"
    assert "s3cret-of-the-gateway" not in created.text


async def test_secrets_are_sealed_at_rest(operator: Caller, engine: Engine) -> None:
    created = (await operator.post("/v1/connections", GENERIC)).json()

    async with transaction(engine, System("test")) as session:
        row = await find_connection(session, created["id"])

    assert row is not None
    assert b"s3cret" not in row.secrets
    assert SEALER.open(row.secrets) == GENERIC["secrets"]


async def test_a_secret_is_rotated_by_name_and_the_others_stay(operator: Caller, engine: Engine) -> None:
    both = GENERIC | {"secrets": {"key": "old", "hmac_secret": "kept"}}
    created = (await operator.post("/v1/connections", both)).json()

    changed = await operator.patch(f"/v1/connections/{created['id']}", {"secrets": {"key": "new"}})

    async with transaction(engine, System("test")) as session:
        row = await find_connection(session, created["id"])
    assert (changed.status_code, changed.json()["revision"]) == (200, 2)
    assert row is not None
    assert SEALER.open(row.secrets) == {"key": "new", "hmac_secret": "kept"}


@pytest.mark.parametrize("rate", [20, 0.5, "20"])
async def test_a_setting_that_is_a_number_may_be_written_as_one(operator: Caller, rate: float | str) -> None:
    wanted = GENERIC | {"settings": {"send_url": "https://gateway.example/send", "sends_per_second": rate}}

    created = await operator.post("/v1/connections", wanted)

    assert (created.status_code, created.json()["settings"]["sends_per_second"]) == (201, str(rate))


async def test_a_null_removes_a_setting(operator: Caller) -> None:
    created = (await operator.post("/v1/connections", GENERIC)).json()

    changed = await operator.patch(f"/v1/connections/{created['id']}", {"settings": {"send_url": None}})

    assert changed.json()["settings"] == {}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"carrier": "nobody"}, "/carrier"),
        ({"settings": {"colour": "red"}}, "/settings/colour"),
        ({"secrets": {}}, "/secrets"),
        ({"settings": {"hmac_algorithm": "rot13"}}, "/settings/hmac_algorithm"),
    ],
)
async def test_what_the_carrier_does_not_know_is_refused(
    operator: Caller, change: dict[str, Any], pointer: str
) -> None:
    refused = await operator.post("/v1/connections", GENERIC | change)

    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


async def test_two_connections_cannot_have_one_name(operator: Caller) -> None:
    await operator.post("/v1/connections", GENERIC)

    again = await operator.post("/v1/connections", GENERIC)

    assert (again.status_code, again.json()["code"]) == (409, "connection_name_taken")


async def test_every_change_is_in_the_change_feed(operator: Caller, engine: Engine) -> None:
    created = (await operator.post("/v1/connections", GENERIC)).json()

    await operator.patch(f"/v1/connections/{created['id']}", {"state": "disabled"})

    async with transaction(engine, System("test")) as session:
        feed = await changes.list_since(session, 0)
    assert [(change.kind, str(change.subject_id)) for change in feed] == [("connection", created["id"])] * 2


async def test_connections_are_filtered(operator: Caller) -> None:
    created = (await operator.post("/v1/connections", GENERIC)).json()
    other = (await operator.post("/v1/connections", GENERIC | {"name": "Other"})).json()
    await operator.patch(f"/v1/connections/{other['id']}", {"state": "disabled"})

    found = await operator.get("/v1/connections", params={"state": "active", "carrier": "generic"})

    assert [row["id"] for row in found.json()["data"]] == [created["id"]]


async def test_the_carriers_tell_what_they_need(operator: Caller) -> None:
    listed = await operator.get("/v1/carriers")

    generic = next(row for row in listed.json()["data"] if row["name"] == "generic")
    assert {"key", "send_url"} <= {setting["name"] for setting in generic["settings"]}


async def test_a_connection_shows_why_it_rests_until_it_is_resumed(operator: Caller, engine: Engine) -> None:
    created = (await operator.post("/v1/connections", GENERIC)).json()
    path = f"/v1/connections/{created['id']}"
    async with transaction(engine, System("test")) as session:
        values = {"first": timedelta(minutes=1), "longest": timedelta(minutes=15)}
        await pacing.rest_account(session, {UUID(created["id"]): "code bad_key"}, NOON, **values)

    resting = (await operator.get(path)).json()
    listed = (await operator.get("/v1/connections")).json()["data"][0]
    resumed = await operator.post(f"{path}/resume", {})
    after = (await operator.get(path)).json()

    shown = [resting[name] for name in ("rests_until", "rest_reason", "rest_detail")]
    assert shown == ["2027-03-01T12:01:00Z", "account", "code bad_key"]
    assert listed["rest_reason"] == "account"
    assert (resumed.status_code, resumed.json()) == (200, {"connection_id": created["id"], "messages": 0})
    assert (after["rests_until"], after["rest_reason"]) == (None, None)


async def test_a_connection_that_is_not_there_is_not_resumed(operator: Caller) -> None:
    assert (await operator.post(f"/v1/connections/{new_id()}/resume", {})).status_code == 404
