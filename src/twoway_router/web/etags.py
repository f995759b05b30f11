"""``ETag`` and ``If-Match``: an update is refused when its subject was changed meanwhile. Used by ``api.py`` modules."""

from hashlib import blake2b
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Response
from pydantic import BaseModel

from twoway_router.domain.errors import PreconditionFailed

Out = TypeVar("Out", bound=BaseModel)


class Expected:
    """What the caller believes the current ETag to be; without the header everything matches."""

    def __init__(self, header: str | None) -> None:
        self._tags = None if header is None else {tag.strip().removeprefix("W/") for tag in header.split(",")}

    def check(self, revision: int) -> None:
        """Raises PreconditionFailed. Call it with the row locked."""
        if self._tags is not None and "*" not in self._tags and etag_of(revision) not in self._tags:
            raise PreconditionFailed


def etag_of(revision: int) -> str:
    """A strong tag of a revision."""
    return f'"{revision}"'


def content_tag(*parts: object) -> int:
    """A revision for what has none: a digest of what can change."""
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=8).digest(), "big")


def tagged(response: Response, revision: int, out: Out) -> Out:
    """Put the ETag on the answer."""
    response.headers["ETag"] = etag_of(revision)
    return out


async def _expected(
    if_match: Annotated[
        str | None, Header(max_length=1000, description="ETag of the state that you change.", examples=['"3"'])
    ] = None,
) -> Expected:
    return Expected(if_match)


IfMatch = Annotated[Expected, Depends(_expected)]
