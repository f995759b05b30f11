"""AWS: MOs and events through SNS, sends to End User Messaging signed with Signature Version 4."""

import hmac
import re
from dataclasses import replace
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from twoway_router.lab.behaviour import Fault, Report, RetryRule
from twoway_router.lab.client import Answer
from twoway_router.lab.dialects.dialect import Account, Ack, Dialect, Mt, Piece, TakenMt
from twoway_router.lab.dialects.sns import CERTIFICATE, CERTIFICATE_URL, KEY, notification
from twoway_router.lab.dialects.wire import Moment, Wire, b64, json_of, refusal, sha256
from twoway_router.lab.web import LabReply, LabRequest

_TOPIC: Final = "arn:aws:sns:eu-west-1:000000000000:lab"
_PROOF: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})"
)
_FINAL: Final = frozenset({"DELIVERED", "UNREACHABLE", "TTL_EXPIRED", "CARRIER_BLOCKED"})


def _mo(piece: Piece, url: str, _: Moment, account: Account) -> Wire:
    message = {
        "originationNumber": piece.sender,
        "destinationNumber": piece.recipient,
        "messageKeyword": "KEYWORD_000000000000",
        "messageBody": piece.text,
        "previousPublishedMessageId": "",
        "inboundMessageId": piece.id,
    }
    version = "2" if piece.variant == "signature_2" else "1"
    return notification(url, _TOPIC, f"sns-{piece.id}", message, piece.at, account["private_key"], version)


def _receipt(mt: Mt, word: str, url: str, moment: Moment, account: Account) -> Wire:
    event = {
        "eventType": f"TEXT_{word}",
        "eventVersion": "1.0",
        "eventTimestamp": int(moment.at.timestamp() * 1000),
        "isFinal": word in _FINAL,
        "originationPhoneNumber": mt.sender,
        "destinationPhoneNumber": mt.recipient,
        "isInternationalSend": False,
        "mcc": "222",
        "mnc": "01",
        "messageId": mt.id,
        "messageRequestTimestamp": mt.at_ns // 1_000_000,
        "messageEncoding": "GSM" if mt.text.isascii() else "Unicode",
        "messageType": "TRANSACTIONAL",
        "messageStatus": word,
        "messageStatusDescription": "as the lab was told",
        "context": {"reference": mt.reference} if mt.reference else {},
        "totalMessageParts": 1,
    }
    return notification(url, _TOPIC, f"sns-{moment.nonce}", event, moment.at, account["private_key"])


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


def _take(request: LabRequest, account: Account) -> TakenMt | LabReply:
    if (request.method, request.path) != ("POST", "/"):
        return _error("UnknownOperationException", "", 404)
    if not _is_ours(request, account):
        return _error("InvalidSignatureException", "The request signature we calculated does not match", 403)
    if request.header(b"x-amz-target") != "PinpointSMSVoiceV2.SendTextMessage":
        return _error("UnknownOperationException", "")
    match json_of(request):
        case {
            "DestinationPhoneNumber": str(recipient),
            "OriginationIdentity": str(sender),
            "MessageBody": str(text),
            **others,
        }:
            context = others.get("Context")
            reference = context.get("reference", "") if isinstance(context, dict) else ""
            return TakenMt(sender=sender, recipient=recipient, text=text, reference=str(reference))
    return _error("ValidationException", "Missing parameter", Reason="MISSING_PARAMETER")


def _reads(answer: Answer) -> Ack:
    """Whether SNS repeats after a 4xx is unconfirmed: the worse is assumed."""
    if answer.is_success:
        return Ack.TAKEN
    return Ack.LOST if 400 <= answer.status < 500 and answer.status != 429 else Ack.AGAIN


def _falsify(account: Account) -> Account:
    """Another secret, and another key than the certificate's."""
    key = generate_private_key(public_exponent=65537, key_size=2048)
    other = b64(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    return replace(account, secrets={"secret_access_key": "not-the-lab-s-secret"}, private={"private_key": other})


DIALECT: Final = Dialect(
    account=Account(
        carrier="aws",
        settings={
            "topic_arns": _TOPIC,
            "region": "eu-west-1",
            "access_key_id": "LABACCESSKEYID",
            "configuration_set": "lab",
            "api_url": "{lab}",
        },
        secrets={"secret_access_key": "lab-aws-secret-access-key"},
        private={"private_key": KEY},
    ),
    falsify=_falsify,
    mo=_mo,
    receipt=_receipt,
    words={
        Report.ACCEPTED: "PENDING",
        Report.DELIVERED: "DELIVERED",
        Report.FAILED: "UNREACHABLE",
        Report.EXPIRED: "TTL_EXPIRED",
        Report.REJECTED: "CARRIER_BLOCKED",
    },
    take=_take,
    accepted=lambda mt: LabReply.json({"MessageId": mt.id}),
    refusals={
        Fault.THROTTLED: _error("ThrottlingException", "Rate exceeded"),
        Fault.PERMANENT: _error("ValidationException", "Invalid parameter", Reason="INVALID_PARAMETER"),
        Fault.OPTED_OUT: _error(
            "ConflictException", "The destination has opted out", Reason="DESTINATION_PHONE_NUMBER_OPTED_OUT"
        ),
    },
    reads=_reads,
    retry=RetryRule(tries=4, first_seconds=20, factor=1, longest_seconds=20, timeout_seconds=15),
    variants=("", "signature_2"),
    certificates={CERTIFICATE_URL: CERTIFICATE},
)
