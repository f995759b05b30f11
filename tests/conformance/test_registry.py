"""The lab can play every carrier that is built in."""

import pytest

from twoway_router.carriers.registry import CARRIERS
from twoway_router.lab.dialects.dialect import Dialect
from twoway_router.lab.dialects.registry import DIALECTS
from twoway_router.lab.web import LabReply, LabRequest

MISSING = {
    "46elks",
    "africastalking",
    "aws",
    "azure",
    "bandwidth",
    "bird",
    "clickatell_legacy",
    "clickatell_one",
    "clickatell_platform",
    "clicksend",
    "cm",
    "infobip",
    "jasmin",
    "messagebird",
    "plivo",
    "sinch",
    "vonage_messages",
}
"""Carriers whose dialect is still to be written."""


def test_every_carrier_has_a_dialect() -> None:
    assert {*DIALECTS, *MISSING} == set(CARRIERS)
    assert not MISSING & set(DIALECTS)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=sorted(DIALECTS))
def test_a_dialect_has_its_name_and_an_account_that_the_carrier_s_spec_takes(dialect: Dialect) -> None:
    account = dialect.account.at("http://127.0.0.1:1")

    assert DIALECTS[dialect.name] is dialect
    assert CARRIERS[dialect.name].check_settings(account.settings, account.secrets) == []


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=sorted(DIALECTS))
def test_a_request_to_nowhere_is_no_send(dialect: Dialect) -> None:
    request = LabRequest(method="POST", path="/nowhere", query=b"", headers=(), body=b"{}")

    assert isinstance(dialect.take(request, dialect.account), LabReply)
