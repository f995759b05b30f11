"""Errors as RFC 9457 problems: the only place that speaks HTTP about errors. Installed by ``management.app``.

Every problem has a stable ``code`` and a ``type`` that links to its explanation, which the app itself serves.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from twoway_router.domain.errors import BadRequest, FieldError, NotFound, RouterError, Unprocessable
from twoway_router.web.context import context_of

MEDIA_TYPE: Final = "application/problem+json"
DOCS: Final = "/problems/"
_ALWAYS: Final = (400, 401, 403, 429, 500, 503)
_SENTENCES: Final[Mapping[int, str]] = {
    400: "The request cannot be understood: not JSON, or a cursor that was not given out for this list.",
    401: "No valid API key.",
    403: "The key lacks the scope, or belongs to the wrong kind of caller.",
    404: "No such thing, or it is not yours.",
    409: "Conflicts with what is there, or the same Idempotency-Key is in flight.",
    412: "Changed since it was read (If-Match).",
    413: "The body is too large.",
    422: "Understood but not acceptable; `errors` name the fields.",
    429: "Too many requests.",
    500: "A mistake of ours; give `instance` when you report it.",
    503: "Cannot answer now; try again.",
}


class MethodNotAllowed(RouterError):
    """This path does not know this method; `Allow` names those it knows."""

    code = "method_not_allowed"
    status = 405
    title = "Method not allowed"


class ValidationFailed(Unprocessable):
    """Some fields are not acceptable; `errors` name them."""

    code = "validation_failed"


class ProblemError(BaseModel):
    """One thing wrong with one field."""

    pointer: str = Field(description="JSON pointer into the body, or `query/<name>`, `path/<name>`, `header/<name>`.")
    detail: str


class Problem(BaseModel):
    """RFC 9457 problem."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": f"{DOCS}not_found",
                    "code": "not_found",
                    "title": "Not found",
                    "status": 404,
                    "detail": "There is no such thing, or it is not yours.",
                    "instance": "urn:uuid:0198c0de-8d5b-7cc3-a5f1-1d2b3c4d5e6f",
                    "errors": [],
                }
            ]
        },
    )

    type: str = Field(description="Link to the documentation of this code.")
    code: str = Field(description="Stable, for programs.")
    title: str
    status: int
    detail: str
    instance: str = Field(description="`urn:uuid:` and the request's id, as in X-Request-Id.")
    errors: list[ProblemError] = Field(description="What is wrong with which field; empty when no field is to blame.")


def may_answer(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Problems to document: what an operation may answer besides those that all of its kind may."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": _SENTENCES[status], "content": {MEDIA_TYPE: {"schema": schema}}} for status in statuses
    }


def problem_responses(path: str, methods: set[str]) -> dict[int | str, dict[str, Any]]:
    """The problems that every operation of this kind may answer, for OpenAPI."""
    statuses = set(_ALWAYS)
    if "{" in path:
        statuses.add(404)
    if methods - {"GET", "DELETE"}:
        statuses |= {404, 409, 413}
    if methods & {"PUT", "PATCH", "DELETE"}:
        statuses |= {409, 412}
    statuses.add(422)
    return may_answer(*sorted(statuses))


def problem_response(error: RouterError, request_id: UUID) -> Response:
    """The answer for an error of our tree."""
    body: dict[str, object] = {
        **error.extra,
        "type": f"{DOCS}{error.code}",
        "code": error.code,
        "title": error.title,
        "status": error.status,
        "detail": " ".join(error.detail.split()),
        "instance": f"urn:uuid:{request_id}",
        "errors": [{"pointer": found.pointer, "detail": found.detail} for found in error.errors],
    }
    return JSONResponse(body, status_code=error.status, headers=error.headers, media_type=MEDIA_TYPE)


def request_id_of(request: Request) -> UUID:
    """The id that the middleware gave to this request."""
    request_id: UUID = request.state.request_id
    return request_id


def install_problems(app: FastAPI) -> None:
    """Every refusal of the app becomes a problem; what is unexpected is left to the middleware."""
    app.add_exception_handler(RouterError, _on_router_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_error)


async def _on_router_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, RouterError):
        raise error
    return problem_response(error, request_id_of(request))


async def _on_validation_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    if isinstance(error.body, bytes) and error.body:
        sentence = "The body must be JSON: send `Content-Type: application/json`."
        fields = [FieldError(pointer="header/Content-Type", detail=sentence)]
    else:
        fields = [
            FieldError(pointer=_pointer(each, error.body), detail=_sentence(each)) for each in error.errors()[:50]
        ]
    return problem_response(ValidationFailed(errors=fields), request_id_of(request))


async def _on_http_error(request: Request, error: Exception) -> Response:
    """What the router itself refuses: unknown path, wrong method."""
    if not isinstance(error, HTTPException):
        raise error
    problem: RouterError
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            problem = NotFound("There is no such path.")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            problem = MethodNotAllowed(headers={"Allow": context_of(request.app).allowed_methods(request.url.path)})
        case _:
            problem = BadRequest(str(error.detail))
    return problem_response(problem, request_id_of(request))


def _pointer(found: Mapping[str, Any], body: object) -> str:
    where, *steps = found["loc"]
    if where == "body" and body is not None:
        steps = _steps_within(body, steps, is_missing=found["type"] == "missing")
    escaped = [str(step).replace("~", "~0").replace("/", "~1") for step in steps]
    return "".join(f"/{step}" for step in escaped) if where == "body" else "/".join([str(where), *escaped])


def _steps_within(body: object, steps: Sequence[str | int], *, is_missing: bool) -> list[str | int]:
    """Only the steps that the caller would take: pydantic also names the member of a union that it tried."""
    kept: list[str | int] = []
    is_tag_next = True
    for place, step in enumerate(steps):
        match body, step:
            case {"kind": kind}, str() if is_tag_next and kind == step:
                is_tag_next = False
            case dict(), _ if step in body:
                kept, body, is_tag_next = [*kept, step], body[step], True
            case list(), int() if step < len(body):
                kept, body, is_tag_next = [*kept, step], body[step], True
            case _ if is_missing and place == len(steps) - 1:
                kept.append(step)
    return kept


def _sentence(found: Mapping[str, Any]) -> str:
    """Pydantic's sentence without the value: what was sent may be a secret."""
    text = str(found["msg"]).removeprefix("Value error, ")
    return text if text.endswith(".") else f"{text}."
