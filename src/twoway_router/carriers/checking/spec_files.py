"""Reads a spec from YAML: our own in ``specs`` and those that operators add without code.

What is wrong is named by its path and line, before the first message: shape, names, charsets, a trial run.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final
from uuid import UUID

import yaml
from pydantic import ValidationError

from twoway_router.carriers.checking.spec_rules import mistakes_of, repeated_names
from twoway_router.carriers.engine import ConnectionView, compile_connection
from twoway_router.carriers.errors import SpecError
from twoway_router.carriers.hooks import CONFIGURATORS, HOOKS
from twoway_router.carriers.placeholders import fill_all
from twoway_router.carriers.proving.verifiers import VERIFIERS
from twoway_router.carriers.reading.charsets import codec_of
from twoway_router.carriers.sending.signers import SIGNERS
from twoway_router.carriers.spec import HOLE, NAME, CarrierSpec, Field, spec_type
from twoway_router.domain.ids import ConnectionId
from twoway_router.domain.yaml_documents import YamlError, load_yaml

Step = int | str

_UNION_NAMES: Final = frozenset(("str", "Field", "Time", "[key]"))
_TRIAL_VALUE: Final = "A" * 43 + "="
"""Stands for most settings in the trial run: 32 bytes in base64, which is a possible key of any kind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SpecProblem:
    """One thing wrong with a spec: where and what."""

    path: str
    line: int | None
    detail: str

    def __str__(self) -> str:
        place = f"line {self.line}, " if self.line else ""
        return f"{place}{self.path or 'the file'}: {self.detail}"


