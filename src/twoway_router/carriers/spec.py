"""What a carrier is, as data: the types that every YAML file in ``carriers/specs`` and every operator's own fills in.

Strings may hold ``{name}`` for a setting or secret of the connection. Paths read a decoded request: ``a.b.0.c``, with
alternatives ``from|msisdn`` and the prefixes ``root:``, ``header:``, ``query:``, ``body:`` (all of it) and ``literal:``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar, Final, Literal

from pydantic import TypeAdapter, ValidationError

from twoway_router.carriers.common_settings import ANSWERS, BASE, PREVIOUS, RATE, problem_with
from twoway_router.carriers.errors import SpecError
from twoway_router.carriers.http import AckOutcome
from twoway_router.domain.errors import FieldError
from twoway_router.domain.messages import Capability, DeliveryState

Decoder = Literal["query", "form", "json", "xml", "multipart", "text"]
Result = Literal["retry", "throttled", "account", "opted_out", "failed", "sent", "unknown"]
"""``account``: our account there is at fault (key, credit, sender), so the connection rests. ``sent``: it has our MT already."""

Config = dict[str, str | bool]

HOLE: Final = re.compile(r"\{([a-z_][a-z0-9_|]*)(\??)\}")
"""``{name}``, ``{first|second}`` (the first that has a value) and ``{name?}``, which may be missing."""

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_]{0,40}")
"""A carrier's name stands in URLs."""

_CLOSED: Final[Config] = {"extra": "forbid", "coerce_numbers_to_str": True}


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One thing an operator enters for a connection. ``default`` makes it optional; a mapping holds names and strings."""

    __pydantic_config__: ClassVar[Config] = _CLOSED
    name: str
    description: str
    is_required: bool = False
    is_secret: bool = False
    default: str | None = None
    choices: tuple[str, ...] = ()
    kind: Literal["text", "mapping", "flag"] = "text"


EVERYWHERE: Final = (
    Setting(name=RATE, description="MTs per second that the carrier takes from this connection; empty: no limit."),
    Setting(name=BASE, description="https://host[:port] under which this carrier reaches the ingress; empty: as all."),
    Setting(
        name=ANSWERS, kind="flag", description="The carrier answers STOP, START and HELP without saying so in its MOs."
    ),
)
"""Settings that every connection has, whatever its carrier."""


@dataclass(frozen=True, kw_only=True, slots=True)
class When:
    """A predicate over a decoded document; all the parts that are given must hold."""

    __pydantic_config__: ClassVar[Config] = _CLOSED
    path: str = ""
    equals: str | None = None
    one_of: tuple[str, ...] = ()
    starts: str | None = None
    exists: bool | None = None
    all_of: tuple["When", ...] = ()
    any_of: tuple["When", ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """Where a value is and how it is written. ``charsets`` maps the carrier's words in ``charset_from`` to our codecs.

    ``encoding`` undoes hex, base64 or a second percent-encoding (``form``: with + for a space) before the charset;
    ``values`` maps whole values.
    """

    __pydantic_config__: ClassVar[Config] = _CLOSED
    path: str
    default: str | None = None
    encoding: Literal["hex", "base64", "percent", "form"] | None = None
    charset: str = "utf-8"
    charset_from: str | None = None
    charsets: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Time:
    """A time: ``formats`` are tried in order: ``iso``, ``epoch``, ``epoch_ms``, ``auto`` or one of strptime's.

    ``zone`` is for times that name none.
    """

    __pydantic_config__: ClassVar[Config] = _CLOSED
    path: str
    formats: tuple[str, ...] = ("auto",)
    zone: str = "UTC"


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """How a part of a long message names its whole: three paths, or the user data header, in a field or in the body."""

    __pydantic_config__: ClassVar[Config] = _CLOSED
    reference: str | None = None
    index: str | None = None
    total: str | None = None
    header: Field | None = None
    is_header_in_body: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One kind of event in a request: ``when`` selects it, ``each`` is the path of a batch, the rest are its fields.

    Without ``when`` the endpoint decides: an ``mo`` event is looked for on /mo, a ``dlr`` event on /dlr. A handshake is
    answered with JSON (``answer`` maps names to paths) or by fetching the URL at ``confirm`` later.
    """

    __pydantic_config__: ClassVar[Config] = _CLOSED
    kind: Literal["mo", "dlr", "ignore", "handshake"]
    when: When | None = None
    each: str | None = None
    id: str | None = None
    sender: str | None = None
    recipient: str | None = None
    text: str | Field | None = None
    time: str | Time | None = None
    operator: str | None = None
    reply_token: str | None = None
    opted_out: When | None = None
    replied: When | None = None
    part: Part | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    reference: str | None = None
    status: str | None = None
    error: str | None = None
    statuses: Mapping[str, DeliveryState] = field(default_factory=dict)
    answer: Mapping[str, str] = field(default_factory=dict)
    confirm: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Auth:
    """A named verifier with its options. It is demanded as soon as all ``{secrets}`` in its options are set."""

    __pydantic_config__: ClassVar[Config] = _CLOSED
    verifier: str
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def needs(self) -> frozenset[str]:
        """The settings and secrets that must have a value. What a ``template`` names comes from the request."""
        return frozenset(name for key, text in self.options.items() if key != "template" for name in names_in(text))


@dataclass(frozen=True, kw_only=True, slots=True)
class Ack:
    """An answer to the carrier."""

    __pydantic_config__: ClassVar[Config] = _CLOSED
    status: int
    body: str = ""
    content_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, kw_only=True, slots=True)
