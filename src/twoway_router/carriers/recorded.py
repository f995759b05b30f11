"""Requests as they stand on the wire, read from files: for tests, and for operators who try a spec on what they captured."""

from twoway_router.carriers.errors import SpecError
from twoway_router.carriers.http import HttpReply, RawRequest


def read_request(raw: bytes, base_url: str) -> RawRequest:
    """A recorded request: request line, headers, an empty line, the body. A final line feed is no part of it."""
    (method, target), headers, body = _split(raw, "request")
    path, _, query = target.partition("?")
    return RawRequest(
        method=method, path=path, query=query, headers=headers, body=body, url=base_url.rstrip("/") + target
    )


def read_reply(raw: bytes) -> HttpReply:
    """A recorded answer: status line, headers, an empty line, the body."""
    (_, status), headers, body = _split(raw, "reply")
    if not status.isdigit():
        raise SpecError("reply", "the first line must be like: HTTP/1.1 200 OK")
    return HttpReply(status=int(status), headers=headers, body=body)


def _split(raw: bytes, kind: str) -> tuple[tuple[str, str], dict[str, str], bytes]:
    """The first two words, the headers and the body; lines may end in CRLF."""
    end = b"\r\n\r\n" if b"\r\n\r\n" in raw.partition(b"\n\n")[0] else b"\n\n"
    head, _, body = raw.partition(end)
    first, *lines = head.decode("utf-8", "replace").splitlines() or [""]
    words = first.split()
    if len(words) < 2:
        raise SpecError(kind, "the first line must be like: POST /in/carrier/1/mo HTTP/1.1")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return (words[0], words[1]), headers, body.removesuffix(b"\n").removesuffix(b"\r")
