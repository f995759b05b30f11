"""Compiles a spec's events: from one element of a decoded request to a message, a receipt or a reason why not.

``engine`` calls the compiled reader for every element; nothing here raises on content.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from twoway_router.carriers.reading.charsets import clean, decode_bytes, to_bytes
from twoway_router.carriers.reading.fields import (
    Predicate,
    Reading,
    Scene,
    TextGetter,
    compile_field,
    compile_text,
    compile_when,
)
from twoway_router.carriers.reading.parts import number_part, read_header, split_body
from twoway_router.carriers.reading.times import compile_time
from twoway_router.carriers.sns_hosts import is_allowed
from twoway_router.carriers.spec import CarrierSpec, Event, Part, When
from twoway_router.domain.messages import DeliveryReceipt, DeliveryState, InboundMessage, MessagePart
from twoway_router.domain.msisdn import read_address

MAX_ID = 200
MAX_WORD = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Reject:
    """Something verified that could not be understood. ``reason`` is a stable code."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Handshake:
    """A question of the carrier that is answered at once, or a URL that is to be fetched in the background."""

    answer: Mapping[str, str]
    confirm_url: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Ignored:
    """Understood and of no interest."""


Outcome = InboundMessage | DeliveryReceipt | Reject | Handshake | Ignored
Reader = Callable[[Scene, datetime], Outcome]
PartReader = Callable[[Scene, Reading], MessagePart | None]


def compile_event(event: Event, spec: CarrierSpec, country: str | None) -> Reader:
    """What turns one selected element into a value of ours."""
    if event.kind == "mo":
        return _message_reader(event, spec, country)
    if event.kind == "dlr":
        return _receipt_reader(event, spec, country)
    return _handshake_reader(event) if event.kind == "handshake" else lambda *_: Ignored()


def _handshake_reader(event: Event) -> Reader:
    answer = tuple((name, compile_text(path)) for name, path in event.answer.items())
    confirm = compile_text(event.confirm)

    def read(scene: Scene, _: datetime) -> Outcome:
        url = confirm(scene)
        if url and not is_allowed(url):
            return Reject(reason="foreign_confirmation")
        return Handshake(answer={name: get(scene) or "" for name, get in answer}, confirm_url=url)

    return read


def _message_reader(event: Event, spec: CarrierSpec, country: str | None) -> Reader:
    sender, recipient = compile_text(event.sender), compile_text(event.recipient)
    reading, time = compile_field(event.text or "text"), compile_time(event.time)
    opted_out, replied = _flag(event.opted_out), _flag(event.replied)
    operator, token, part_of = _word(event.operator), _word(event.reply_token), _part_reader(event.part)
    extra, identify = _extra_reader(event.extra), _identifier(event, spec.digest_window_seconds)
    is_international = spec.numbers == "international"

    def read(scene: Scene, now: datetime) -> Outcome:
        from_address, to_address = sender(scene), recipient(scene)
        if not from_address or not to_address:
            return Reject(reason="missing_recipient" if from_address else "missing_sender")
        text, at = reading(scene) or Reading("", None, "utf-8"), time(scene, now)
        address, kind = read_address(_bare(from_address), country, is_international=is_international)
        number, _ = read_address(_bare(to_address), country, is_international=is_international)
        part = part_of(scene, text) if part_of else None
        place = f"{part.reference}/{part.index}/{part.total}" if part else ""
        return InboundMessage(
            carrier_message_id=identify(scene, (address, number, text.text, place), at, now),
            sender=address,
            sender_kind=kind,
            recipient=number,
            text=text.text if part is None else clean(decode_bytes(part.body, part.charset)),
            carrier_time=at,
            operator=operator(scene) if operator else None,
            reply_token=token(scene) if token else None,
            carrier_opted_out=opted_out(scene) if opted_out else False,
            carrier_replied=replied(scene) if replied else False,
            part=part,
            extra=extra(scene) if extra else {},
        )

    return read


def _bare(address: str) -> str:
    """Without the scheme that gateways of the OneAPI kind put in front, and no longer than what is remembered of it."""
    return (address[4:] if address[:4].lower() == "tel:" else address)[:MAX_ID]


