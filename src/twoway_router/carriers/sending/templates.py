"""Compiles the texts and trees of a spec's ``send``: what only a message can fill becomes a function of the message's values.

An entry of fields or headers whose optional value (``{name?}``) is empty is left out.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from twoway_router.carriers.errors import SpecError
from twoway_router.carriers.placeholders import Values
from twoway_router.carriers.spec import HOLE

Text = Callable[[Values], str | None]
Tree = Callable[[Values], object]

ABSENT: Final = object()


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


def compile_headers(
    headers: Mapping[str, str], basic: tuple[str, str] | None, values: Values, known: frozenset[str]
) -> Callable[[Values], dict[str, str]]:
    """Headers by their lower-case names; ``basic`` names the settings with user and password."""
    build = compile_tree({name.lower(): value for name, value in headers.items()}, values, known)
    fixed = {}
    if basic is not None:
        user, password = (values.get(name, "") for name in basic)
        fixed = {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}

    def headers_of(message: Values) -> dict[str, str]:
        built = build(message)
        return fixed | ({name: str(value) for name, value in built.items()} if isinstance(built, dict) else {})

    return headers_of
