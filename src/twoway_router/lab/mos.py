"""What handsets send, and in what disorder the carrier passes it on. Pure and replayable by a seed; asked by ``emitter``."""

import random
import zlib
from collections.abc import Collection, Sequence
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


def misfit(mo: Mo, variants: Collection[str], narrow: Collection[str]) -> str | None:
    """Why an MO cannot be sent in its variant, if so."""
    if mo.variant not in variants:
        return f"{mo.id}: no variant {mo.variant}"
    return f"{mo.id}: {mo.variant} carries ASCII only" if mo.variant in narrow and not mo.text.isascii() else None


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
    octets = mo.text.encode("utf-16-be" if is_wide else "ascii")
    if splitting is Splitting.JOINED or len(octets) <= (_LONGEST_WIDE if is_wide else _LONGEST):
        return [_piece(mo, at, mo.text, octets, is_wide, None)]
    size = _WIDE_PART if is_wide else _NARROW_PART
    if splitting is Splitting.BY_TEXT:
        bodies = [text.encode("utf-16-be" if is_wide else "ascii") for text in _by_text(mo.text, size, is_wide)]
    else:
        bodies = [octets[start : start + size] for start in range(0, len(octets), size)]
    reference = zlib.crc32(mo.id.encode()) % 256
    charset = "utf-16-be" if is_wide else "ascii"
    return [
        _piece(
            mo,
            at,
            body.decode(charset, "replace"),
            body,
            is_wide,
            Part(reference=reference, index=index, total=len(bodies)),
        )
        for index, body in enumerate(bodies, start=1)
    ]


def _by_text(text: str, size: int, is_wide: bool) -> Sequence[str]:
    """Parts of whole characters that fit into ``size`` octets."""
    parts, used = [""], 0
    for letter in text:
        cost = len(letter.encode("utf-16-be")) if is_wide else 1
        if used + cost > size:
            parts.append("")
            used = 0
        parts[-1] += letter
        used += cost
    return parts


def _piece(mo: Mo, at: datetime, text: str, octets: bytes, is_wide: bool, part: Part | None) -> Piece:
    return Piece(
        id=f"{mo.id}-{part.index}" if part else mo.id,
        sender=mo.sender,
        recipient=mo.recipient,
        text=text,
        octets=octets,
        is_wide=is_wide,
        at=at,
        variant=mo.variant,
        is_opt_out=mo.is_opt_out,
        part=part,
    )
