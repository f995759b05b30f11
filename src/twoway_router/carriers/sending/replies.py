"""Reads a carrier's answer to the request that handed an MT over. Compiled by ``engine`` from a spec's ``Send``.

Four carriers hide failures in a 2xx, so success may be a predicate on the body. What cannot be read after a 2xx, or was
a gateway's own 5xx, is Unknown: the MT may have been sent, so the ledger decides and nothing is repeated here.
"""

import re
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from twoway_router.carriers.http import HttpReply
from twoway_router.carriers.reading.charsets import clean
from twoway_router.carriers.reading.decoders import Document, Undecodable, first_of, load_json, read_pairs
from twoway_router.carriers.reading.fields import Predicate, Scene, compile_text, compile_when
from twoway_router.carriers.spec import Result, Send
from twoway_router.domain.outcomes import Done, Failed, Retry, SendReply, Unknown

MAX_DETAIL: Final = 120
_PERSONAL: Final = re.compile(r"\+?\d[\d\s().-]{5,}\d|[\"“«][^\"”»]*[\"”»]|\S+@\S+")
"""Phone numbers, what is quoted, addresses."""
_MAX_WAIT: Final = timedelta(days=1)
_UNDECIDED: Final[dict[str, Result]] = {
    "401": "account",
    "402": "account",
    "408": "unknown",
    "429": "throttled",
    "503": "retry",
    "5xx": "unknown",
}
"""What a status means for which the spec has no word."""


class ReplyReader:
    """Reads a carrier's answers to ``Sender``'s requests."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._success: Predicate = compile_when(send.success)
        self._id = compile_text(send.id)
        self._error = compile_text(send.error)
        self._words = compile_text(send.words)
        self._retry_after = compile_text(send.retry_after)
        self._errors = {name.lower(): result for name, result in send.errors.items()}
        self._beginnings = [(name[:-1], result) for name, result in self._errors.items() if name.endswith("*")]

    def read(self, reply: HttpReply) -> SendReply:
        document = decode_reply(reply, self._send.reply)
        is_accepted = reply.status // 100 == 2
        if document is None:
            is_asked = self._send.success is not None
            if is_accepted:
                return Unknown(reason="unreadable_reply") if is_asked else Done()
            return self._refused(reply, Scene({}, {}, reply.headers))
        scene = Scene(document, document, reply.headers, body=reply.body)
        if is_accepted and self._success(scene):
            return Done(reference=self._id(scene) or None)
        return self._refused(reply, scene)

    def _refused(self, reply: HttpReply, scene: Scene) -> SendReply:
        code, status = (self._error(scene) or "").lower(), str(reply.status)
        # AWS may write the name of an error as ``namespace#name:address``.
        name = code.partition(":")[0].rpartition("#")[2]
        kind = f"{status[:1]}xx"
        # 403 with a code may be about one MT: it is our account's fault only where the spec says so
        undecided: dict[str, Result] = _UNDECIDED if code not in ("", status) else {**_UNDECIDED, "403": "account"}
        beginnings = (result for beginning, result in self._beginnings if code.startswith(beginning))
        found: tuple[Result | None, ...] = (
            *(self._errors.get(word) for word in (code, name) if word),
            next(beginnings, None),
            *(self._errors.get(word) for word in (status, kind)),
            *(undecided.get(word) for word in (status, kind)),
        )
        if result := next((each for each in found if each), None):
            return self._result(result, reply, scene, code or status)
        if not code and reply.status // 100 == 2:
            return Unknown(reason="unreadable_reply")
        return Failed(reason="carrier_refused", detail=_detail(code, status, self._words(scene)))

    def _result(self, result: Result, reply: HttpReply, scene: Scene, code: str) -> SendReply:
        detail = _detail(code, str(reply.status), self._words(scene))
        if result == "sent":
            return Done(reference=self._id(scene) or None, detail=detail)
        if result in ("retry", "throttled", "account"):
            after = read_wait(self._retry_after(scene)) or _wait_of(reply)
            return Retry(
                reason=f"carrier_{result}",
                detail=detail,
                after=after,
                throttled=result == "throttled",
                account=result == "account",
            )
        if result == "unknown":
            return Unknown(reason="carrier_error", detail=detail)
        reason = "opted_out" if result == "opted_out" else "carrier_refused"
        return Failed(reason=reason, detail=detail, opted_out=result == "opted_out")


def _detail(code: str, status: str, words: str | None = None) -> str:
    """The carrier's code, and its words. Numbers in them are hidden: they may be the recipient's or in the text."""
    code, words = (_PERSONAL.sub("…", clean(each or "")[:MAX_DETAIL].strip()) for each in (code, words))
    detail = f"code {code}" if code and code != status else f"status {status}"
    return f"{detail}: {words}" if words and words.lower() != code.lower() else detail


def decode_reply(reply: HttpReply, kind: str) -> Document | None:
    """The answer's document, None when it cannot be read: a proxy's page is no line of text.

    Of a line of text: all of it, what is quoted in it (``Success "…"``), what follows a colon (``ID: …``).
    """
    if kind == "text":
        text = clean(reply.body.decode("utf-8", "replace")).strip()
        if text.startswith("<"):
            return None
        quoted = text.split('"')[1] if text.count('"') > 1 else ""
        return {"body": text, "quoted": quoted, "value": text.partition(":")[2].strip()}
    if kind == "form":
        return first_of(read_pairs(reply.body.strip()))
    try:
        return load_json(reply.body)
    except Undecodable:
        return None


def _wait_of(reply: HttpReply) -> timedelta | None:
    """``Retry-After`` in seconds, or as a date measured against the answer's own ``Date``."""
    header = reply.headers.get("retry-after", "")
    if (wait := read_wait(header)) is not None or not header:
        return wait
    try:
        wait = parsedate_to_datetime(header) - parsedate_to_datetime(reply.headers.get("date", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, timedelta()), _MAX_WAIT)


def read_wait(text: str | None) -> timedelta | None:
    try:
        seconds = float(text or "")
    except ValueError:
        return None
    return timedelta(seconds=min(seconds, _MAX_WAIT.total_seconds())) if seconds >= 0 else None
