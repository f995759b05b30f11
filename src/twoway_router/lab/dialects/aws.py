"""AWS: MOs and events through SNS, sends to End User Messaging signed with Signature Version 4."""

import hmac
import re
from dataclasses import replace
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from twoway_router.lab.behaviour import RetryRule
from twoway_router.lab.dialects.dialect import (
    MISTAKES,
    SUCCESS,
    Account,
    Call,
    Dialect,
    Mt,
    Piece,
    Status,
    acks,
    lab_account,
    refusals,
    words,
)
from twoway_router.lab.dialects.sends import SendApi, accepted
from twoway_router.lab.dialects.sns import CERTIFICATE, CERTIFICATE_URL, KEY, notification
from twoway_router.lab.dialects.wire import Wire, b64, json_of, refusal, sha256
from twoway_router.lab.web import LabReply, LabRequest

_TOPIC: Final = "arn:aws:sns:eu-west-1:000000000000:lab"
_PROOF: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})"
)
_FINAL: Final = frozenset({"DELIVERED", "UNREACHABLE", "TTL_EXPIRED", "CARRIER_BLOCKED"})

_MO: Final = """
{"originationNumber": "{mo.sender}", "destinationNumber": "{mo.recipient}", "messageKeyword": "KEYWORD_000000000000",
 "messageBody": "{mo.text}", "previousPublishedMessageId": "", "inboundMessageId": "{mo.id}"}
"""
_RECEIPT: Final = """
{"eventType": "TEXT_{status.word}", "eventVersion": "1.0", "eventTimestamp": "{call.epoch_ms}", "isFinal": "{is_final}",
 "originationPhoneNumber": "{mt.sender}", "destinationPhoneNumber": "{mt.recipient}", "isInternationalSend": false,
 "mcc": "222", "mnc": "01", "messageId": "{mt.id}", "messageRequestTimestamp": "{requested_ms}", "messageEncoding": "{encoding}",
 "messageType": "TRANSACTIONAL", "messageStatus": "{status.word}", "messageStatusDescription": "as the lab was told",
 "context": {"reference?": "{mt.reference}"}, "totalMessageParts": 1}
"""


def _mo(mo: Piece, call: Call) -> Wire:
    version = "2" if mo.variant == "signature_2" else "1"
    key = call.account["private_key"]
    return notification(call.url, _TOPIC, f"sns-{mo.id}", call.fill(_MO, mo=mo), mo.iso_ms, key, version)


def _receipt(mt: Mt, status: Status, call: Call) -> Wire:
    values = {"is_final": status.word in _FINAL, "requested_ms": mt.at_ns // 1_000_000}
    event = call.fill(_RECEIPT, mt=mt, status=status, encoding="GSM" if mt.text.isascii() else "Unicode", **values)
    return notification(call.url, _TOPIC, f"sns-{call.nonce}", event, call.iso_ms, call.account["private_key"])


def _is_ours(request: LabRequest, account: Account) -> bool:
    """The host and all of Amazon's headers must be signed, for this region and service, with this account's key."""
    found = _PROOF.fullmatch(request.header(b"authorization"))
    stamp = request.header(b"x-amz-date")
    if found is None:
        return False
    key_id, day, scope, signed, proof = found.groups()
    names = signed.split(";")
    wanted = {"host"} | {name.decode() for name, _ in request.headers if name.startswith(b"x-amz-")}
    if key_id != account["access_key_id"] or not wanted <= set(names) or not stamp.startswith(day):
        return False
    query = "&".join(sorted(request.query.decode("latin-1").split("&")))
    headers = [f"{name}:{' '.join(request.header(name.encode()).split())}" for name in names]
    canonical = "\n".join([request.method, request.path, query, *headers, "", signed, sha256(request.body)])
    key = f"AWS4{account['secret_access_key']}".encode()
    for word in (day, account["region"], "sms-voice", "aws4_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{day}/{scope}\n{sha256(canonical.encode())}"
    return hmac.digest(key, text.encode(), "sha256").hex() == proof


def _error(kind: str, text: str, status: int = 400, **others: str) -> LabReply:
    """With the name of the error in its namespace, as this protocol has it."""
    return refusal({"__type": f"com.amazonaws.pinpointsmsvoicev2#{kind}", "Message": text, **others}, status)


def _falsify(account: Account) -> Account:
    """Another secret, and another key than the certificate's."""
    key = generate_private_key(public_exponent=65537, key_size=2048)
    other = b64(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    return replace(account, secrets={"secret_access_key": "not-the-lab-s-secret"}, private={"private_key": other})


DIALECT: Final = Dialect(
    account=lab_account(
        "aws",
        "secret_access_key",
        private={"private_key": KEY},
        topic_arns=_TOPIC,
        region="eu-west-1",
        access_key_id="LABACCESSKEYID",
        configuration_set="lab",
        api_url="{lab}",
    ),
    falsify=_falsify,
    mo=_mo,
    receipt=_receipt,
    words=words(
        "accepted: PENDING, delivered: DELIVERED, failed: UNREACHABLE, expired: TTL_EXPIRED, rejected: CARRIER_BLOCKED"
    ),
    take=SendApi(
        at="POST /",
        proof=_is_ours,
        read=lambda request: {**json_of(request), "x-amz-target": request.header(b"x-amz-target")},
        mt="""{"x-amz-target": "PinpointSMSVoiceV2.SendTextMessage", "DestinationPhoneNumber": "{recipient}",
            "OriginationIdentity": "{sender}", "MessageBody": "{text}", "Context?": {"reference?": "{reference}"}}""",
        nowhere=_error("UnknownOperationException", "", 404),
        unproven=_error("InvalidSignatureException", "The request signature we calculated does not match", 403),
        incomplete=_error("ValidationException", "Missing parameter", Reason="MISSING_PARAMETER"),
    ),
    accepted=accepted('{"MessageId": "{mt.id}"}'),
    refusals=refusals(
        throttled=_error("ThrottlingException", "Rate exceeded"),
        permanent=_error("ValidationException", "Invalid parameter", Reason="INVALID_PARAMETER"),
        opted_out=_error(
            "ConflictException", "The destination has opted out", Reason="DESTINATION_PHONE_NUMBER_OPTED_OUT"
        ),
    ),
    # Whether SNS repeats after a 4xx is unconfirmed: the worse is assumed.
    reads=acks(*SUCCESS, lost=MISTAKES),
    retry=RetryRule(tries=4, first_seconds=20, factor=1, longest_seconds=20, timeout_seconds=15),
    variants=("", "signature_2"),
    certificates={CERTIFICATE_URL: CERTIFICATE},
)
