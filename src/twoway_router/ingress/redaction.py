"""What may be shown of a carrier's request: no secret, no whole phone number, no text of a message. Pure; for ``request_log``."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

from twoway_router.carriers.reading.selection import Parsed
from twoway_router.telemetry.redact import is_secret_name, mask

Hide = Callable[[str], str]

HIDDEN: Final = "[hidden]"
LONGEST_BODY: Final = 2000
MOST_SHOWN: Final = 10

_TEXT_NAMES: Final = frozenset(
    ("text", "cleantext", "messagebody", "body", "message", "content", "binary", "data", "ud", "value")
)
"""Also of texts as hex: Jasmin's ``binary``, Vonage's ``data``; ``ud`` is Kannel's, ``value`` a part of Infobip's MMS."""
_SHOWN_TEXTS: Final = ("[text of ", "{")
"""What stands for a text already, and an object, whose own strings are looked at."""
_SHORT: Final = 4
"""A text shorter than this, such as a vote, is a part of many words: it is looked for as a whole value only."""

_HIDDEN_MARK: Final = "\ue000"
_TEXT_MARKS: Final = 0xF0000
_LONGEST_SHOWN: Final = 60_000
_MARKS: Final = re.compile("[\ue000\U000f0000-\U000ffffd]")
"""Placeholders while texts are hidden: they contain no text, so that no text is looked for inside them."""

_DIGITS: Final = re.compile(r"\d{7,}")
_QUOTED: Final = re.compile(r'"([A-Za-z0-9_.-]{1,64})"(\s*:\s*)"((?:[^"\\]|\\.)*)("?)')
_QUOTED_WITHIN: Final = re.compile(
    r'\\"([A-Za-z0-9_.-]{1,64})\\"(\s*:\s*)\\"((?:[^"\\]|\\\\(?:\\\\|\\"|[^"\\]))*)(\\"?)'
)
"""A string of a JSON object that is itself written into a string, as Amazon does."""
_PAIR: Final = re.compile(r"(^|[?&;\s])([A-Za-z0-9_.%-]{1,64})=(\[text of \d+\]|[^&\s]*)")
_STRUCTURED: Final = re.compile(rb"\s*([{\[<]|--|[A-Za-z0-9_.%-]{1,64}=)")
_ELEMENT: Final = re.compile(r"<([A-Za-z0-9_.:-]{1,64})>([^<]*)</")


def hider(secrets: Iterable[str], texts: Iterable[str]) -> Hide:
    """What takes the connection's secrets and the messages' texts out, in whatever form they stand in a request."""
    found = {form: _HIDDEN_MARK for secret in secrets for form in _forms(secret)}
    found |= {
        form: chr(_TEXT_MARKS + min(len(text), _LONGEST_SHOWN)) for text in texts if text for form in _forms(text)
    }
    long_ones = (pair for pair in found.items() if len(pair[0]) >= _SHORT)
    longest_first = sorted(long_ones, key=lambda pair: len(pair[0]), reverse=True)
    short = "|".join(re.escape(form) for form in sorted(found) if len(form) < _SHORT)
    short_values = re.compile(rf"(?<![^=\">:\s])(?:{short})(?![^&\"<,}}\s])") if short else None

    def hide(shown: str) -> str:
        for form, mark in longest_first:
            shown = shown.replace(form, mark)
        if short_values:
            shown = short_values.sub(lambda value: found[value[0]], shown)
        shown = _MARKS.sub(
            lambda mark: HIDDEN if mark[0] == _HIDDEN_MARK else f"[text of {ord(mark[0]) - _TEXT_MARKS}]", shown
        )
        shown = _QUOTED_WITHIN.sub(lambda m: f'\\"{m[1]}\\"{m[2]}\\"{_value(m[1], m[3])}{m[4]}', shown)
        shown = _QUOTED.sub(lambda m: f'"{m[1]}"{m[2]}"{_value(m[1], m[3])}{m[4]}', shown)
        shown = _PAIR.sub(lambda m: f"{m[1]}{m[2]}={_value(m[2], m[3])}", shown)
        shown = _ELEMENT.sub(lambda m: f"<{m[1]}>{_value(m[1], m[2])}</", shown)
        return _masked(shown).replace("\x00", "")

    return hide


def redact_query(query: str, hide: Hide) -> str:
    """A query string without secrets, texts and whole numbers."""
    return hide(query)[:LONGEST_BODY]


def redact_headers(headers: Mapping[str, str], hide: Hide) -> dict[str, str]:
    """Headers likewise."""
    return {name: HIDDEN if is_secret_name(name) else hide(value)[:LONGEST_BODY] for name, value in headers.items()}


def redact_body(body: bytes, hide: Hide, content_type: str = "") -> str:
    """The beginning of a body likewise, in whatever form it is. Plain text without any form is a message's text itself."""
    if body and content_type.lower().startswith("text/plain") and not _STRUCTURED.match(body):
        return f"[text of {len(body)}]"
    return hide(body[: LONGEST_BODY * 4].decode("utf-8", "replace"))[:LONGEST_BODY]


def summary_of(parsed: Parsed | None) -> dict[str, Any]:
    """What a request was understood as: lengths for texts, masks for numbers."""
    if parsed is None:
        return {}
    return {
        "messages": [
            {
                "id": _masked(message.carrier_message_id),
                "sender": mask(message.sender),
                "recipient": mask(message.recipient),
                "text_length": len(message.text),
                "part": f"{message.part.index}/{message.part.total}" if message.part else None,
                "carrier_time": message.carrier_time.isoformat() if message.carrier_time else None,
            }
            for message in parsed.messages[:MOST_SHOWN]
        ],
        "receipts": [
            {
                "id": _masked(receipt.carrier_message_id or ""),
                "reference": receipt.reference,
                "state": receipt.state.value,
                "raw_state": _masked(receipt.raw_state),
                "error": _masked(receipt.error or "") or None,
            }
            for receipt in parsed.receipts[:MOST_SHOWN]
        ],
        "rejects": [reject.reason for reject in parsed.rejects[:MOST_SHOWN]],
        "ignored": parsed.ignored,
        "is_probe": parsed.is_probe,
    }


def _forms(text: str) -> tuple[str, ...]:
    """How a text may stand in a request: as it is, escaped in XML or JSON, percent-encoded."""
    in_json = (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    in_php = tuple(form.replace("/", "\\/") for form in in_json)
    return (text, escape(text), quote_plus(text), quote(text, safe=""), *in_json, *in_php)


def _masked(shown: str) -> str:
    return _DIGITS.sub(lambda found: f"{found[0][:3]}•••{found[0][-3:]}", shown)


def _value(name: str, value: str) -> str:
    """Hidden by its name: texts of receipts (our own MT's) and of requests that cannot be parsed are not known."""
    is_text = name.lower() in _TEXT_NAMES and value and not value.startswith(_SHOWN_TEXTS)
    return HIDDEN if is_secret_name(name) or is_text else value
