"""The carriers' tables of errors: what is our account's fault, what is tried again, what counts as sent."""

import json
from pathlib import Path

import pytest

import twoway_router.carriers
from tests.carriers.cases import connection
from twoway_router.carriers.http import HttpReply
from twoway_router.carriers.registry import CARRIERS
from twoway_router.domain.outcomes import Done, Failed, Retry, SendReply

SPECS = Path(twoway_router.carriers.__file__).parent / "specs"
JSON = {"content-type": "application/json"}


def answer(carrier: str, status: int, body: object) -> SendReply:
    text = body if isinstance(body, str) else json.dumps(body)
    return connection(carrier).read_reply(HttpReply(status=status, headers=JSON, body=text.encode()))


def kind_of(outcome: SendReply) -> str:
    match outcome:
        case Retry(account=True, reason="carrier_account"):
            return "account"
        case Retry(throttled=True):
            return "throttled"
        case Retry():
            return "retry"
        case Failed():
            return "failed"
        case _:
            return type(outcome).__name__


def infobip(name: str) -> object:
    return {"messages": [{"messageId": "mt-1", "status": {"groupId": 5, "name": name}}]}


@pytest.mark.parametrize(
    ("carrier", "status", "body", "kind"),
    [
        ("twilio", 429, {"code": 21611}, "retry"),
        ("twilio", 429, {"code": 14107}, "retry"),
        ("twilio", 401, {"code": 20003}, "account"),
        ("twilio", 400, {"code": 21606}, "account"),
        ("twilio", 403, {"code": 99999}, "failed"),
        ("vonage", 200, {"messages": [{"status": "10"}]}, "retry"),
        ("vonage", 200, {"messages": [{"status": "9"}]}, "account"),
        ("vonage_messages", 402, {"title": "Low balance"}, "account"),
        ("telnyx", 429, {"errors": [{"code": "40318"}]}, "retry"),
        ("telnyx", 403, {"errors": [{"code": "20100"}]}, "account"),
        ("infobip", 200, infobip("REJECTED_FLOODING_FILTER"), "retry"),
        ("infobip", 200, infobip("REJECTED_SENDER"), "account"),
        ("jasmin", 412, 'Error "No route found"', "retry"),
        ("jasmin", 403, 'Error "Authentication failure for username:me"', "account"),
        ("jasmin", 403, 'Error "Value filter failed for username:me"', "failed"),
        ("clickatell_legacy", 200, "ERR: 001, Authentication failed", "account"),
        ("clickatell_legacy", 200, "ERR: 901, Internal error", "retry"),
        ("46elks", 403, "Missing key to", "failed"),
        ("generic", 401, {}, "account"),
        ("generic", 402, {"code": "pay"}, "account"),
        ("generic", 403, {}, "account"),
        ("generic", 403, {"code": "bad_number"}, "failed"),
    ],
    ids=str,
)
def test_a_documented_code_is_read_as_what_it_is(carrier: str, status: int, body: object, kind: str) -> None:
    assert kind_of(answer(carrier, status, body)) == kind


def test_an_id_that_infobip_knows_already_is_sent() -> None:
    outcome = answer("infobip", 200, infobip("REJECTED_DUPLICATE_MESSAGE_ID"))

    assert outcome == Done(reference="mt-1", detail="code rejected_duplicate_message_id")


@pytest.mark.parametrize("carrier", sorted(set(CARRIERS) - {"generic", "sandbox"}))
def test_each_table_of_errors_names_its_source(carrier: str) -> None:
    lines = (SPECS / f"{carrier}.yaml").read_text().splitlines()
    start = lines.index("  errors:")
    comments = [line for line in lines[start - 2 : start] if line.startswith("  # ")]

    assert any("https://" in line or "guide" in line for line in comments)
