"""What has the right shape in an operator's spec and cannot work all the same.

Asked by ``spec_files`` before the first message.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

import yaml

from twoway_router.carriers.answers import problem_with
from twoway_router.carriers.checking.event_rules import Mistake, Step, event_mistakes
from twoway_router.carriers.proving.verifiers import OPTIONS
from twoway_router.carriers.spec import EVERYWHERE, CarrierSpec
from twoway_router.domain.messages import Capability

__all__ = ["Mistake", "Step", "mistakes_of", "repeated_names"]

_SETTING: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
"""What the management API takes for a name."""

_METHOD: Final = re.compile(r"[A-Z]+")
_LIMITS: Final = ("body_limit", "digest_window_seconds", "part_wait_seconds")


def mistakes_of(spec: CarrierSpec) -> Iterator[Mistake]:
    """Each with its path."""
    yield from _setting_mistakes(spec)
    yield from _auth_mistakes(spec)
    if not spec.decode:
        yield ("decode",), "must name at least one body that can be read"
    if not spec.events and spec.send is None and spec.configure is None:
        yield ("events",), "must hold at least one event: nothing could be read"
    for ordinal, event in enumerate(spec.events):
        yield from event_mistakes(event, ("events", ordinal))
    for outcome, ack in spec.acks.items():
        if problem := problem_with(ack):
            yield ("acks", outcome, problem[0]), problem[1]
    yield from (((name,), "must be more than 0") for name in _LIMITS if getattr(spec, name) <= 0)
    yield from _send_mistakes(spec)


def _setting_mistakes(spec: CarrierSpec) -> Iterator[Mistake]:
    counted = Counter(setting.name for setting in spec.settings)
    taken = {setting.name for setting in EVERYWHERE}
    for ordinal, setting in enumerate(spec.settings):
        at: tuple[Step, ...] = ("settings", ordinal, "name")
        if _SETTING.fullmatch(setting.name) is None:
            yield at, "must be lower-case letters, digits and underscores, a letter first"
        elif setting.name in taken:
            yield at, f"every connection has a setting {setting.name} already"
        elif counted[setting.name] > 1:
            yield at, f"there is another setting {setting.name}"
        if setting.choices and setting.default is not None and setting.default not in setting.choices:
            yield ("settings", ordinal, "default"), f"must be one of {', '.join(setting.choices)}"


def _auth_mistakes(spec: CarrierSpec) -> Iterator[Mistake]:
    known = {setting.name for setting in spec.settings}
    if not spec.auth and "allow_unsigned" not in known:
        yield ("auth",), "must hold at least one proof: without any every request is refused"
    for ordinal, auth in enumerate(spec.auth):
        at: tuple[Step, ...] = ("auth", ordinal, "options")
        for name in sorted(auth.needs - known):
            yield at, f"{{{name}}} is no setting of this carrier"
        options = OPTIONS.get(auth.verifier, frozenset(auth.options))
        for name in sorted(set(auth.options) - options):
            yield (*at, name), f"{auth.verifier} has no such option; it has {', '.join(sorted(options))}"


def _send_mistakes(spec: CarrierSpec) -> Iterator[Mistake]:
    if spec.capability is Capability.LOOK_UP and spec.look_up is None:
        yield ("capability",), "look_up needs the part look_up, which says how to ask"
    if spec.send is None:
        return
    if not spec.send.url.startswith(("http://", "https://", "{")):
        yield ("send", "url"), "must begin with https://, http:// or a setting"
    if _METHOD.fullmatch(spec.send.method) is None:
        yield ("send", "method"), "must be a method of HTTP, such as POST"


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
            # What ``<<`` merged was written elsewhere, and the mapping's own names may replace it.
            start, end = node.start_mark.index, node.end_mark.index
            own = [(key, value) for key, value in node.value if start <= key.start_mark.index < end]
            names = [key.value for key, _ in own]
            for ordinal, (key, value) in enumerate(own):
                if isinstance(key, yaml.ScalarNode) and key.value in names[:ordinal]:
                    yield key.value, key.start_mark.line + 1
                waiting.append(value)
