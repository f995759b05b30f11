"""Signs an event as Standard Webhooks say and posts it once. Called by ``webhooks.delivery``."""

import hmac
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from twoway_router.carriers.http import HttpReply, HttpRequest
from twoway_router.outbound.errors import SendRefused
from twoway_router.outbound.http import HttpClient

USER_AGENT: Final = "twoway-router-webhooks/1"
_PREFIX: Final = "whsec_"


def sign(secrets: Sequence[str], *, webhook_id: str, timestamp: int, body: bytes) -> str:
    """The ``webhook-signature`` header: one signature per valid secret, so that secrets are rotated without a gap."""
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    signatures = (hmac.digest(_key(secret), signed, sha256) for secret in secrets)
    return " ".join("v1," + b64encode(signature).decode("ascii") for signature in signatures)


async def post_webhook(
    client: HttpClient,
    url: str,
    *,
    webhook_id: str,
    body: str,
    secrets: Sequence[str],
    now: datetime,
    timeout: timedelta,
) -> HttpReply:
    """One try. Raises ``SendRefused`` or ``SendUnknown``; for a webhook both mean: try again."""
    content, timestamp = body.encode(), int(now.timestamp())
    headers = {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secrets, webhook_id=webhook_id, timestamp=timestamp, body=content),
    }
    return await client.send(HttpRequest(method="POST", url=url, headers=headers, body=content), timeout=timeout)


def _key(secret: str) -> bytes:
    try:
        key = b64decode(secret.removeprefix(_PREFIX) + "==")
    except Base64Error as error:
        raise SendRefused("secret_unreadable") from error
    if not key:
        raise SendRefused("secret_unreadable")
    return key