class SpecFileError(Exception):
    """A spec that cannot be used."""

    def __init__(self, problems: Sequence[SpecProblem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = tuple(problems)


def spec_schema() -> dict[str, Any]:
    """The JSON Schema of a spec, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **spec_type().json_schema()}


def read_spec(text: str | bytes, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> CarrierSpec:
    """A carrier from YAML. Raises SpecFileError with everything that is wrong with it."""
    try:
        document = load_yaml(text if isinstance(text, str) else _as_text(text), loader)
    except YamlError as error:
        raise SpecFileError([SpecProblem(path="", line=error.line, detail=error.detail)]) from None
    tree = document.tree
    if not isinstance(document.value, Mapping):
        raise SpecFileError([_problem((), "must hold names and values, such as `name: my_gateway`", tree)])
    if twice := [SpecProblem(path=name, line=line, detail="stands here twice") for name, line in repeated_names(tree)]:
        raise SpecFileError(twice)
    try:
        spec = spec_type().validate_python(document.value)
    except ValidationError as error:
        raise SpecFileError(_shape_problems(error, tree)) from None
    found = (*_name_problems(spec), *_charset_problems(spec), *mistakes_of(spec))
    problems = [_problem(path, detail, tree) for path, detail in found]
    if problems := problems or [_problem(path, detail, tree) for path, detail in _trial_problems(spec)]:
        raise SpecFileError(problems)
    return spec


def _as_text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, wrong = raw[: error.start].count(b"\n") + 1, raw[error.start]
        raise YamlError(f"is not UTF-8: byte 0x{wrong:02x} cannot be read; save the file as UTF-8", line) from None


def _shape_problems(error: ValidationError, tree: yaml.Node | None) -> list[SpecProblem]:
    """Each wrong place once: where a path or an object may stand, the complaint about the object says more."""
    found: dict[tuple[Step, ...], str] = {}
    for one in sorted(error.errors(), key=lambda one: len(one["loc"])):
        path = tuple(step for step in one["loc"] if step not in _UNION_NAMES)
        is_union = len(path) < len(one["loc"])
        if not (is_union and one["loc"][-1] == "str" and isinstance(one["input"], Mapping)):
            found.setdefault(path, one["msg"])
    return [_problem(path, detail, tree) for path, detail in found.items()]


def _problem(path: tuple[Step, ...], detail: str, tree: yaml.Node | None) -> SpecProblem:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
    return SpecProblem(path=text, line=_line_of(path, tree), detail=detail)


def _line_of(path: tuple[Step, ...], node: yaml.Node | None) -> int | None:
    """The line of the deepest node on the path that is there."""
    line = node.start_mark.line + 1 if node else None
    for step in path:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
        elif isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(step)), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
            continue
        else:
            return line
        line = node.start_mark.line + 1
    return line


def _name_problems(spec: CarrierSpec) -> Iterator[tuple[tuple[Step, ...], str]]:
    if NAME.fullmatch(spec.name) is None:
        yield ("name",), "must be lower-case letters, digits and underscores: it stands in URLs"
    for ordinal, auth in enumerate(spec.auth):
        if auth.verifier not in VERIFIERS:
            yield ("auth", ordinal, "verifier"), f"must be one of {', '.join(VERIFIERS)}"
    known: dict[str, tuple[str | None, Mapping[str, object]]] = {
        "hook": (spec.hook, HOOKS),
        "configure": (spec.configure, CONFIGURATORS),
    }
    for place, (name, names) in known.items():
        if name is not None and name not in names:
            yield (place,), f"must be one of {', '.join(names) or 'none'}"
    if spec.send and spec.send.signer is not None and spec.send.signer not in SIGNERS:
        yield ("send", "signer"), f"must be one of {', '.join(SIGNERS)}"


def _charset_problems(spec: CarrierSpec) -> Iterator[tuple[tuple[Step, ...], str]]:
    for path, field in _fields_in(spec.events, ("events",)):
        charsets: dict[tuple[Step, ...], str] = {("charset",): field.charset}
        charsets |= {("charsets", word): charset for word, charset in field.charsets.items()}
        for place, charset in charsets.items():
            if "{" not in charset and codec_of(charset) is None:
                yield (*path, *place), f"{charset!r} is no charset that can be read"


def _fields_in(value: object, path: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], Field]]:
    if isinstance(value, Field):
        yield path, value
    elif isinstance(value, tuple):
        for ordinal, element in enumerate(value):
            yield from _fields_in(element, (*path, ordinal))
    elif is_dataclass(value):
        for part in fields(value):
            yield from _fields_in(getattr(value, part.name), (*path, part.name))


def _trial_problems(spec: CarrierSpec) -> Iterator[tuple[tuple[Step, ...], str]]:
    """Compile the spec for a connection that has every setting."""
    secret = {setting.name for setting in spec.settings if setting.is_secret}
    values = _trial_values(spec)
    if found := tuple(_auth_problems(spec, values)):
        yield from found
        return
    view = ConnectionView(
        connection_id=ConnectionId(UUID(int=0)),
        carrier=spec.name,
        country="US",
        settings={name: value for name, value in values.items() if name not in secret},
        secrets={name: value for name, value in values.items() if name in secret},
        public_url="https://sms.example/in/x/0",
    )
    try:
        compile_connection(spec, view)
    except SpecError as error:
        yield tuple(error.path.split(".")), error.detail
    except KeyError as error:
        yield ("configure",), f"{spec.configure} needs the setting {error}"


def _trial_values(spec: CarrierSpec) -> dict[str, str]:
    """A value for every setting. Those that make a spec of their own (``configure``) are tried with real ones only."""
    possible = {"zone": "UTC"}
    for part in (spec.send, spec.look_up):
        if part is not None and (address := HOLE.match(part.url)):
            possible[address[1]] = "https://carrier.example"
    return {
        setting.name: setting.default or next(iter(setting.choices), possible.get(setting.name, _TRIAL_VALUE))
        for setting in spec.settings
        if setting.kind == "text" and (spec.configure is None or setting.default or setting.is_required)
    }


def _auth_problems(spec: CarrierSpec, values: Mapping[str, str]) -> Iterator[tuple[tuple[Step, ...], str]]:
    for ordinal, auth in enumerate(spec.auth):
        at: tuple[Step, ...] = ("auth", ordinal, "options")
        try:
            VERIFIERS[auth.verifier](fill_all(auth.options, values), {})
        except SpecError as error:
            option = error.path.rpartition(".")[2]
            yield (*at, option) if option in auth.options else at, error.detail
        except KeyError as error:
            yield at, f"the option {error} is missing"
