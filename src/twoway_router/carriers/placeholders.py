"""``{name}`` in the strings of a spec: filled from settings and secrets once, from the message at each send.

``{name?}`` may be missing: an entry of fields or headers whose optional value is empty is left out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Final, TypeVar

from twoway_router.carriers.errors import SpecError
from twoway_router.carriers.spec import HOLE, CarrierSpec

Values = Mapping[str, str]
Text = Callable[[Values], str | None]
Tree = Callable[[Values], object]

ABSENT: Final = object()

MESSAGE_VALUES: Final = frozenset(
    (
        "reference",
        "reference_short",
        "sender",
        "sender_digits",
        "recipient",
        "recipient_digits",
        "recipient_00",
        "text",
        "text_hex",
        "reply_token",
        "reply_tag",
        "receipt_url",
        "encoding",
        "segments",
    )
)


_T = TypeVar("_T")


def values_for(spec: CarrierSpec, settings: Mapping[str, object], secrets: Mapping[str, str]) -> dict[str, str]:
    """Settings and secrets of a connection as strings, with the defaults of the spec, which may name a given setting.

    Mappings are left out.
    """
    values: dict[str, str] = {}
    for name, value in settings.items():
        if isinstance(value, bool):
            values[name] = "true" if value else ""
        elif isinstance(value, str | int | float) and value != "":
            values[name] = str(value)
    defaults = {setting.name: fill(setting.default, values) for setting in spec.settings if setting.default}
    return defaults | values | {name: value for name, value in secrets.items() if value}


def fill_all(value: _T, values: Values) -> _T:
    """The same data with every string in it filled; for what does not depend on a message."""
    if isinstance(value, str):
        return type(value)(fill(value, values)) if "{" in value else value
    if isinstance(value, tuple):
        return type(value)(fill_all(element, values) for element in value)
    if isinstance(value, Mapping):
        return {name: fill_all(element, values) for name, element in value.items()}  # type: ignore[return-value]  # a dict is a Mapping
    if is_dataclass(value) and not isinstance(value, type):
        changed = {part.name: fill_all(getattr(value, part.name), values) for part in fields(value)}
        return replace(value, **changed)
    return value


def fill(text: str, values: Values) -> str:
    """Replace what is known now; the rest stays for the message."""
    return HOLE.sub(lambda match: values.get(match[1], "" if match[2] else match[0]), text)


@dataclass(frozen=True, slots=True)
class _Hole:
    """A place in a template that only a message can fill; the first name that has a value does."""

    names: tuple[str, ...]
    fallback: str
    is_optional: bool

    def value(self, message: Values) -> str:
        return next((value for name in self.names if (value := message.get(name))), self.fallback)


def compile_text(text: str, values: Values, known: frozenset[str], quote: Callable[[str], str] | None = None) -> Text:
    """A function of the message's values; it returns None when an optional value is empty. ``quote`` escapes those values."""
    literals, holes = _split(text, values, known)
    if not holes:
        whole = "".join(literals)
        return lambda _: whole

    def render(message: Values) -> str | None:
        pieces = [literals[0]]
        for hole, literal in zip(holes, literals[1:], strict=True):
            value = hole.value(message)
            if hole.is_optional and not value:
                return None
            pieces.append(quote(value) if quote else value)
            pieces.append(literal)
        return "".join(pieces)

    return render


def _split(text: str, values: Values, known: frozenset[str]) -> tuple[list[str], list[_Hole]]:
    """Literals and holes in turn. A setting's own braces are not read again, so a secret may hold any characters."""
    literals, holes, position = [""], list[_Hole](), 0
    for match in HOLE.finditer(text):
        literals[-1] += text[position : match.start()]
        position = match.end()
        names, is_optional = tuple(match[1].split("|")), bool(match[2])
        fallback = next((values[name] for name in names if values.get(name)), "")
        late = tuple(name for name in names if name in known)
        if fallback and not late:
            literals[-1] += fallback
        elif late or is_optional:
            holes.append(_Hole(late, fallback, is_optional))
            literals.append("")
        else:
            raise SpecError("send", f"{match[0]} is neither a setting with a value nor a value of the message")
    literals[-1] += text[position:]
    return literals, holes


def compile_tree(tree: object, values: Values, known: frozenset[str]) -> Tree:
    """JSON with placeholders in its strings; entries and elements that lack an optional value disappear."""
    if isinstance(tree, str):
        render = compile_text(tree, values, known)
        return lambda message: ABSENT if (text := render(message)) is None else text
    if isinstance(tree, Mapping):
        entries = [(str(name), compile_tree(value, values, known)) for name, value in tree.items()]
        return lambda message: {name: value for name, build in entries if (value := build(message)) is not ABSENT}
    if isinstance(tree, list | tuple):
        elements = [compile_tree(value, values, known) for value in tree]
        return lambda message: [value for build in elements if (value := build(message)) is not ABSENT]
    return lambda _: tree
