"""What one carrier request brought, and what became of it. Made by ``endpoint``, stored by ``accept``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b

from twoway_router.domain.ids import ConnectionId
from twoway_router.domain.messages import DeliveryReceipt, InboundMessage


class Stored(StrEnum):
    """What became of an arrival. Only ``stored`` differs from ``duplicate`` in metrics; carriers get the same answer."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, kw_only=True, slots=True)
class RejectedRequest:
    """A verified request, or a part of one, that could not be understood. Headers are redacted already."""

    kind: str
    reason: str
    method: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """Everything that one request asks us to keep. ``part_wait`` is how long a part waits for the others.

    ``is_sandbox`` keeps what a tenant made up out of the metrics of live traffic.
    """

    connection_id: ConnectionId
    received_at: datetime
    messages: tuple[InboundMessage, ...] = ()
    receipts: tuple[DeliveryReceipt, ...] = ()
    rejects: tuple[RejectedRequest, ...] = ()
    part_wait: timedelta = timedelta(minutes=5)
    is_sandbox: bool = False


def id_of_reuse(message: InboundMessage) -> str:
    """What stands for a carrier's id that another message had before: the same for each repeat of this message."""
    said = f"{message.sender}\0{message.text}".encode("utf-8", "replace")
    return f"{message.carrier_message_id}#{blake2b(said, digest_size=8).hexdigest()}"