def _flag(when: When | None) -> Predicate | None:
    return compile_when(when) if when is not None else None


def _word(path: str | None) -> TextGetter | None:
    if path is None:
        return None
    read = compile_text(path)
    return lambda scene: (read(scene) or "")[:MAX_WORD] or None


def _error(path: str | None) -> TextGetter | None:
    """A code of zeros is how many carriers write that nothing is wrong."""
    read = _word(path)
    return None if read is None else lambda scene: word if (word := read(scene)) and word.strip("0") else None


def _identifier(event: Event, window: int) -> Callable[[Scene, tuple[str, ...], datetime | None, datetime], str]:
    """The carrier's id, or a digest of what distinguishes messages.

    Without a carrier's time, equal messages within one window of arrival count as one.
    """
    identifier, reference = compile_text(event.id), compile_text(event.reference)

    def identify(scene: Scene, facts: tuple[str, ...], at: datetime | None, now: datetime) -> str:
        if given := identifier(scene):
            return given if len(given) <= MAX_ID else _digest((given,))
        when = at.isoformat() if at else f"window {int(now.timestamp()) // max(window, 1)}"
        return _digest((*facts, when, reference(scene) or ""))

    return identify


def _digest(facts: tuple[str, ...]) -> str:
    return "digest:" + hashlib.sha256(to_bytes("\x1f".join(facts))).hexdigest()[:40]


def _part_reader(part: Part | None) -> PartReader | None:
    if part is None:
        return None
    places = tuple(compile_text(path) for path in (part.reference, part.index, part.total))
    header = compile_field(part.header) if part.header else None

    def read(scene: Scene, text: Reading) -> MessagePart | None:
        body = text.raw if text.raw is not None else to_bytes(text.text)
        number = number_part(*(place(scene) for place in places))
        if number is None and header and (found := header(scene)) and found.raw:
            number = read_header(found.raw)
        if number is None and part.is_header_in_body:
            number, body = split_body(body)
        if number is None:
            return None
        return MessagePart(
            reference=number.reference[:MAX_ID], index=number.index, total=number.total, body=body, charset=text.charset
        )

    return read


def _extra_reader(extra: Mapping[str, str]) -> Callable[[Scene], dict[str, str]] | None:
    getters = tuple((name, compile_text(path)) for name, path in extra.items())
    if not getters:
        return None
    return lambda scene: {name: value[:MAX_WORD] for name, read in getters if (value := read(scene))}


def _states(statuses: Mapping[str, DeliveryState]) -> Callable[[str], DeliveryState]:
    """The carrier's words, in any case; ``esme_*`` stands for every word that begins so and is not listed itself."""
    exact = {word.lower(): state for word, state in statuses.items()}
    prefixes = tuple((word[:-1], state) for word, state in exact.items() if word.endswith("*"))

    def state_of(word: str) -> DeliveryState:
        if (state := exact.get(word)) is not None:
            return state
        return next((state for prefix, state in prefixes if word.startswith(prefix)), DeliveryState.UNKNOWN)

    return state_of


def _receipt_reader(event: Event, spec: CarrierSpec, country: str | None) -> Reader:
    identifier, reference = _word(event.id), _word(event.reference)
    status, error, recipient = compile_text(event.status), _error(event.error), compile_text(event.recipient)
    time, opted_out = compile_time(event.time), _flag(event.opted_out)
    state_of = _states(event.statuses or spec.statuses)
    is_international = spec.numbers == "international"

    def read(scene: Scene, now: datetime) -> Outcome:
        ours = reference(scene) if reference else None
        theirs = identifier(scene) if identifier and not ours else None
        word = status(scene)
        if word is None:
            return Reject(reason="missing_status")
        if not ours and not theirs:
            return Reject(reason="missing_reference")
        address = recipient(scene)
        number = read_address(_bare(address), country, is_international=is_international)[0] if address else None
        return DeliveryReceipt(
            state=state_of(word.lower()),
            raw_state=word[:MAX_WORD],
            carrier_message_id=theirs,
            reference=ours,
            recipient=number,
            error=error(scene) if error else None,
            carrier_time=time(scene, now),
            opted_out=opted_out(scene) if opted_out else False,
        )

    return read
