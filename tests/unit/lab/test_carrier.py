"""The simulated carrier over real sockets: what it answers, and that its journal tells the truth."""

from collections.abc import Mapping
from pathlib import Path

import httpx
import orjson
import pytest

from twoway_router.domain.messages import Capability
from twoway_router.lab.behaviour import Behaviour, Fault, Receipts, RetryRule
from twoway_router.lab.carrier import running_carrier
from twoway_router.lab.dialects.registry import DIALECTS
from twoway_router.lab.journal import read_journal
from twoway_router.lab.mos import Mo
from twoway_router.lab.sink import running_sink

MT = {"reference": "ref-1", "from": "12345", "to": "+393310000001", "text": "Hello"}
AN_MO = Mo(id="mo-1", sender="+393310000001", recipient="12345", text="PIZZA")


def sent(journal: Path, kind: str) -> list[dict[str, object]]:
    return [record for record in read_journal(journal) if record["kind"] == kind]


async def post(url: str, fields: Mapping[str, str]) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.post(f"{url}/messages", json=fields)


async def test_an_idempotent_carrier_sends_one_mt_for_one_reference(tmp_path: Path) -> None:
    async with running_carrier(tmp_path / "log") as carrier:
        first = await post(carrier.url, MT)
        second = await post(carrier.url, MT)

    assert first.json()["id"] == second.json()["id"]
    assert [record["is_repeat"] for record in sent(tmp_path / "log", "mt")] == [False, True]


@pytest.mark.parametrize("mode", [Capability.LOOK_UP, Capability.RECEIPT, Capability.BLIND])
async def test_any_other_carrier_sends_the_mt_again(tmp_path: Path, mode: Capability) -> None:
    async with running_carrier(tmp_path / "log", Behaviour(mode=mode)) as carrier:
        first = await post(carrier.url, MT)
        second = await post(carrier.url, MT)

    assert first.json()["id"] != second.json()["id"]
    assert [record["is_repeat"] for record in sent(tmp_path / "log", "mt")] == [False, False]


async def test_a_look_up_carrier_finds_a_reference(tmp_path: Path) -> None:
    async with running_carrier(tmp_path / "log", Behaviour(mode=Capability.LOOK_UP)) as carrier:
        answer = await post(carrier.url, MT)
        async with httpx.AsyncClient(trust_env=False) as client:
            found = await client.get(f"{carrier.url}/messages", params={"reference": "ref-1"})
            missing = await client.get(f"{carrier.url}/messages", params={"reference": "ref-2"})

    assert found.json()["id"] == answer.json()["id"]
    assert missing.status_code == 404


async def test_an_idempotent_carrier_knows_its_references_after_a_restart(tmp_path: Path) -> None:
    async with running_carrier(tmp_path / "log") as carrier:
        first = await post(carrier.url, MT)

    async with running_carrier(tmp_path / "log") as carrier:
        second = await post(carrier.url, MT)

    assert first.json()["id"] == second.json()["id"]


@pytest.mark.parametrize(
    ("fault", "status", "in_journal"),
    [(Fault.ERROR, 500, 1), (Fault.WRONG_JSON, 200, 1), (Fault.THROTTLED, 429, 0), (Fault.SLOW, 200, 1)],
)
async def test_a_fault_is_answered_as_named(tmp_path: Path, fault: Fault, status: int, in_journal: int) -> None:
    behaviour = Behaviour(faults={fault: 1}, slow_seconds=0.01)

    async with running_carrier(tmp_path / "log", behaviour) as carrier:
        answer = await post(carrier.url, MT)

    assert answer.status_code == status
    assert len(sent(tmp_path / "log", "mt")) == in_journal


@pytest.mark.parametrize(("fault", "in_journal"), [(Fault.DROP, 1), (Fault.RESET, 0)])
async def test_a_broken_connection_has_no_answer(tmp_path: Path, fault: Fault, in_journal: int) -> None:
    async with running_carrier(tmp_path / "log", Behaviour(faults={fault: 1})) as carrier:
        with pytest.raises(httpx.TransportError):
            await post(carrier.url, MT)

    assert len(sent(tmp_path / "log", "mt")) == in_journal


