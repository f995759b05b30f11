"""Reads a JSON body strictly, before a transaction is opened. Called by ``web.route``.

Refused at the door: more than the limit, no UTF-8, duplicate names, NaN, NUL characters, lone surrogates, deep nesting.
None of these can be stored faithfully, and two parsers may read them differently.
"""

import json
from collections.abc import Sequence
from typing import Final, NoReturn

from fastapi import Request

from twoway_router.domain.errors import BadRequest, RouterError

_DEEPEST: Final = 32


class BadJson(BadRequest):
    """The body is not acceptable JSON."""

    code = "json_invalid"
    title = "Invalid JSON"


class BadCharacters(BadRequest):
    """The query holds a NUL character."""

    code = "characters_invalid"


class BodyTooLarge(RouterError):
    """The request's body is too large."""

    code = "body_too_large"
    status = 413
    title = "Body too large"


class JsonRequest(Request):
    """A request whose JSON body was read by us; FastAPI asks ``json()`` and gets the checked value."""

    async def json(self) -> object:
        """The checked body."""
        return read_json(await self.body())


async def read_body(request: Request, limit_bytes: int) -> None:
    """Load and check the body, so that nothing waits for the network while a transaction is open."""
    if "\x00" in request.url.path or any(
        "\x00" in part for pair in request.query_params.multi_items() for part in pair
    ):
        raise BadCharacters
    announced = request.headers.get("content-length", "0")
    if announced.isascii() and announced.isdigit() and int(announced[:12]) > limit_bytes:
        raise BodyTooLarge
    size = 0
    chunks: list[bytes] = []
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit_bytes:
            raise BodyTooLarge
        chunks.append(chunk)
    request._body = b"".join(chunks)  # where Starlette itself keeps a body that was read
    if request._body and "json" in request.headers.get("content-type", ""):
        read_json(request._body)


def read_json(body: bytes) -> object:
    """Parse strictly; raises BadJson."""
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise BadJson(f"The body is nested deeper than {_DEEPEST} levels.") from None
    except ValueError as error:
        raise BadJson(f"The body is not acceptable JSON: {error}.") from None
    _check(value, _DEEPEST)
    return value


def _unique(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check(value: object, depth: int) -> None:
    if depth == 0:
        raise BadJson(f"The body is nested deeper than {_DEEPEST} levels.")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check_text(name)
            _check(inner, depth - 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth - 1)


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise BadJson("The body holds a NUL character.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise BadJson("The body holds half of a surrogate pair.") from None
