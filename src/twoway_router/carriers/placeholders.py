"""``{name}`` in the strings of a spec: filled from settings and secrets once per connection; the rest waits for the message."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import TypeVar

from twoway_router.carriers.spec import HOLE, CarrierSpec

Values = Mapping[str, str]

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
