"""What a problem's ``code`` means, served where its ``type`` links to. Made from the error classes."""

from collections.abc import Iterator, Mapping

from fastapi import APIRouter
from starlette.responses import PlainTextResponse

from twoway_router.domain.errors import NotFound, RouterError

router = APIRouter(include_in_schema=False)


def problems() -> Mapping[str, type[RouterError]]:
    """Every code with its error, in the order of the alphabet."""
    return dict(sorted((error.code, error) for error in _tree(RouterError)))


@router.get("/problems")
@router.get("/problems/")
async def list_problems() -> PlainTextResponse:
    """All codes, one a line."""
    return PlainTextResponse(
        "".join(f"{error.status} {code}: {_sentence(error)}\n" for code, error in problems().items())
    )


@router.get("/problems/{code}")
async def get_problem(code: str) -> PlainTextResponse:
    """One code."""
    error = problems().get(code)
    if error is None:
        raise NotFound
    return PlainTextResponse(f"{error.code} ({error.status} {error.title})\n\n{_sentence(error)}\n")


def _tree(error: type[RouterError]) -> Iterator[type[RouterError]]:
    yield error
    for child in error.__subclasses__():
        yield from _tree(child)


def _sentence(error: type[RouterError]) -> str:
    return " ".join((error.__doc__ or error.title).split())
