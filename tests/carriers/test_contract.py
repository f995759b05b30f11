"""What every carrier must do, shown by its recorded requests. A carrier without them fails here."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.carriers.cases import (
    HERE,
    NOW,
    Case,
    an_mt,
    connection,
    names,
    plain,
    read_reply,
    request_facts,
    requests,
    table,
    told_of,
    view_of,
)
from twoway_router.carriers.engine import compile_connection
from twoway_router.carriers.errors import BadSignature
from twoway_router.carriers.http import AckOutcome
from twoway_router.carriers.registry import CARRIERS
from twoway_router.carriers.spec import CarrierSpec
from twoway_router.domain.messages import Capability
from twoway_router.domain.outcomes import Done, Failed, Retry, SendReply, Unknown

ALWAYS = ["mo_plain", "mo_ucs2", "mo_missing_sender"]
SENDING = ["dlr_delivered", "dlr_unknown", "send_gsm7", "send_ucs2", "reply_ok", "reply_throttled", "reply_refused"]
MO_CASES = [case for case in requests() if case.kind == "mo"]
PLAIN = [Case(carrier, "mo_plain") for carrier in CARRIERS]
SENDS = [(carrier, name) for carrier in CARRIERS for name in names(carrier, "send_*.json")]
REPLIES = [(carrier, name) for carrier in CARRIERS for name in names(carrier, "reply_*.http")]
ACKS = [(carrier, outcome) for carrier in CARRIERS for outcome in AckOutcome]


def wanted_fixtures(spec: CarrierSpec) -> set[str]:
    events = [event for event in spec.events if event.kind == "mo"]
    wanted = {*ALWAYS, *SENDING}
    if any(event.time for event in events):
        wanted.add("mo_absurd_time")
    if any(event.part for event in events):
        wanted |= {"mo_part_1", "mo_part_2"}
    if spec.send and spec.send.success:
        wanted.add("reply_hidden_failure")
    return wanted


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_carrier_comes_with_its_recorded_requests(carrier: str) -> None:
    found = {*names(carrier, "*.http"), *names(carrier, "*.json")}

    assert wanted_fixtures(CARRIERS[carrier]) - found == set()


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_carrier_has_a_page(carrier: str) -> None:
    assert (HERE.parents[1] / "docs" / "carriers" / f"{carrier}.md").is_file()


@pytest.mark.parametrize("carrier", CARRIERS)
def test_the_recorded_settings_are_complete(carrier: str) -> None:
    told = table(carrier)["connection"]

    assert CARRIERS[carrier].check_settings(told.get("settings", {}), told.get("secrets", {})) == []


@pytest.mark.parametrize("case", requests(), ids=str)
def test_a_recorded_request_is_verified_and_read(case: Case) -> None:
    request, expected = case.request(), case.expected()

    connection(case.carrier).verify(request, NOW)
    parsed = connection(case.carrier).parse(case.kind, request, NOW)

    assert told_of(parsed, expected) == expected


@pytest.mark.parametrize("case", PLAIN, ids=str)
def test_a_request_without_any_proof_is_refused(case: Case) -> None:
    request = case.request()
    bare = replace(request, query="probe=no", headers={}, url=request.url.partition("?")[0], body=b"From=%2B1&sig=")

    with pytest.raises(BadSignature):
        connection(case.carrier).verify(bare, NOW)


@pytest.mark.parametrize("case", PLAIN, ids=str)
def test_a_proof_by_another_secret_is_refused(case: Case) -> None:
    view = view_of(case.carrier)
    other = replace(view, secrets=another(view.secrets), settings=another_settings(view.settings), certificates={})

    with pytest.raises(BadSignature):
        compile_connection(CARRIERS[case.carrier], other).verify(case.request(), NOW)


def another(secrets: Any) -> dict[str, str]:
    return {name: value[::-1] for name, value in secrets.items()}


def another_settings(settings: Any) -> dict[str, Any]:
    changed = {"public_key": "A" * 43 + "=", "topic_arns": "arn:aws:sns:eu-west-1:1:other"}
    return {name: changed.get(name, value) for name, value in settings.items()}


@pytest.mark.parametrize("case", PLAIN, ids=str)
def test_a_repeated_request_has_the_same_id(case: Case) -> None:
    compiled, request = connection(case.carrier), case.request()

    first = compiled.parse("mo", request, NOW).messages
    again = compiled.parse("mo", request, NOW + timedelta(seconds=5)).messages

    assert first[0].carrier_message_id == again[0].carrier_message_id


@pytest.mark.parametrize("case", MO_CASES, ids=str)
def test_a_cut_request_is_never_an_error(case: Case) -> None:
    request = case.request()
    half = replace(request, body=request.body[: len(request.body) // 2], query=request.query[: len(request.query) // 2])

    parsed = connection(case.carrier).parse("mo", half, NOW)

    assert parsed is not None


@pytest.mark.parametrize(("carrier", "outcome"), ACKS)
def test_every_outcome_is_answered_in_the_carrier_s_words(carrier: str, outcome: AckOutcome) -> None:
    expected = table(carrier)["acks"]

    reply = connection(carrier).acknowledge(outcome)

    wanted = expected.get(outcome, expected["stored"])
    assert [reply.status, reply.headers.get("content-type", ""), reply.body.decode()] == wanted


@pytest.mark.parametrize(("carrier", "name"), SENDS)
def test_an_mt_is_written_as_the_carrier_wants_it(carrier: str, name: str) -> None:
    told = json.loads((HERE / carrier / f"{name}.json").read_text())

    request = connection(carrier).build_send(an_mt(told["message"]), NOW)

    assert request_facts(request, told["request"]) == told["request"]


@pytest.mark.parametrize(("carrier", "name"), REPLIES)
def test_an_answer_is_read_into_an_outcome(carrier: str, name: str) -> None:
    expected = table(carrier)["replies"][name]

    outcome = connection(carrier).read_reply(read_reply(HERE / carrier / f"{name}.http"))

    assert facts_of(outcome) == expected


def facts_of(outcome: SendReply) -> list[Any]:
    match outcome:
        case Done(reference=reference):
            return ["done", reference]
        case Retry(account=True, detail=detail):
            return ["account", detail]
        case Retry(after=after, throttled=throttled):
            return ["throttled" if throttled else "retry", plain(after.total_seconds() if after else None)]
        case Failed(opted_out=opted_out, detail=detail):
            return ["opted_out" if opted_out else "failed", detail]
        case Unknown():
            return ["unknown"]


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_carrier_that_can_be_asked_has_a_look_up(carrier: str) -> None:
    spec = CARRIERS[carrier]

    assert (spec.capability is Capability.LOOK_UP) == (spec.look_up is not None)


WITH_PARTS = [carrier for carrier in CARRIERS if any(event.part for event in CARRIERS[carrier].events)]


@pytest.mark.parametrize("carrier", WITH_PARTS)
def test_the_page_says_how_long_a_missing_part_is_waited_for(carrier: str) -> None:
    page = (HERE.parents[1] / "docs" / "carriers" / f"{carrier}.md").read_text()

    wait = {300: "five minutes", 1800: "30 minutes"}[CARRIERS[carrier].part_wait_seconds]
    assert f"missing part is waited for {wait}" in " ".join(page.split())


@pytest.mark.parametrize("carrier", CARRIERS)
def test_the_page_names_every_setting(carrier: str) -> None:
    page = (HERE.parents[1] / "docs" / "carriers" / f"{carrier}.md").read_text()

    missing = [setting.name for setting in CARRIERS[carrier].settings if f"`{setting.name}`" not in page]

    assert missing == []
