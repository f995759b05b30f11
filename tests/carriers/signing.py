"""Signs recorded requests as each carrier does, written from the carriers' documents and apart from the verifiers."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import parse_qsl

from twoway_router.carriers.http import RawRequest

Signer = Callable[[RawRequest, Mapping[str, str], datetime], RawRequest]


@dataclass(frozen=True, slots=True)
class Signers:
    """How each carrier signs; who is not named here proves itself by the key in the recorded URL."""

    by_carrier: dict[str, Signer]
    certificates: dict[str, str] = field(default_factory=dict)


def with_headers(request: RawRequest, **headers: str) -> RawRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(request, headers={**request.headers, **named})


def twilio(request: RawRequest, secrets: Mapping[str, str], _: datetime) -> RawRequest:
    pairs = parse_qsl(request.body.decode(), keep_blank_values=True) if request.method == "POST" else []
    text = request.url + "".join(name + value for name, value in sorted(set(pairs)))
    proof = hmac.new(secrets["auth_token"].encode(), text.encode(), hashlib.sha1).digest()
    return with_headers(request, x_twilio_signature=base64.b64encode(proof).decode())


SIGNERS = Signers(
    by_carrier={
        "twilio": twilio,
    }
)
