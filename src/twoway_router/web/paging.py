"""Keyset pages: ``{"data": […], "next": …}``, newest first, with a signed cursor. Used by every list operation.

A cursor is the last id seen plus a MAC over it, the path, the filters and the caller: it works only for the list it was
given out for, and needs nothing stored.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hmac import compare_digest, digest
from typing import Annotated, Final, Generic, Protocol, TypeVar
from uuid import UUID

from fastapi import Depends, Query, Request
from pydantic import BaseModel, Field

from twoway_router.domain.errors import BadRequest
from twoway_router.web.auth import CurrentPrincipal
from twoway_router.web.context import context_of

_MAC_BYTES: Final = 16
_OWN: Final = ("limit", "cursor")


class BadCursor(BadRequest):
    """This cursor was not given out for this list. Start again without one."""

    code = "cursor_invalid"
    title = "Invalid cursor"


class _HasId(Protocol):
    @property
    def id(self) -> UUID: ...


Row = TypeVar("Row", bound=_HasId)
Out = TypeVar("Out")


class Page(BaseModel, Generic[Out]):
    """One page of a list, newest first."""

    data: list[Out]
    next: str | None = Field(description="Give it as `cursor` to read on; null at the end.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Paging:
    """The requested page. Queries take ``after`` and ``fetch`` rows: one more than a page, to see if there is another."""

    limit: int
    after: UUID | None
    key: bytes
    place: bytes

    @property
    def fetch(self) -> int:
        """How many rows to ask the database for."""
        return self.limit + 1

    def page(self, rows: Sequence[Row], show: Callable[[Row], Out]) -> Page[Out]:
        """The answer with these rows."""
        shown = rows[: self.limit]
        has_more = len(rows) > self.limit
        if not has_more:
            return Page(data=[show(row) for row in shown], next=None)
        last = shown[-1].id
        cursor = urlsafe_b64encode(last.bytes + _mac(self.key, self.place, last)).rstrip(b"=").decode()
        return Page(data=[show(row) for row in shown], next=cursor)


async def _paging(
    request: Request,
    principal: CurrentPrincipal,
    limit: Annotated[int, Query(ge=1, le=200, description="Rows per page.")] = 50,
    cursor: Annotated[str | None, Query(min_length=1, max_length=100, description="`next` of the page before.")] = None,
) -> Paging:
    filters = sorted(pair for pair in request.query_params.multi_items() if pair[0] not in _OWN)
    place = repr((request.url.path, principal.owner, filters)).encode()
    key = context_of(request.app).cursor_key
    after = None if cursor is None else _read(cursor, key, place)
    return Paging(limit=limit, after=after, key=key, place=place)


def _read(cursor: str, key: bytes, place: bytes) -> UUID:
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (Base64Error, ValueError):
        raise BadCursor from None
    if len(raw) != 16 + _MAC_BYTES:
        raise BadCursor
    last = UUID(bytes=raw[:16])
    if not compare_digest(raw[16:], _mac(key, place, last)):
        raise BadCursor
    return last


def _mac(key: bytes, place: bytes, last: UUID) -> bytes:
    return digest(key, last.bytes + place, "sha256")[:_MAC_BYTES]


Pages = Annotated[Paging, Depends(_paging)]
