"""Signs the requests that hand MTs over, where a carrier demands a signature with the time of sending. Named by specs.

The host is signed too; whoever sends the request writes that header.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final
from urllib.parse import urlsplit

from twoway_router.carriers.errors import SpecError
from twoway_router.carriers.http import HttpRequest
from twoway_router.carriers.placeholders import Values
from twoway_router.carriers.proving.primitives import keyed

Sign = Callable[[HttpRequest, datetime], HttpRequest]


def aws(values: Values) -> Sign:
    """AWS Signature Version 4 for the SMS service of a region."""
    key_id, secret, region = values["access_key_id"], values["secret_access_key"], values["region"]
    service = "sms-voice"

    def sign(request: HttpRequest, now: datetime) -> HttpRequest:
        stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        parts = urlsplit(request.url)
        sent = {**request.headers, "x-amz-date": stamp}
        headers = {**sent, "host": parts.netloc}
        names = ";".join(sorted(headers))
        lines = [request.method, parts.path or "/", parts.query]
        lines += [f"{name}:{headers[name].strip()}" for name in sorted(headers)]
        lines += ["", names, hashlib.sha256(request.body).hexdigest()]
        scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        key = f"AWS4{secret}".encode()
        for word in scope.split("/"):
            key = keyed("sha256", key, word.encode())
        proof = keyed("sha256", key, f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}".encode()).hex()
        authorization = f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={proof}"
        return replace(request, headers={**sent, "authorization": authorization})

    return sign


def azure(values: Values) -> Sign:
    """The HMAC of Azure Communication Services over date, host and body."""
    try:
        key = base64.b64decode(values["access_key"], validate=True)
    except ValueError as error:
        raise SpecError("secrets.access_key", "is no base64") from error

    def sign(request: HttpRequest, now: datetime) -> HttpRequest:
        parts = urlsplit(request.url)
        date = format_datetime(now.astimezone(UTC), usegmt=True)
        digest = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        text = f"{request.method}\n{target}\n{date};{parts.netloc};{digest}"
        proof = base64.b64encode(keyed("sha256", key, text.encode())).decode()
        authorization = f"HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={proof}"
        signed = {"x-ms-date": date, "x-ms-content-sha256": digest, "authorization": authorization}
        return replace(request, headers={**request.headers, **signed})

    return sign


SIGNERS: Final[Mapping[str, Callable[[Values], Sign]]] = {"aws": aws, "azure": azure}
