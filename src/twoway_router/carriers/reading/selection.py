"""Selects the events of a request by content and endpoint, and gathers what they hold. For ``engine``."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import orjson

from twoway_router.carriers.http import HttpReply
from twoway_router.carriers.reading.events import Handshake, Outcome, Reader, Reject, compile_event
from twoway_router.carriers.reading.fields import Getter, Predicate, Scene, compile_path, compile_when
from twoway_router.carriers.spec import CarrierSpec, Event
from twoway_router.domain.messages import DeliveryReceipt, InboundMessage

Kind = Literal["mo", "dlr"]

MAX_EVENTS: Final = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """What one request holds. ``answer`` replaces the acknowledgement; ``confirm_url`` is to be fetched in the background."""

    messages: tuple[InboundMessage, ...] = ()
    receipts: tuple[DeliveryReceipt, ...] = ()
    rejects: tuple[Reject, ...] = ()
    ignored: int = 0
    is_probe: bool = False
    answer: HttpReply | None = None
    confirm_url: str | None = None


@dataclass(frozen=True, slots=True)
class _Choice:
    """One compiled event. ``kind`` is None when the content and not the endpoint selects it."""

    kind: str | None
    applies: Predicate
    read: Reader


@dataclass(frozen=True, slots=True)
class _Group:
    """The events that are looked for in the same list, or (without one) in the document itself."""

    elements: Getter | None
    choices: tuple[_Choice, ...]


class Selection:
    """The events of one connection."""

    def __init__(self, spec: CarrierSpec, country: str | None) -> None:
        paths = tuple(dict.fromkeys(event.each for event in spec.events))
        self._groups = tuple(
            _Group(
                compile_path(path) if path else None,
                tuple(_choice(event, spec, country) for event in spec.events if event.each == path),
            )
            for path in paths
        )

    def read(self, kind: Kind, scene: Scene, now: datetime) -> Parsed:
        """Everything the document holds; what no event claims is a reject."""
        found: list[Outcome] = []
        for group in self._groups:
            elements = _elements(group, scene)
            for element in elements[:MAX_EVENTS]:
                scene.item = element
                outcome = _read(group.choices, kind, scene, now)
                if outcome is not None:
                    found.append(outcome)
                elif group.elements is not None:
                    found.append(Reject(reason="unknown_event"))
            if len(elements) > MAX_EVENTS:
                found.append(Reject(reason="too_many_events"))
            scene.item = scene.root
        return _gather(found or [Reject(reason="unknown_event")])


def _choice(event: Event, spec: CarrierSpec, country: str | None) -> _Choice:
    kind = event.kind if event.when is None and event.kind in ("mo", "dlr") else None
    return _Choice(kind, compile_when(event.when), compile_event(event, spec, country))


def _elements(group: _Group, scene: Scene) -> list[object]:
    if group.elements is None:
        return [scene.root] if isinstance(scene.root, dict) else []
    found = group.elements(scene)
    if isinstance(found, list):
        return found
    return [] if found is None or found == "" else [found]


def _read(choices: tuple[_Choice, ...], kind: Kind, scene: Scene, now: datetime) -> Outcome | None:
    for choice in choices:
        if choice.kind in (None, kind) and choice.applies(scene):
            return choice.read(scene, now)
    return None


def _gather(found: Iterable[Outcome]) -> Parsed:
    """Sort what was found. A handshake is answered only when nothing that must be stored came with it."""
    messages: list[InboundMessage] = []
    receipts: list[DeliveryReceipt] = []
    rejects: list[Reject] = []
    handshake: Handshake | None = None
    ignored = 0
    for outcome in found:
        match outcome:
            case InboundMessage():
                messages.append(outcome)
            case DeliveryReceipt():
                receipts.append(outcome)
            case Reject():
                rejects.append(outcome)
            case Handshake():
                handshake = outcome
            case _:
                ignored += 1
    if messages or receipts:
        handshake = None
    return Parsed(
        messages=tuple(messages),
        receipts=tuple(receipts),
        rejects=tuple(rejects),
        ignored=ignored,
        is_probe=handshake is not None,
        answer=_answer(handshake),
        confirm_url=handshake.confirm_url if handshake else None,
    )


def _answer(handshake: Handshake | None) -> HttpReply | None:
    if handshake is None or not handshake.answer:
        return None
    body = orjson.dumps(dict(handshake.answer))
    return HttpReply(status=200, headers={"content-type": "application/json"}, body=body)
