"""Joins parts of long messages: which of the stored parts make a message, and which came too late for theirs.

Pure. Called by ``long_messages`` with all parts of some sets, oldest first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import groupby
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from twoway_router.carriers.reading.parts import Joined, join_parts
from twoway_router.domain.ids import ConnectionId
from twoway_router.domain.messages import InboundMessage, MessagePart, SenderKind

PART_LOCKS: Final = 7
"""First key of the advisory locks on sets of parts."""

LARGEST_PART: Final = 1024
"""Bytes. A part carries 140 octets; the rest is for what gateways make of them."""

LATE_WITHIN: Final = timedelta(minutes=10)
"""A missing part that comes later than this after its message begins a message of its own: references are used again."""


@dataclass(frozen=True, order=True, slots=True)
class SetKey:
    """What the parts of one long message have in common. The sender belongs to it: phones count references alike."""

    connection_id: ConnectionId
    sender: str
    recipient: str
    reference: str
    total: int

    @property
    def lock_key(self) -> int:
        """A signed 32-bit hash."""
        digest = blake2b(repr(self).encode("utf-8", "replace"), digest_size=4).digest()
        return int.from_bytes(digest, "big", signed=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptPart:
    """One part as its row has it. ``facts`` is what its request said besides."""

    id: UUID
    key: SetKey
    carrier_message_id: str
    place: int
    state: str
    body: bytes
    charset: str
    facts: Mapping[str, Any]
    received_at: datetime
    due_at: datetime
    inbound_message_id: UUID | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Whole:
    """A message made of parts. ``last`` is the part that came last."""

    message: InboundMessage
    part_ids: tuple[UUID, ...]
    last: UUID
    connection_id: ConnectionId


@dataclass(frozen=True, kw_only=True, slots=True)
class Late:
    """A part that came after its message had gone without it, and what the message would have been."""

    part_id: UUID
    inbound_message_id: UUID
    text: str
    missing: tuple[int, ...]


@dataclass(slots=True)
class Assembly:
    """What is to be done."""

    wholes: list[Whole] = field(default_factory=list)
    late: list[Late] = field(default_factory=list)


@dataclass(slots=True)
class _Group:
    """Parts of one message: the first to come at a place, and their repeats."""

    parts: dict[int, KeptPart] = field(default_factory=dict)
    repeats: list[KeptPart] = field(default_factory=list)

    def takes(self, part: KeptPart) -> bool:
        """Add the part unless another one has its place: then the reference is being used again."""
        known = self.parts.setdefault(part.place, part)
        if known is not part and known.body == part.body:
            self.repeats.append(part)
        return known is part or known.body == part.body

    @property
    def is_complete(self) -> bool:
        return any(len(self.parts) == part.key.total for part in self.parts.values())

    @property
    def newest(self) -> KeptPart:
        return max(self.parts.values(), key=attrgetter("id"))

    def joined(self) -> Joined:
        return join_parts(
            MessagePart(reference="", index=part.place, total=part.key.total, body=part.body, charset=part.charset)
            for part in self.parts.values()
        )


def facts_of(message: InboundMessage) -> dict[str, Any]:
    """What a part's request said besides its text, as JSON."""
    return {
        "sender_kind": message.sender_kind.value,
        "carrier_time": message.carrier_time.isoformat() if message.carrier_time else None,
        "operator": message.operator,
        "reply_token": message.reply_token,
        "carrier_opted_out": message.carrier_opted_out,
        "carrier_replied": message.carrier_replied,
        "extra": dict(message.extra),
    }


def assemble(parts: Sequence[KeptPart], now: datetime) -> Assembly:
    """Make what can be made: complete messages, those whose wait is over, those whose reference is used again."""
    result = Assembly()
    for _, found in groupby(sorted(parts, key=lambda part: (part.key, part.id)), key=attrgetter("key")):
        _assemble_set(list(found), now, result)
    return result


def _assemble_set(parts: Sequence[KeptPart], now: datetime, result: Assembly) -> None:
    gone: dict[UUID, _Group] = {}  # messages that went without some parts, with the parts that came since
    for part in parts:
        if part.inbound_message_id is not None:
            gone.setdefault(part.inbound_message_id, _Group()).takes(part)
    group = _Group()
    for part in parts:
        if part.state != "waiting":
            continue
        if not group.parts and (late := _late(part, gone)) is not None:
            result.late.append(late)
        elif not group.takes(part):
            result.wholes.append(_whole(group))
            group = _Group(parts={part.place: part})
        elif group.is_complete:
            result.wholes.append(_whole(group))
            group = _Group()
    if group.parts and group.newest.due_at <= now:
        result.wholes.append(_whole(group))


def _late(part: KeptPart, gone: Mapping[UUID, _Group]) -> Late | None:
    for message_id, group in gone.items():
        if part.place not in group.parts and part.received_at - group.newest.due_at <= LATE_WITHIN:
            group.takes(part)
            joined = group.joined()
            return Late(part_id=part.id, inbound_message_id=message_id, text=joined.text, missing=joined.missing)
    return None


def _whole(group: _Group) -> Whole:
    """The message; what only one part can say (its id, its token) is taken from the first part that is there."""
    ordered = [group.parts[place] for place in sorted(group.parts)]
    first, joined = ordered[0], group.joined()
    times = [datetime.fromisoformat(time) for part in ordered if (time := part.facts.get("carrier_time"))]
    extra: dict[str, str] = {}
    for part in reversed(ordered):
        extra |= part.facts.get("extra", {})
    extra["parts"] = str(first.key.total)
    if joined.missing:
        extra["missing_parts"] = ",".join(map(str, joined.missing))
    message = InboundMessage(
        carrier_message_id=first.carrier_message_id,
        sender=first.key.sender,
        sender_kind=SenderKind(first.facts["sender_kind"]),
        recipient=first.key.recipient,
        text=joined.text,
        carrier_time=min(times, default=None),
        operator=_first_fact(ordered, "operator"),
        reply_token=_first_fact(ordered, "reply_token"),
        carrier_opted_out=any(part.facts.get("carrier_opted_out") for part in ordered),
        carrier_replied=any(part.facts.get("carrier_replied") for part in ordered),
        missing_parts=joined.missing,
        extra=extra,
    )
    ids = (*(part.id for part in ordered), *(part.id for part in group.repeats))
    return Whole(message=message, part_ids=ids, last=max(ids), connection_id=first.key.connection_id)


def _first_fact(parts: Iterable[KeptPart], name: str) -> str | None:
    return next((str(fact) for part in parts if (fact := part.facts.get(name))), None)
