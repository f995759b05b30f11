"""Selects the events of a request by content and endpoint, and collects their messages and receipts. For ``engine``."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import orjson

from twoway_router.carriers.http import HttpReply
from twoway_router.carriers.reading.events import Handshake, Outcome, Reader, Reject, compile_event
from twoway_router.carriers.reading.fields import Getter, Predicate, Scene, compile_path, compile_when
from twoway_router.carriers.spec import CarrierSpec
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


class Selection:
    """The events of one connection, by the list that they are looked for in (None: the document itself)."""

    def __init__(self, spec: CarrierSpec, country: str | None) -> None:
        by_list: dict[str | None, list[_Choice]] = {}
        for event in spec.events:
            kind = event.kind if event.when is None and event.kind in ("mo", "dlr") else None
            choice = _Choice(kind, compile_when(event.when), compile_event(event, spec, country))
            by_list.setdefault(event.each, []).append(choice)
        self._groups = tuple((compile_path(path) if path else None, choices) for path, choices in by_list.items())

    def read(self, kind: Kind, scene: Scene, now: datetime) -> Parsed:
        """Everything the document holds; what no event claims is a reject."""
        outcomes: list[Outcome] = []
        for elements_of, choices in self._groups:
            elements = _elements(elements_of, scene)
            for element in elements[:MAX_EVENTS]:
                scene.item = element
                chosen = next((one for one in choices if one.kind in (None, kind) and one.applies(scene)), None)
                if chosen is not None:
                    outcomes.append(chosen.read(scene, now))
                elif elements_of is not None:
                    outcomes.append(Reject(reason="unknown_event"))
            if len(elements) > MAX_EVENTS:
                outcomes.append(Reject(reason="too_many_events"))
            scene.item = scene.root
        return _gather(outcomes or [Reject(reason="unknown_event")])


def _elements(elements_of: Getter | None, scene: Scene) -> list[object]:
    if elements_of is None:
        return [scene.root] if isinstance(scene.root, dict) else []
    value = elements_of(scene)
    if isinstance(value, list):
        return value
    return [] if value is None or value == "" else [value]


def _gather(outcomes: Iterable[Outcome]) -> Parsed:
    """Sort by kind. A handshake is answered only when nothing that must be stored came with it."""
    messages: list[InboundMessage] = []
    receipts: list[DeliveryReceipt] = []
    rejects: list[Reject] = []
    handshake: Handshake | None = None
    ignored = 0
    for outcome in outcomes:
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
    answer = None
    if handshake is not None and handshake.answer:
        body = orjson.dumps(dict(handshake.answer))
        answer = HttpReply(status=200, headers={"content-type": "application/json"}, body=body)
    return Parsed(
        messages=tuple(messages),
        receipts=tuple(receipts),
        rejects=tuple(rejects),
        ignored=ignored,
        is_probe=handshake is not None,
        answer=answer,
        confirm_url=handshake.confirm_url if handshake else None,
    )
