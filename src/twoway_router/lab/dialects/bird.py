"""Bird: JSON events in an envelope, signed over time, URL and body; the channel, not the message, names our number.

In the lab a channel's id is its number, so that an MT's sender can be seen.
"""

from typing import Final

from twoway_router.lab.behaviour import RetryRule
from twoway_router.lab.dialects.dialect import Call, Dialect, Mt, Piece, Status, lab_account, refusals, words
from twoway_router.lab.dialects.sends import SendApi, accepted, header
from twoway_router.lab.dialects.wire import Wire, b64, mac, refusal, sha256
from twoway_router.lab.web import LabReply

_NUMBER: Final = "12345"

_MO: Final = """
{"service": "channels", "event": "sms.inbound", "createdAt": "{call.iso_ms}", "payload":
 {"id": "{mo.id}", "channelId": "{mo.recipient}",
  "sender": {"contact": {"id": "contact-{mo.sender}", "identifierKey": "phonenumber", "identifierValue": "{mo.sender}"}},
  "receiver": {"connector": {"id": "86cc4dc0-0000-4000-8000-00000000001a"}},
  "body": {"type": "text", "text": {"text": "{mo.text}"}}, "meta": {"extraInformation": {"timestamp": "{mo.iso_ms}"}},
  "reference": "", "parts": [{"platformReference": "lab-{mo.id}"}], "status": "delivered", "reason": "",
  "direction": "incoming", "lastStatusAt": "{mo.iso_ms}", "createdAt": "{mo.iso_ms}", "updatedAt": "{mo.iso_ms}"}}
"""
_RECEIPT: Final = """
{"service": "channels", "event": "sms.outbound", "createdAt": "{call.iso_ms}", "payload":
 {"id": "{mt.id}", "channelId": "{mt.sender}",
  "receiver": {"contacts": [
    {"id": "contact-{mt.recipient}", "identifierKey": "phonenumber", "identifierValue": "{mt.recipient}"}]},
  "body": {"type": "text", "text": {"text": "{mt.text}"}}, "reference": "{mt.reference}", "status": "{status.word}",
  "reason": "", "direction": "outgoing", "lastStatusAt": "{call.iso_ms}", "createdAt": "{call.iso_ms}",
  "updatedAt": "{call.iso_ms}", "failure?": "{failure}"}}
"""


def _signed(wire: Wire, call: Call) -> Wire:
    digest = bytes.fromhex(sha256(wire.body))
    proof = mac(call.account["signing_key"], f"{call.epoch}\n{wire.url}\n".encode() + digest)
    return wire.with_headers({"messagebird-signature": b64(proof), "messagebird-request-timestamp": call.epoch})


def _mo(mo: Piece, call: Call) -> Wire:
    event = call.fill(_MO, mo=mo)
    return _signed(call.post_json(event["payload"] if mo.variant == "bare" else event), call)


def _receipt(mt: Mt, status: Status, call: Call) -> Wire:
    failure = {} if status.word in ("sent", "delivered") else {"code": 5, "description": "absent subscriber"}
    return _signed(call.post_json(_RECEIPT, mt=mt, status=status, failure=failure), call)


def _error(code: str, text: str, status: int) -> LabReply:
    return refusal({"code": code, "message": text}, status)


DIALECT: Final = Dialect(
    account=lab_account(
        "bird",
        "access_key",
        "signing_key",
        workspace_id="lab-workspace",
        channel_id=_NUMBER,
        number=_NUMBER,
        api_url="{lab}",
    ),
    mo=_mo,
    receipt=_receipt,
    words=words("accepted: sent, delivered: delivered, failed: delivery_failed, rejected: rejected"),
    take=SendApi(
        at="POST /workspaces/{workspace_id}/channels/(?P<sender>[^/]+)/messages",
        proof=header("authorization", "AccessKey {access_key}"),
        mt="""{"receiver": {"contacts": [{"identifierValue": "{recipient}"}]}, "reference?": "{reference}",
            "body": {"type": "text", "text": {"text": "{text}"}}}""",
        nowhere=_error("NotFound", "Not found", 404),
        unproven=_error("Unauthorized", "Access key is not valid", 401),
        incomplete=_error("InvalidPayload", "The request payload is not valid", 422),
    ),
    accepted=accepted(
        """{"id": "{mt.id}", "channelId": "{mt.sender}", "reference": "{mt.reference}", "status": "accepted", "receiver":
            {"contacts": [{"id": "contact-{mt.recipient}", "identifierKey": "phonenumber", "identifierValue": "{mt.recipient}"}]},
            "direction": "outgoing"}""",
        202,
    ),
    refusals=refusals(
        throttled=_error("TooManyRequests", "Too many requests", 429),
        permanent=_error("InvalidPayload", "The request payload is not valid", 422),
    ),
    retry=RetryRule(tries=14, first_seconds=60, longest_seconds=3600),
    variants=("", "bare"),
    number_settings=("channel_id", "number"),
)
