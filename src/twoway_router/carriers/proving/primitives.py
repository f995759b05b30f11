"""What all verifiers share: the shape of a check, constant-time comparison, time windows. Used by ``verifiers``."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from twoway_router.carriers.errors import BadSignature, SpecError
from twoway_router.carriers.http import RawRequest

Check = Callable[[RawRequest, datetime], None]
"""Returns when the request is proven, raises BadSignature when it is not."""

Options = Mapping[str, str]

ALGORITHMS: Final[Mapping[str, Callable[[], object]]] = {
    "md5": hashlib.md5,
    "sha1": hashlib.sha1,
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
}


LONGEST_WINDOW: Final = 2_592_000
"""Thirty days."""

HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def is_same(given: str | bytes, wanted: str | bytes) -> bool:
    """Compare in constant time; any characters may come from outside."""
    left = given.encode("utf-8", "surrogatepass") if isinstance(given, str) else given
    right = wanted.encode("utf-8", "surrogatepass") if isinstance(wanted, str) else wanted
    return hmac.compare_digest(left, right)


def demand(is_proven: bool, reason: str = "bad_signature") -> None:
    if not is_proven:
        raise BadSignature(reason)


def header(request: RawRequest, name: str) -> str:
    """A header that must be there."""
    value = request.headers.get(name)
    if not value:
        raise BadSignature("no_signature")
    return value


def within(timestamp: str, now: datetime, seconds: float) -> None:
    """An epoch time (seconds or milliseconds) or ISO time must be near to now; zero seconds means any time will do."""
    try:
        at = float(timestamp)
        at = at / 1000 if at > 100_000_000_000 else at
    except ValueError:
        try:
            moment = datetime.fromisoformat(timestamp)
            at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError, OSError):
            raise BadSignature("bad_timestamp") from None
    if seconds and not abs(now.timestamp() - at) <= seconds:
        raise BadSignature("stale_timestamp")


def keyed(algorithm: str, secret: bytes, message: bytes) -> bytes:
    return hmac.digest(secret, message, algorithm)


def algorithm_of(options: Options, default: str) -> str:
    name = options.get("algorithm", default).lower().replace("-", "")
    if name not in ALGORITHMS:
        raise SpecError("auth.algorithm", f"{name!r} is not one of {', '.join(ALGORITHMS)}")
    return name


def seconds_of(options: Options, name: str, default: str) -> float:
    """An option that says how many seconds; refused when it says none."""
    try:
        seconds = float(options.get(name, default))
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= LONGEST_WINDOW:
        raise SpecError(f"auth.{name}", f"must be a number of seconds from 0 to {LONGEST_WINDOW}")
    return seconds


def header_name(options: Options, name: str) -> str:
    """An option that names a header, in lower case."""
    if HEADER_NAME.fullmatch(options[name]) is None:
        raise SpecError(f"auth.{name}", f"{options[name]!r} is no name of a header")
    return options[name].lower()


def from_base64(text: str, *, url_safe: bool = False) -> bytes:
    """Bytes of base64 with or without padding."""
    padded = text + "=" * (-len(text) % 4)
    try:
        return base64.b64decode(padded.encode("ascii"), altchars=b"-_" if url_safe else None, validate=True)
    except (ValueError, binascii.Error):
        raise BadSignature("bad_signature") from None
