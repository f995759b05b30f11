"""Requests and answers as a carrier's documentation prints them: JSON whose strings name our values in braces.

Written: ``"{mt.id}"`` alone keeps the value's type, ``"{mo.at:%H:%M}"`` is formatted, and a field whose name ends with ``?``
is left out when its value is empty. Read: ``"00{recipient}"`` takes what follows 00, other strings must be there as they
are, a list has exactly these elements, a field with ``?`` may be missing or empty. All dialects write and read with these.
"""

import re
from collections.abc import Mapping
from functools import cache
from string import Formatter
from typing import Any

import orjson

_ONE_VALUE = re.compile(r"\{([^{}:!]+)\}")
_READ_VALUE = re.compile(r"([^{}]*)\{(\w+)\}")

parse = cache(orjson.loads)


def filled(node: Any, values: Mapping[str, object]) -> Any:
    """The sample with its values in place."""
    match node:
        case dict():
            fields = ((name, filled(inner, values)) for name, inner in node.items())
            return {name.removesuffix("?"): value for name, value in fields if value or not name.endswith("?")}
        case list():
            return [filled(inner, values) for inner in node]
        case str() if one := _ONE_VALUE.fullmatch(node):
            return Formatter().get_field(one[1], (), values)[0]
        case str():
            return node.format_map(values)
        case _:
            return node


def values_in(node: Any, content: Any) -> dict[str, str] | None:
    """The values by their names; None when the content is not as the sample."""
    match node:
        case dict():
            if not isinstance(content, Mapping):
                return None
            fields = (
                values_in(inner, content.get(name.removesuffix("?")))
                for name, inner in node.items()
                if not name.endswith("?") or content.get(name.removesuffix("?"))
            )
        case list():
            if not isinstance(content, list) or len(content) != len(node):
                return None
            fields = (values_in(inner, each) for inner, each in zip(node, content, strict=True))
        case str() if wanted := _READ_VALUE.fullmatch(node):
            value = "" if content is None else str(content)
            rest = value.removeprefix(wanted[1])
            return {wanted[2]: rest} if rest and value.startswith(wanted[1]) else None
        case _:
            return {} if content == node else None
    found: dict[str, str] = {}
    for values in fields:
        if values is None:
            return None
        found |= values
    return found