async def test_what_is_no_mt_is_answered_400(tmp_path: Path) -> None:
    async with running_carrier(tmp_path / "log") as carrier:
        answer = await post(carrier.url, {"to": "+393310000001"})

    assert answer.status_code == 400


async def test_behaviour_changes_through_the_control_endpoint(tmp_path: Path) -> None:
    async with running_carrier(tmp_path / "log") as carrier, httpx.AsyncClient(trust_env=False) as client:
        changed = await client.put(f"{carrier.url}/control/behaviour", json={"faults": {"error": 1}})
        refused = await client.put(f"{carrier.url}/control/behaviour", json={"faults": {"hiccup": 1}})
        answer = await post(carrier.url, MT)

    assert (changed.status_code, refused.status_code, answer.status_code) == (204, 422, 500)


async def test_an_mo_is_repeated_until_it_is_acknowledged(tmp_path: Path) -> None:
    behaviour = Behaviour(retry=RetryRule(first_seconds=0.01))
    ingress_at = running_sink(tmp_path / "in", answers=[503, 500, 200])

    async with ingress_at as ingress, running_carrier(tmp_path / "log", behaviour) as carrier:
        emission = await carrier.emit(f"{ingress.url}/mo", AN_MO)

    assert (emission.status, emission.tries) == (200, 3)
    assert [record["id"] for record in sent(tmp_path / "log", "mo")] == ["mo-1"]


async def test_an_mo_that_is_never_acknowledged_is_not_in_the_journal(tmp_path: Path) -> None:
    behaviour = Behaviour(retry=RetryRule(tries=2, first_seconds=0.01))
    ingress_at = running_sink(tmp_path / "in", answers=[503])

    async with ingress_at as ingress, running_carrier(tmp_path / "log", behaviour) as carrier:
        emission = await carrier.emit(f"{ingress.url}/mo", AN_MO)

    assert emission.status == 503
    assert sent(tmp_path / "log", "mo") == []


async def test_a_burst_emits_every_message_once(tmp_path: Path) -> None:
    messages = [{**AN_MO.model_dump(), "id": f"mo-{number}"} for number in range(200)]

    async with running_sink(tmp_path / "in") as ingress, running_carrier(tmp_path / "log") as carrier:
        async with httpx.AsyncClient(trust_env=False) as client:
            body = orjson.dumps({"url": f"{ingress.url}/mo", "messages": messages, "connections": 8})
            await client.post(f"{carrier.url}/control/mos", content=body)
        await ingress.hooks.wait_for(lambda hooks: True if len(hooks) >= 200 else None, timeout_seconds=30)
        received = len(ingress.hooks.items)

    assert received == 200


@pytest.mark.parametrize(
    ("variant", "text", "status"), [("binary", "PIZZA", 202), ("binary", "пицца", 422), ("fax", "PIZZA", 422)]
)
async def test_an_mo_that_its_variant_cannot_carry_is_refused(
    tmp_path: Path, variant: str, text: str, status: int
) -> None:
    mo = {**AN_MO.model_dump(), "variant": variant, "text": text}
    burst = orjson.dumps({"url": "http://127.0.0.1:9/mo", "messages": [mo]})
    playing = running_carrier(tmp_path / "log", dialect=DIALECTS["vonage"])

    async with playing as carrier, httpx.AsyncClient(trust_env=False) as client:
        told = await client.post(f"{carrier.url}/control/mos", content=burst)

    assert told.status_code == status


@pytest.mark.parametrize(("receipts", "expected"), [(Receipts.SOON, 1), (Receipts.EARLY, 1), (Receipts.TWICE, 2)])
async def test_receipts_go_to_their_address(tmp_path: Path, receipts: Receipts, expected: int) -> None:
    async with running_sink(tmp_path / "in") as ingress:
        behaviour = Behaviour(receipts=receipts, receipt_url=f"{ingress.url}/dlr", receipt_late_seconds=0.05)
        async with running_carrier(tmp_path / "log", behaviour) as carrier:
            await post(carrier.url, MT)
            await ingress.hooks.wait_for(lambda hooks: True if len(hooks) >= expected else None, timeout_seconds=30)

    assert len(sent(tmp_path / "in", "webhook")) == expected
