"""The one error tree. A class carries its code, its HTTP status and its sentence; only ``web.problems`` speaks HTTP.

    RouterError
    ├── BadRequest (400)     the request cannot be understood
    ├── Unauthenticated (401)
    ├── Forbidden (403)      the key lacks a scope
    ├── NotFound (404)       also everything that belongs to another tenant
    ├── Conflict (409)       another holder, a duplicate, a state that does not allow it
    ├── PreconditionFailed (412)
    ├── Unprocessable (422)  understood, but not acceptable; ``errors`` name the fields
    ├── TooManyRequests (429)
    └── Unavailable (503)    the database or the broker does not answer

Each slice derives its own errors from these and gives them a ``code`` of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldError:
    """One thing wrong with one field. ``pointer`` is a JSON pointer (RFC 6901) into the request body."""

    pointer: str
    detail: str


class RouterError(Exception):
    """An error that is reported to the caller."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        extra: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.detail = detail or (type(self).__doc__ or self.title).strip()
        self.errors = tuple(errors)
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})
        super().__init__(self.detail)


class BadRequest(RouterError):
    """The request cannot be understood."""

    code = "bad_request"
    status = 400
    title = "Bad request"


class Unauthenticated(RouterError):
    """No valid API key was given. Send one as `Authorization: Bearer twr_live_…`."""

    code = "unauthenticated"
    status = 401
    title = "Not authenticated"


class Forbidden(RouterError):
    """The API key does not have the scope that this operation needs."""

    code = "forbidden"
    status = 403
    title = "Forbidden"


class NotFound(RouterError):
    """There is no such thing, or it is not yours."""

    code = "not_found"
    status = 404
    title = "Not found"


class Conflict(RouterError):
    """The request conflicts with what is already there."""

    code = "conflict"
    status = 409
    title = "Conflict"


class PreconditionFailed(RouterError):
    """The resource has changed since you read it. Read it again and repeat with its new ETag."""

    code = "precondition_failed"
    status = 412
    title = "Precondition failed"


class Unprocessable(RouterError):
    """The request is well-formed but not acceptable."""

    code = "unprocessable"
    status = 422
    title = "Not acceptable"


class TooManyRequests(RouterError):
    """Too many requests. Wait for the time in Retry-After."""

    code = "too_many_requests"
    status = 429
    title = "Too many requests"


class Unavailable(RouterError):
    """The service cannot answer now. Try again after the time in Retry-After."""

    code = "unavailable"
    status = 503
    title = "Unavailable"
