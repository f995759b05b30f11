"""MOs as handsets send them, and the parts, copies and order in which a carrier passes them on. Pure; asked by ``emitter``.

A seed repeats the same disorder.
"""

import random
import zlib
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from twoway_router.lab.dialects.dialect import Part, Piece, Splitting

_NARROW_PART: Final = 153
_WIDE_PART: Final = 134
_LONGEST: Final = 160
_LONGEST_WIDE: Final = 140


class Mo(BaseModel):
    """One MO as a handset sent it. ``id`` is the carrier's; the same id again, at the same time, is a carrier's repeat."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    sender: str
    recipient: str
    text: str
    at: datetime | None = Field(None, description="When the handset sent it; none: now.")
    variant: str = Field("", description="One of the dialect's variants: another method or charset.")
    is_opt_out: bool = Field(False, description="The carrier took it for a STOP, answered it, and says so.")


class Copies(StrEnum):
    """When the copies of a request come: all at once, or after everything else."""

    TOGETHER = "together"
    LATER = "later"


class Disorder(BaseModel):
    """What the carrier does to the requests of one MO."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    is_shuffled: bool = Field(False, description="Parts of a long message come in any order.")
    copies: int = Field(1, ge=1, le=50, description="How often each request is made.")
    copies_come: Copies = Copies.LATER
    variants: tuple[str, ...] = Field((), description="Each MO that names no variant gets one of these.")


class MoBurst(BaseModel):
    """MOs to emit: ``rate`` per second (None: as fast as the answers come) on ``connections`` connections."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    headers: dict[str, str] = Field(default_factory=dict)
    messages: list[Mo]
    rate: float | None = Field(None, gt=0)
    connections: int = Field(16, ge=1, le=512)
    disorder: Disorder = Disorder()


def with_variant(mo: Mo, disorder: Disorder) -> Mo:
    """The MO in its own variant, or in one that the disorder chooses for it."""
    if mo.variant or not disorder.variants:
        return mo
    chance = random.Random(f"{disorder.seed}/{mo.id}/variant")  # noqa: S311 a replayable choice, no secret
    return mo.model_copy(update={"variant": chance.choice(disorder.variants)})


def refusals_of(burst: MoBurst, variants: Collection[str], narrow: Collection[str]) -> Iterator[str]:
    """Why MOs cannot be sent in their variants."""
    for mo in (with_variant(mo, burst.disorder) for mo in burst.messages):
        if mo.variant not in variants:
            yield f"{mo.id}: no variant {mo.variant}"
        elif mo.variant in narrow and not mo.text.isascii():
            yield f"{mo.id}: {mo.variant} carries ASCII only"


def plan(mo: Mo, at: datetime, splitting: Splitting, disorder: Disorder) -> Sequence[Sequence[Piece]]:
    """The requests of one MO in rounds: those of one round are made at the same time."""
    chance = random.Random(f"{disorder.seed}/{mo.id}")  # noqa: S311 a replayable choice, no secret
    pieces = list(split(mo, at, splitting))
    if disorder.is_shuffled:
        chance.shuffle(pieces)
    if disorder.copies_come is Copies.TOGETHER:
        return [[piece] * disorder.copies for piece in pieces]
    rounds = [[piece] for piece in pieces]
    for _ in range(disorder.copies - 1):
        again = list(pieces)
        if disorder.is_shuffled:
            chance.shuffle(again)
        rounds += [[piece] for piece in again]
    return rounds


def split(mo: Mo, at: datetime, splitting: Splitting) -> Sequence[Piece]:
    """One piece, or the parts of a text that is too long for one SMS where this carrier does not join them."""
    is_wide = not mo.text.isascii()
    charset, longest, size = ("utf-16-be", _LONGEST_WIDE, _WIDE_PART) if is_wide else ("ascii", _LONGEST, _NARROW_PART)
    octets = mo.text.encode(charset)
    if splitting is Splitting.JOINED or len(octets) <= longest:
        bodies = [octets]
    elif splitting is Splitting.BY_OCTETS:
        bodies = [octets[start : start + size] for start in range(0, len(octets), size)]
    else:
        bodies = [b""]
        for letter in mo.text:
            body = letter.encode(charset)
            if len(bodies[-1]) + len(body) > size:
                bodies.append(b"")
            bodies[-1] += body
    reference, total = zlib.crc32(mo.id.encode()) % 256, len(bodies)
    parts = (
        [Part(reference=reference, index=index, total=total) for index in range(1, total + 1)] if total > 1 else [None]
    )
    return [
        Piece(
            id=f"{mo.id}-{part.index}" if part else mo.id,
            sender=mo.sender,
            recipient=mo.recipient,
            text=body.decode(charset, "replace") if part else mo.text,
            octets=body,
            is_wide=is_wide,
            at=at,
            variant=mo.variant,
            is_opt_out=mo.is_opt_out,
            part=part,
        )
        for part, body in zip(parts, bodies, strict=True)
    ]