class Send:
    """How an MT is handed over. ``{field?}`` drops the whole entry when its value is empty.

    ``success`` is asked of a 2xx answer; ``errors`` maps the value at ``error`` (first), then the status (``429``,
    ``5xx``), to a result; a name that ends with ``*`` is the beginning of such values. At ``words`` a carrier explains
    itself to people. ``per_encoding`` gives variables that differ between GSM-7 and UCS-2.
    """

    __pydantic_config__: ClassVar[Config] = _CLOSED
    url: str
    method: str = "POST"
    body: Literal["json", "form", "query"] = "json"
    fields: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    basic: tuple[str, str] | None = None
    reply: Literal["json", "text", "form"] = "json"
    success: When | None = None
    id: str | None = None
    error: str | None = None
    words: str | None = None
    errors: Mapping[str, Result] = field(default_factory=dict)
    retry_after: str | None = None
    per_encoding: Mapping[Literal["gsm7", "ucs2"], Mapping[str, str]] = field(default_factory=dict)
    receipt_query: str = ""
    signer: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LookUp:
    """How the state of an MT is asked for by our reference. ``found`` is asked of a 2xx answer."""

    __pydantic_config__: ClassVar[Config] = _CLOSED
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    basic: tuple[str, str] | None = None
    found: When | None = None
    id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CarrierSpec:
    """One carrier. ``hook`` and ``configure`` name functions in ``carriers.hooks`` for what data cannot say.

    ``part_wait_seconds`` is how long a part of a long message waits for the next before it goes on without.
    """

    __pydantic_config__: ClassVar[Config] = _CLOSED
    name: str
    title: str
    settings: tuple[Setting, ...]
    decode: tuple[Decoder, ...]
    auth: tuple[Auth, ...]
    events: tuple[Event, ...]
    send: Send | None = None
    look_up: LookUp | None = None
    unwrap: str | None = None
    probes: tuple[Literal["bare_get", "options"], ...] = ()
    numbers: Literal["national", "international"] = "international"
    statuses: Mapping[str, DeliveryState] = field(default_factory=dict)
    acks: Mapping[AckOutcome, Ack] = field(default_factory=dict)
    capability: Capability = Capability.BLIND
    hook: str | None = None
    configure: str | None = None
    body_limit: int = 262_144
    digest_window_seconds: int = 60
    part_wait_seconds: int = 300

    @property
    def all_settings(self) -> tuple[Setting, ...]:
        """With those that every connection has."""
        return (*self.settings, *EVERYWHERE)

    @property
    def proof_secrets(self) -> frozenset[str]:
        """The secrets that prove requests. A ``…_previous`` beside one of them proves them too."""
        named = {name[1] for auth in self.auth for text in auth.options.values() for name in HOLE.finditer(text)}
        return frozenset(setting.name for setting in self.settings if setting.is_secret and setting.name in named)

    def check_settings(self, settings: Mapping[str, object], secrets: Mapping[str, object]) -> Sequence[FieldError]:
        """What is wrong with a connection's settings and secrets; empty when it can be compiled."""
        given = {"settings": settings, "secrets": secrets}
        known = {
            place: {one.name for one in self.all_settings if one.is_secret is (place == "secrets")} for place in given
        }
        known["secrets"] |= {name + PREVIOUS for name in self.proof_secrets if secrets.get(name)}
        problems = [
            FieldError(pointer=f"/{place}/{name}", detail=f"{self.title} has no such {place[:-1]}")
            for place, values in given.items()
            for name in values
            if name not in known[place]
        ]
        for setting in self.all_settings:
            place = "secrets" if setting.is_secret else "settings"
            if detail := _problem(setting, given[place].get(setting.name)):
                problems.append(FieldError(pointer=f"/{place}/{setting.name}", detail=detail))
        if settings.get("allow_unsigned") is not True and not self._is_proven({**settings, **secrets}):
            wanted = ", ".join(sorted(frozenset().union(*(auth.needs for auth in self.auth))))
            problems.append(FieldError(pointer="/secrets", detail=f"requests must be proven: set one of {wanted}"))
        return problems

    def _is_proven(self, values: Mapping[str, object]) -> bool:
        defaults = {setting.name for setting in self.settings if setting.default}
        return any(all(values.get(name) or name in defaults for name in auth.needs) for auth in self.auth)


@cache
def spec_type() -> TypeAdapter[CarrierSpec]:
    """The language of specs: reads a document (what YAML or JSON says) and writes the JSON Schema. Dear to make."""
    return TypeAdapter(CarrierSpec)


def spec_of(document: Mapping[str, object]) -> CarrierSpec:
    """A spec from a document that no person wrote as such. Raises SpecError with the first thing that is wrong."""
    try:
        return spec_type().validate_python(document)
    except ValidationError as error:
        first = error.errors()[0]
        raise SpecError(".".join(map(str, first["loc"])), first["msg"]) from None


def names_in(text: str) -> frozenset[str]:
    """The placeholders of a string that must have a value."""
    return frozenset(match[1] for match in HOLE.finditer(text) if not match[2])


def _problem(setting: Setting, value: object) -> str | None:
    if value is None or value == "":
        return f"is required: {setting.description}" if setting.is_required else None
    if setting.kind == "mapping":
        return None if isinstance(value, Mapping) else "must be an object"
    if setting.kind == "flag":
        return None if isinstance(value, bool) else "must be true or false"
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return "must be text"
    if detail := problem_with(setting.name, value):
        return detail
    if setting.choices and str(value) not in setting.choices:
        return f"must be one of {', '.join(setting.choices)}"
    return None
