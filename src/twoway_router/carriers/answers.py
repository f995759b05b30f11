"""What carriers get back: acknowledgements per outcome, answers to probes, the URL their receipts go to. For ``engine``."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from twoway_router.carriers.errors import SpecError
from twoway_router.carriers.http import AckOutcome, HttpReply, RawRequest
from twoway_router.carriers.placeholders import Values, fill
from twoway_router.carriers.reading.decoders import query_bytes, read_pairs
from twoway_router.carriers.spec import Ack, CarrierSpec

Acks = Mapping[AckOutcome, HttpReply]

_DEFAULTS: Final[Mapping[AckOutcome, Ack]] = {
    AckOutcome.STORED: Ack(status=200),
    AckOutcome.BAD_AUTH: Ack(status=403),
    AckOutcome.MALFORMED: Ack(status=400),
    AckOutcome.TOO_LARGE: Ack(status=413),
    AckOutcome.OVERLOADED: Ack(status=503),
}
_BODILESS: Final = (204, 205, 304)
_AS_STORED: Final = (AckOutcome.DUPLICATE, AckOutcome.QUARANTINED, AckOutcome.PROBE)
"""Unless a spec says otherwise these are answered as if the message were new: anything else makes carriers repeat it."""


def compile_acks(spec: CarrierSpec) -> Acks:
    """One ready answer per outcome."""
    acks = {**_DEFAULTS, **spec.acks}
    acks |= {outcome: acks[AckOutcome.STORED] for outcome in _AS_STORED if outcome not in acks}
    for outcome, ack in acks.items():
        if problem := problem_with(ack):
            raise SpecError(f"acks.{outcome}.{problem[0]}", problem[1])
    return {outcome: _reply(acks[outcome]) for outcome in AckOutcome}


def problem_with(ack: Ack) -> tuple[str, str] | None:
    """What of this answer no server could give, and why; None when it can be given."""
    if not 200 <= ack.status <= 599:
        return "status", f"{ack.status} is no HTTP status that can end a request (200 to 599)"
    if ack.body and ack.status in _BODILESS:
        return "body", f"an answer with status {ack.status} has no body"
    if not (ack.content_type.isascii() and ack.content_type.isprintable()):
        return "content_type", "a content type is printable ASCII"
    return None


def _reply(ack: Ack) -> HttpReply:
    headers = {"content-type": ack.content_type} if ack.status not in _BODILESS else {}
    return HttpReply(status=ack.status, headers=headers, body=ack.body.encode())


def compile_receipt_url(spec: CarrierSpec, values: Values, public_url: str) -> str:
    """Our own address for receipts, with what their requests must prove: the key in its query, user and password in front."""
    url = public_url.rstrip("/") + "/dlr" if public_url else ""
    for auth in spec.auth:
        if not url or not all(values.get(name) for name in auth.needs):
            continue
        options = {name: quote(fill(option, values), safe="") for name, option in auth.options.items()}
        if auth.verifier == "query_key":
            url += f"?{options.get('parameter', 'key')}={options['secret']}"
        if auth.verifier == "basic":
            url = url.replace("://", f"://{options['username']}:{options['password']}@", 1)
    return url


def probe_answer(spec: CarrierSpec, request: RawRequest, acks: Acks) -> HttpReply | None:
    """The answer to a request that only asks whether we are there; None for every other request."""
    if "options" in spec.probes and request.method == "OPTIONS":
        origin = request.headers.get("webhook-request-origin", "")
        allowed = (
            {"webhook-allowed-origin": origin, "webhook-allowed-rate": "*"} if origin.isprintable() and origin else {}
        )
        return HttpReply(status=200, headers=allowed)
    if "bare_get" in spec.probes and request.method in ("GET", "HEAD") and not request.body:
        names = {name for name, _ in read_pairs(query_bytes(request.query))}
        return acks[AckOutcome.PROBE] if names <= {"key"} else None
    return None
