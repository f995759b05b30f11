"""What the lab signs is accepted by the carriers' own libraries, and what is changed after that is not."""

import warnings
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import parse_qs, parse_qsl, urlsplit

import orjson
import pytest
from messagebird.error import ValidationError
from messagebird.request_validator import RequestValidator as MessageBirdValidator
from plivo.utils import validate_signature as plivo_v2
from plivo.utils import validate_v3_signature as plivo_v3
from telnyx.lib.webhook_verification import WebhookVerificationError, verify_webhook_signature
from twilio.request_validator import RequestValidator as TwilioValidator
from vonage_http_client.auth import Auth as VonageAuth
from vonage_jwt import verify_signature as vonage_jwt

from twoway_router.lab.dialects.dialect import Account, Call, Mt, Splitting, Status
from twoway_router.lab.dialects.registry import DIALECTS
from twoway_router.lab.dialects.wire import Wire
from twoway_router.lab.mos import Mo, split

with warnings.catch_warnings():
    # The library's own docstrings hold invalid escapes.
    warnings.simplefilter("ignore")
    from sinch.domains.authentication.sinch_events.v1.authentication_validation import (
        validate_sinch_event_signature_with_nonce as sinch_validator,
    )

URL = "https://sms.example/in/lab/1/mo"
Official = Callable[[Wire, Account], bool]
AN_MT = Mt(
    id="mt-1",
    reference="ref-1",
    sender="12345",
    recipient="+393310000001",
    text="Ciao",
    is_repeat=False,
    fault=None,
    at_ns=0,
)


def headers_of(wire: Wire) -> dict[str, str]:
    return {name.lower(): value for name, value in wire.headers.items()}


def pairs_of(wire: Wire) -> str:
    """The form, or the query of a GET."""
    return wire.body.decode() if wire.method == "POST" else urlsplit(wire.url).query


def messagebird(wire: Wire, account: Account) -> bool:
    validator, token = MessageBirdValidator(account["signing_key"]), headers_of(wire)["messagebird-signature-jwt"]
    try:
        validator.validate_signature(token, wire.url, wire.body)
    except ValidationError:
        return False
    return True


def telnyx(wire: Wire, account: Account) -> bool:
    try:
        verify_webhook_signature(wire.body, headers_of(wire), account["public_key"])
    except WebhookVerificationError:
        return False
    return True


def twilio(wire: Wire, account: Account) -> bool:
    fields = parse_qs(wire.body.decode(), keep_blank_values=True)
    flat = {name: values[0] for name, values in fields.items()}
    validator = TwilioValidator(account["auth_token"])
    return bool(validator.validate(wire.url, flat, headers_of(wire).get("x-twilio-signature", "")))


def vonage(wire: Wire, account: Account) -> bool:
    auth = VonageAuth(
        api_key=account["api_key"],
        signature_secret=account["signature_secret"],
        signature_method=account["signature_method"],
    )
    return bool(auth.check_signature(dict(parse_qsl(pairs_of(wire), keep_blank_values=True))))


def vonage_messages(wire: Wire, account: Account) -> bool:
    """The library looks at the token only; that its hash is the body's is ours to see, says its guide."""
    token = headers_of(wire)["authorization"].removeprefix("Bearer ")
    claims = orjson.loads(urlsafe_b64decode(token.split(".")[1] + "=="))
    return (
        bool(vonage_jwt(token, account["signature_secret"])) and claims["payload_hash"] == sha256(wire.body).hexdigest()
    )


def sinch(wire: Wire, account: Account) -> bool:
    return bool(sinch_validator(account["webhook_secret"], headers_of(wire), wire.body.decode()))


def plivo(wire: Wire, account: Account) -> bool:
    headers = headers_of(wire)
    if "x-plivo-signature-v2" in headers:
        nonce, proof = headers["x-plivo-signature-v2-nonce"], headers["x-plivo-signature-v2"]
        return bool(plivo_v2(wire.url, nonce, proof, account["auth_token"]))
    fields = dict(parse_qsl(wire.body.decode(), keep_blank_values=True))
    nonce, proof = headers["x-plivo-signature-v3-nonce"], headers["x-plivo-signature-v3"]
    return bool(plivo_v3(wire.method, wire.url, nonce, account["auth_token"], proof, fields))


OFFICIAL: dict[str, Official] = {
    "messagebird": messagebird,
    "plivo": plivo,
    "sinch": sinch,
    "telnyx": telnyx,
    "twilio": twilio,
    "vonage": vonage,
    "vonage_messages": vonage_messages,
}
UNREADABLE = {("vonage", "json")}
"""Bodies that the library does not read."""

REQUESTS = [
    (name, variant)
    for name in OFFICIAL
    for variant in (*DIALECTS[name].variants, "receipt")
    if (name, variant) not in UNREADABLE
]


def signed(name: str, variant: str, account: Account) -> Wire:
    """One request of the carrier, made now: some libraries look at the clock."""
    call = Call(at=datetime.now(UTC), url=URL, nonce="n-1", account=account)
    if variant == "receipt":
        return DIALECTS[name].receipt(AN_MT, Status("delivered"), call)
    mo = Mo(id="mo-1", sender="+393310000001", recipient="12345", text="PIZZA & 100% = mine", variant=variant)
    (piece,) = split(mo, call.at, Splitting.JOINED)
    return DIALECTS[name].mo(piece, call)


@pytest.mark.parametrize(("name", "variant"), REQUESTS)
def test_the_carrier_s_own_library_accepts_what_the_lab_signs(name: str, variant: str) -> None:
    account = DIALECTS[name].account

    assert OFFICIAL[name](signed(name, variant, account), account)


@pytest.mark.parametrize(("name", "variant"), REQUESTS)
def test_it_refuses_what_somebody_else_signed(name: str, variant: str) -> None:
    dialect = DIALECTS[name]

    assert not OFFICIAL[name](signed(name, variant, dialect.falsify(dialect.account)), dialect.account)


@pytest.mark.parametrize("name", OFFICIAL)
def test_it_refuses_what_was_changed_on_the_way(name: str) -> None:
    account = DIALECTS[name].account
    wire = signed(name, "", account)

    assert not OFFICIAL[name](replace(wire, body=wire.body.replace(b"PIZZA", b"PASTA")), account)
