"""What FastAPI does not write into the OpenAPI document by itself. Called by ``app``; exported by ``cli.openapi``."""

import re
from typing import Any, Final

from fastapi import FastAPI
from starlette.routing import compile_path

from twoway_router.web.problems import MEDIA_TYPE, Problem, ProblemError

DESCRIPTION: Final = """
Send an API key with every request: `Authorization: Bearer twr_live_…`. A tenant's key sees what is the tenant's; an
operator's key sees everything. What is not yours does not exist: 404. A test key (`twr_test_…`) works in the tenant's
sandbox: the same API, apart from live traffic, on a simulated carrier.

- **Lists** are pages, newest first: `{"data": […], "next": …}`. Give `next` as `cursor` to read on.
- **Errors** are RFC 9457 problems (`application/problem+json`) with a stable `code`; their `type` links to an explanation.
- **Repeating a POST** is safe with an `Idempotency-Key`: for seven days the same key gives the first answer.
- **Updates** take `If-Match` with the `ETag` you read; 412 says that somebody was faster.
- **RateLimit** and **RateLimit-Policy** tell how many requests are left.
""".strip()

_TEXT: Final = {"schema": {"type": "string"}}
_HEADERS: Final = {
    "X-Request-Id": {"description": "The request's id, also in problems and in our logs.", **_TEXT},
    "RateLimit": {"description": 'Requests left and seconds until all are back: `"default";r=599;t=1`.', **_TEXT},
    "RateLimit-Policy": {"description": 'The quota and its window in seconds: `"default";q=600;w=60`.', **_TEXT},
}
_ETAG: Final = {"ETag": {"description": "For `If-Match` of the next update.", **_TEXT}}
_SECURITY: Final = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "twr_<live|test>_<kid>_<secret>",
    "description": "The scopes that an operation names are scopes of the API key; `*` has them all.",
}
_SUCCESSES: Final = {"200": "Done.", "201": "Created.", "204": "Done; there is nothing to show."}
_PROBLEMS: Final = {
    "400": "BadRequest",
    "401": "Unauthenticated",
    "403": "Forbidden",
    "404": "NotFound",
    "409": "Conflict",
    "412": "PreconditionFailed",
    "413": "BodyTooLarge",
    "422": "Unprocessable",
    "429": "TooManyRequests",
    "500": "InternalError",
    "503": "Unavailable",
}
_METHODS: Final = ("get", "put", "post", "delete", "patch")


def completed(schema: dict[str, Any]) -> dict[str, Any]:
    """The app's own document with what FastAPI leaves out."""
    components = schema.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for model in (Problem, ProblemError):
        made = model.model_json_schema(ref_template="#/components/schemas/{model}")
        made.pop("$defs", None)
        schemas[model.__name__] = made
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    components["securitySchemes"] = {"apiKey": _SECURITY}
    components["headers"] = _HEADERS | _ETAG
    components["responses"] = {}
    for path in schema["paths"].values():
        for method in _METHODS:
            if operation := path.get(method):
                _complete_operation(operation, components["responses"], has_etag="patch" in path or "put" in path)
    for event in schema.get("webhooks", {}).values():
        event["post"]["responses"].pop("422", None)
    components["schemas"] = dict(sorted(schemas.items()))
    components["responses"] = dict(sorted(components["responses"].items()))
    schema["paths"] = dict(sorted(schema["paths"].items()))
    schema["servers"] = [{"url": "/", "description": "This router"}]
    return schema


def _complete_operation(operation: dict[str, Any], shared: dict[str, Any], *, has_etag: bool) -> None:
    """Headers for every answer; problems, the same everywhere, are written once and referred to."""
    for status, response in operation["responses"].items():
        names = [*_HEADERS, *(_ETAG if has_etag and status in ("200", "201") else ())]
        response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        response["description"] = _SUCCESSES.get(status, response["description"])
        if MEDIA_TYPE in response.get("content", {}):
            name = _PROBLEMS[str(status)]
            shared.setdefault(name, response)
            operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}


class PathMethods:
    """Which methods a path knows, for the ``Allow`` header of a 405."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._paths: dict[str, tuple[re.Pattern[str], set[str]]] | None = None

    def on(self, path: str) -> str:
        """The value of ``Allow``."""
        if self._paths is None:
            documented = self._app.openapi()["paths"].items()
            self._paths = {
                template: (compile_path(template)[0], {name.upper() for name in known})
                for template, known in documented
            }
        if path in self._paths:
            return ", ".join(sorted(self._paths[path][1]))
        found = set[str]().union(*(methods for pattern, methods in self._paths.values() if pattern.match(path)))
        return ", ".join(sorted(found or {"GET"}))
