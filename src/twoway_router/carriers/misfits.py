"""What has the right shape in an operator's spec and cannot work all the same.

Asked by ``spec_files`` before the first message.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import yaml

from twoway_router.carriers.spec import CarrierSpec, Time
from twoway_router.domain.messages import Capability

Step = int | str
Misfit = tuple[tuple[Step, ...], str]

_NAMED_FORMATS: Final = frozenset(("iso", "epoch", "epoch_ms", "auto"))
_SAMPLE: Final = datetime(2026, 11, 22, 12, 30, 45, 123456, tzinfo=UTC)


def misfits_of(spec: CarrierSpec) -> Iterator[Misfit]:
    """Each with its path."""
    for outcome, ack in spec.acks.items():
        if not 200 <= ack.status <= 599:
            yield ("acks", outcome, "status"), f"{ack.status} is no HTTP status that can end a request (200 to 599)"
    if spec.capability is Capability.LOOK_UP and spec.look_up is None:
        yield ("capability",), "look_up needs the part look_up, which says how to ask"
    if spec.send is not None and not spec.send.url.startswith(("http://", "https://", "{")):
        yield ("send", "url"), "must begin with https://, http:// or a setting"
    for ordinal, event in enumerate(spec.events):
        if isinstance(event.time, Time):
            yield from _time_misfits(event.time, ("events", ordinal, "time"))


def repeated_names(tree: yaml.Node | None) -> Iterator[tuple[str, int]]:
    """Names that stand twice in one mapping, with the second's line: YAML would keep the last without a word."""
    seen: set[int] = set()
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            names = [key.value for key, _ in node.value]
            for ordinal, (key, value) in enumerate(node.value):
                if isinstance(key, yaml.ScalarNode) and key.value in names[:ordinal]:
                    yield key.value, key.start_mark.line + 1
                waiting.append(value)


def _time_misfits(time: Time, path: tuple[Step, ...]) -> Iterator[Misfit]:
    try:
        ZoneInfo(time.zone)
    except (ValueError, KeyError, OSError):
        yield (*path, "zone"), f"{time.zone!r} is no time zone"
    for ordinal, form in enumerate(time.formats):
        if form not in _NAMED_FORMATS and not _is_readable(form):
            yield (*path, "formats", ordinal), f"{form!r} is neither {', '.join(sorted(_NAMED_FORMATS))} nor strptime's"


def _is_readable(form: str) -> bool:
    try:
        datetime.strptime(_SAMPLE.strftime(form), form)  # noqa: DTZ007
    except (ValueError, re.error):  # the second: a directive that stands twice
        return False
    return "%" in form
