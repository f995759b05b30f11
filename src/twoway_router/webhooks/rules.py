"""What a webhook endpoint may be, its secrets, and the bodies of its events. Pure; used by service, delivery and API."""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import orjson

from twoway_router.domain.addresses import Network, may_reach, read_address
from twoway_router.domain.causes import EffectKey
from twoway_router.domain.errors import Conflict, FieldError, NotFound, Unprocessable
from twoway_router.domain.ids import TenantId, WebhookEndpointId

WHSEC: Final = "whsec_"
SECRET_BYTES: Final = 32
ROTATION_OVERLAP: Final = timedelta(hours=24)
MAX_BODY_BYTES: Final = 20_000
DELETED: Final = "deleted"
_CUT: Final = 1_000
_LOCAL_NAMES: Final = ("localhost", "local", "internal", "localdomain", "home", "lan", "intranet", "arpa")
PORTS: Final = frozenset({80, 443, 8443})
"""Where webhooks may go; only an allowed private network is free of this."""

_HOST: Final = re.compile(r"(?=.{1,253}$)([\w]([\w-]{0,61}[\w])?\.)*[\w]([\w-]{0,61}[\w])?")
_NUMERIC: Final = re.compile(r"(0[xX][0-9a-fA-F]*|\d+)(\.(0[xX][0-9a-fA-F]*|\d+))*")


class EndpointNotFound(NotFound):
    """There is no such webhook endpoint, or it is not yours."""

    code = "webhook_endpoint_not_found"


class DeliveryNotFound(NotFound):
    """There is no such webhook delivery, or it is not yours."""

    code = "webhook_delivery_not_found"


class EndpointIsDisabled(Conflict):
    """This webhook endpoint is disabled. Enable it first."""

    code = "webhook_endpoint_disabled"


class DeliveryInProgress(Conflict):
    """This webhook delivery is still being tried."""

    code = "webhook_delivery_in_progress"


class BadWebhookUrl(Unprocessable):
    """This URL cannot receive webhooks."""

    code = "webhook_url_not_acceptable"


class BadWebhookSecret(Unprocessable):
    """A secret is `whsec_` and the base64 of 24 to 64 bytes."""

    code = "webhook_secret_not_acceptable"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryDraft:
    """One event for one endpoint."""

    tenant_id: TenantId
    endpoint_id: WebhookEndpointId
    event_type: str
    data: Mapping[str, object]
    key: EffectKey
    inbound_message_id: UUID | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewDelivery:
    """A delivery to be stored."""

    id: UUID
    draft: DeliveryDraft
    body: str


def check_url(url: str, allowed: Sequence[Network]) -> None:
    """Raise ``BadWebhookUrl`` for what can be seen to be wrong; names are judged again whenever they are resolved.

    ``allowed`` are private networks that the operator permits; with one, plain http may be meant for it.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _bad_url("not a URL") from None
    if parts.scheme not in ("http", "https") or not url.isprintable() or " " in url:
        raise _bad_url("not an https URL")
    if parts.scheme == "http" and not allowed:
        raise _bad_url("https is required")
    if parts.username is not None or parts.password is not None or parts.fragment or port == 0:
        raise _bad_url("no user, password or fragment is allowed")
    if not allowed and port is not None and port not in PORTS:
        raise _bad_url(f"the port must be one of {', '.join(map(str, sorted(PORTS)))}")
    _check_host(host, allowed)


def _check_host(host: str, allowed: Sequence[Network]) -> None:
    if (address := read_address(host)) is not None:
        if not may_reach(address, allowed):
            raise _bad_url("the address is not public")
    elif not _HOST.fullmatch(host.removesuffix(".")) or _NUMERIC.fullmatch(host):
        raise _bad_url("not a host name")
    elif not allowed and ("." not in host or host.removesuffix(".").rpartition(".")[2].lower() in _LOCAL_NAMES):
        raise _bad_url("the host is not public")


def _bad_url(reason: str) -> BadWebhookUrl:
    return BadWebhookUrl(errors=[FieldError(pointer="/url", detail=reason)])


def make_secret(entropy: Callable[[int], bytes]) -> str:
    """A new signing secret as Standard Webhooks write it."""
    return WHSEC + b64encode(entropy(SECRET_BYTES)).decode("ascii")


def check_secret(secret: str) -> None:
    """Raise ``BadWebhookSecret`` for a secret that a tenant brings and that is none."""
    try:
        size = len(b64decode(secret.removeprefix(WHSEC), validate=True))
    except (Base64Error, ValueError):
        size = 0
    if not secret.startswith(WHSEC) or not 24 <= size <= 64:
        raise BadWebhookSecret(errors=[FieldError(pointer="/secret", detail=str(BadWebhookSecret()))])


def seal_value(secrets: Sequence[str]) -> Mapping[str, object]:
    """The object that is sealed into ``webhook_endpoints.secrets``, the newest secret first."""
    return {"secrets": list(secrets)}


def signing_secrets(
    opened: Mapping[str, object], previous_expires_at: datetime | None, now: datetime
) -> tuple[str, ...]:
    """The secrets that sign at this time: the newest, and the one before it until it expires."""
    listed = opened.get("secrets")
    secrets = tuple(str(secret) for secret in listed) if isinstance(listed, list) else ()
    return secrets if previous_expires_at is not None and previous_expires_at > now else secrets[:1]


def event_body(event_type: str, data: Mapping[str, object], timestamp: datetime) -> str:
    """The JSON that is signed and sent. Long texts are cut when it would become too large for receivers."""
    event: dict[str, object] = {"type": event_type, "timestamp": timestamp, "data": data}
    body = _as_json(event)
    return body if len(body.encode()) <= MAX_BODY_BYTES else _as_json(event | {"data": _cut(data), "is_cut": True})


def _as_json(event: Mapping[str, object]) -> str:
    """Ids that come from the driver are a subclass of UUID, which orjson does not know by itself."""
    return orjson.dumps(event, option=orjson.OPT_UTC_Z, default=str).decode()


def _cut(value: object) -> object:
    if isinstance(value, str):
        return value[:_CUT]
    if isinstance(value, Mapping):
        return {key: _cut(each) for key, each in list(value.items())[:50]}
    if isinstance(value, list | tuple):
        return [_cut(each) for each in value[:50]]
    return value
