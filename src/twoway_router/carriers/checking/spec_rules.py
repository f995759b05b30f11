"""What has the right shape in a spec and cannot work all the same. Asked by ``spec_files``, before a trial run."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Final

from twoway_router.carriers.answers import problem_with
from twoway_router.carriers.checking.event_rules import Mistake, Step, event_mistakes
from twoway_router.carriers.hooks import CONFIGURATORS, HOOKS
from twoway_router.carriers.proving.verifiers import VERIFIERS
from twoway_router.carriers.reading.charsets import codec_of
from twoway_router.carriers.sending.signers import SIGNERS
from twoway_router.carriers.spec import EVERYWHERE, NAME, CarrierSpec, Field
from twoway_router.domain.messages import Capability

_SETTING: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
"""What the management API takes for a name."""

_METHOD: Final = re.compile(r"[A-Z]+")
_LIMITS: Final = ("body_limit", "digest_window_seconds", "part_wait_seconds")


def mistakes_of(spec: CarrierSpec) -> Iterator[Mistake]:
    """Every mistake with its path."""
    if NAME.fullmatch(spec.name) is None:
        yield ("name",), "must be lower-case letters, digits and underscores: it stands in URLs"
    known: Mapping[str, tuple[str | None, Mapping[str, object]]] = {
        "hook": (spec.hook, HOOKS),
        "configure": (spec.configure, CONFIGURATORS),
    }
    for place, (name, names) in known.items():
        if name is not None and name not in names:
            yield (place,), f"must be one of {', '.join(names)}"
    yield from _setting_mistakes(spec)
    yield from _auth_mistakes(spec)
    if not spec.decode:
        yield ("decode",), "must name at least one body that can be read"
    if not spec.events and spec.send is None and spec.configure is None:
        yield ("events",), "must hold at least one event: nothing could be read"
    for ordinal, event in enumerate(spec.events):
        yield from event_mistakes(event, ("events", ordinal))
    yield from _charset_mistakes(spec.events, ("events",))
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
        if (verifier := VERIFIERS.get(auth.verifier)) is None:
            yield ("auth", ordinal, "verifier"), f"must be one of {', '.join(VERIFIERS)}"
            continue
        for name in sorted(set(auth.options) - verifier.options):
            yield (*at, name), f"{auth.verifier} has no such option; it has {', '.join(sorted(verifier.options))}"


def _send_mistakes(spec: CarrierSpec) -> Iterator[Mistake]:
    if spec.capability is Capability.LOOK_UP and spec.look_up is None:
        yield ("capability",), "look_up needs the part look_up, which says how to ask"
    if spec.send is None:
        return
    if spec.send.signer is not None and spec.send.signer not in SIGNERS:
        yield ("send", "signer"), f"must be one of {', '.join(SIGNERS)}"
    if not spec.send.url.startswith(("http://", "https://", "{")):
        yield ("send", "url"), "must begin with https://, http:// or a setting"
    if _METHOD.fullmatch(spec.send.method) is None:
        yield ("send", "method"), "must be a method of HTTP, such as POST"


def _charset_mistakes(value: object, at: tuple[Step, ...]) -> Iterator[Mistake]:
    """In every ``Field``, wherever it stands. A charset that is a setting is tried out with the rest of the spec."""
    if isinstance(value, Field):
        charsets: dict[tuple[Step, ...], str] = {("charset",): value.charset}
        charsets |= {("charsets", word): charset for word, charset in value.charsets.items()}
        for place, charset in charsets.items():
            if "{" not in charset and codec_of(charset) is None:
                yield (*at, *place), f"{charset!r} is no charset that can be read"
    elif isinstance(value, tuple):
        for ordinal, element in enumerate(value):
            yield from _charset_mistakes(element, (*at, ordinal))
    elif is_dataclass(value):
        for part in fields(value):
            yield from _charset_mistakes(getattr(value, part.name), (*at, part.name))
