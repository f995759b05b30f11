"""The lab can play every carrier that is built in."""

from uuid import UUID

import pytest

from twoway_router.carriers.engine import ConnectionView, compile_connection
from twoway_router.carriers.http import AckOutcome, HttpReply
from twoway_router.carriers.registry import CARRIERS
from twoway_router.domain.ids import ConnectionId
from twoway_router.lab.behaviour import Fault, Report
from twoway_router.lab.client import Answer
from twoway_router.lab.dialects.dialect import Ack, Dialect
from twoway_router.lab.dialects.registry import DIALECTS
from twoway_router.lab.web import LabReply, LabRequest

KEPT = (AckOutcome.STORED, AckOutcome.DUPLICATE, AckOutcome.QUARANTINED, AckOutcome.PROBE)


def test_every_carrier_has_a_dialect() -> None:
    assert set(DIALECTS) == set(CARRIERS)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
def test_a_dialect_has_its_name_and_an_account_that_the_carrier_s_spec_takes(dialect: Dialect) -> None:
    account = dialect.account.at("http://127.0.0.1:1")

    assert DIALECTS[dialect.name] is dialect
    assert CARRIERS[dialect.name].check_settings(account.settings, account.secrets) == []


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
def test_our_answers_mean_to_the_carrier_what_we_mean(dialect: Dialect) -> None:
    account = dialect.account.at("http://127.0.0.1:1")
    view = ConnectionView(
        connection_id=ConnectionId(UUID(int=1)),
        carrier=account.carrier,
        country=account.country,
        settings=account.settings,
        secrets=account.secrets,
    )
    connection = compile_connection(CARRIERS[dialect.name], view)

    told = {outcome: dialect.reads(answered(connection.acknowledge(outcome))) for outcome in AckOutcome}

    assert {told[outcome] for outcome in KEPT} == {Ack.TAKEN}
    assert told[AckOutcome.OVERLOADED] is Ack.AGAIN
    assert dialect.is_refusal(answered(connection.acknowledge(AckOutcome.BAD_AUTH)))


def answered(reply: HttpReply) -> Answer:
    """Our answer as the carrier gets it."""
    head = "".join(f"\r\n{name}: {value}" for name, value in reply.headers.items()).lower()
    return Answer(status=reply.status, body=reply.body, head=head.encode())


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
def test_a_dialect_is_of_one_piece(dialect: Dialect) -> None:
    assert dialect.narrow <= set(dialect.variants)
    assert all(fault.is_worded for fault in dialect.refusals)
    assert {Fault.THROTTLED, Fault.PERMANENT} <= set(dialect.refusals)
    assert {Report.DELIVERED, Report.FAILED} <= set(dialect.words)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
def test_a_request_to_nowhere_is_no_send(dialect: Dialect) -> None:
    request = LabRequest(method="POST", path="/nowhere", query=b"", headers=(), body=b"{}")

    assert isinstance(dialect.take(request, dialect.account), LabReply)
