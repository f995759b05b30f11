"""Reads a spec from YAML: our own in ``specs`` and those that operators add without code.

What is wrong is named by its path and line, before the first message: shape, names, charsets, a trial run.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml
from pydantic import ValidationError

from twoway_router.carriers.checking.event_rules import Step
from twoway_router.carriers.checking.spec_rules import mistakes_of
from twoway_router.carriers.checking.trial_run import trial_mistakes
from twoway_router.carriers.spec import CarrierSpec, spec_type
from twoway_router.domain.yaml_documents import YamlError, load_yaml

_UNION_NAMES: Final = frozenset(("str", "Field", "Time", "[key]"))


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
    if twice := [SpecProblem(path=name, line=line, detail="stands here twice") for name, line in _repeated_names(tree)]:
        raise SpecFileError(twice)
    try:
        spec = spec_type().validate_python(document.value)
    except ValidationError as error:
        raise SpecFileError(_shape_problems(error, tree)) from None
    if mistakes := [*mistakes_of(spec)] or [*trial_mistakes(spec)]:
        raise SpecFileError([_problem(path, detail, tree) for path, detail in mistakes])
    return spec


def _as_text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, wrong = raw[: error.start].count(b"\n") + 1, raw[error.start]
        raise YamlError(f"is not UTF-8: byte 0x{wrong:02x} cannot be read; save the file as UTF-8", line) from None


def _shape_problems(error: ValidationError, tree: yaml.Node | None) -> list[SpecProblem]:
    """One problem per place: where a path or an object may stand, the one about the object says more."""
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
            # What ``<<`` merged stands first; the mapping's own names count.
            found = next(((key, value) for key, value in reversed(node.value) if key.value == str(step)), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
            continue
        else:
            return line
        line = node.start_mark.line + 1
    return line


def _repeated_names(tree: yaml.Node | None) -> Iterator[tuple[str, int]]:
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
