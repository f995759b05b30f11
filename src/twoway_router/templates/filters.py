"""The sixteen filters of reply templates. They never raise: any value and any arguments give a short result at once."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

Filter = Callable[[object, Sequence[object]], object]

_DATE_PARTS: Final[Mapping[str, Callable[[datetime], str]]] = {
    "Y": lambda at: f"{at.year:04}",
    "y": lambda at: f"{at.year % 100:02}",
    "m": lambda at: f"{at.month:02}",
    "d": lambda at: f"{at.day:02}",
    "e": lambda at: f"{at.day}",
    "H": lambda at: f"{at.hour:02}",
    "I": lambda at: f"{at.hour % 12 or 12:02}",
    "p": lambda at: "AM" if at.hour < 12 else "PM",
    "M": lambda at: f"{at.minute:02}",
    "S": lambda at: f"{at.second:02}",
    "F": lambda at: f"{at.year:04}-{at.month:02}-{at.day:02}",
    "T": lambda at: f"{at.hour:02}:{at.minute:02}:{at.second:02}",
    "%": lambda at: "%",
}
_MAX_NUMBER: Final = Decimal(10) ** 15


def as_text(value: object) -> str:
    """How a value is written into a text. Nothing, lists and trees included, ever raises."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() | float() | Decimal():
            return str(value)
        case datetime():
            return value.isoformat(sep=" ", timespec="minutes")
        case date():
            return value.isoformat()
        case list() | tuple():
            return "".join(as_text(each) for each in value)
    return ""


def _argument(arguments: Sequence[object], place: int = 0) -> object:
    return arguments[place] if place < len(arguments) else None


def _whole(value: object, default: int) -> int:
    """A whole number that may be a position or a length; anything else is the default."""
    number = _number(value)
    return default if number is None else int(number)


def _number(value: object) -> Decimal | None:
    """A finite number of sensible size, or None."""
    if isinstance(value, bool):
        return None
    try:
        number = Decimal(as_text(value).strip()[:40])
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) <= _MAX_NUMBER else None


def _add(value: object, term: object, sign: int) -> int | float:
    result = (_number(value) or Decimal(0)) + sign * (_number(term) or Decimal(0))
    return int(result) if result == result.to_integral_value() else float(result)


def _default(value: object, arguments: Sequence[object]) -> object:
    return _argument(arguments) if value in (None, False) or as_text(value) == "" else value


def _truncate(value: object, arguments: Sequence[object]) -> str:
    text, length = as_text(value), max(0, _whole(_argument(arguments), 50))
    ending = "..." if len(arguments) < 2 else as_text(arguments[1])
    return text if len(text) <= length else text[: max(0, length - len(ending))] + ending


def _slice(value: object, arguments: Sequence[object]) -> str:
    text, start = as_text(value), _whole(_argument(arguments), 0)
    length = max(0, _whole(_argument(arguments, 1), 1))
    start = start if start >= 0 else len(text) + start
    return text[start : start + length] if start >= 0 else ""


def _split(value: object, arguments: Sequence[object]) -> list[str]:
    text, separator = as_text(value), as_text(_argument(arguments))
    return text.split(separator) if separator.strip() else text.split()


def _end(value: object, place: int) -> object:
    if isinstance(value, list | tuple):
        return value[place] if value else ""
    text = as_text(value)
    return text[place] if text else ""


def _date(value: object, arguments: Sequence[object]) -> str:
    """A time by the letters of ``strftime`` that need no language; what is not a time stays as it is."""
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(as_text(value).strip())
    except ValueError:
        return as_text(value)
    pieces = as_text(_argument(arguments) or "%F").split("%")
    written = [pieces[0]]
    escaped = False
    for piece in pieces[1:]:
        if escaped:
            written.append("%" + piece)
            escaped = False
        elif not piece:
            escaped = True
        else:
            part = _DATE_PARTS.get(piece[0])
            written.append(part(at) + piece[1:] if part else "%" + piece)
    return "".join(written)


def _size(value: object) -> int:
    return len(value) if isinstance(value, list | tuple) else len(as_text(value))


FILTERS: Final[Mapping[str, Filter]] = {
    "append": lambda value, arguments: as_text(value) + as_text(_argument(arguments)),
    "prepend": lambda value, arguments: as_text(_argument(arguments)) + as_text(value),
    "downcase": lambda value, arguments: as_text(value).lower(),
    "upcase": lambda value, arguments: as_text(value).upper(),
    "capitalize": lambda value, arguments: as_text(value)[:1].upper() + as_text(value)[1:].lower(),
    "default": _default,
    "date": _date,
    "truncate": _truncate,
    "strip": lambda value, arguments: as_text(value).strip(),
    "first": lambda value, arguments: _end(value, 0),
    "last": lambda value, arguments: _end(value, -1),
    "slice": _slice,
    "plus": lambda value, arguments: _add(value, _argument(arguments), 1),
    "minus": lambda value, arguments: _add(value, _argument(arguments), -1),
    "size": lambda value, arguments: _size(value),
    "split": _split,
}
