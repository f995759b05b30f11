"""The path of one API request: key, scope, rate, body, one transaction, stored answer. Every ``api.py`` builds on it.

``api_router("/keywords", resource="keywords", tag="Keywords")`` gives a router whose operations need the scope
``keywords:read`` (GET) or ``keywords:write`` (everything else). The transaction is committed before the answer is sent;
an answer of 400 or more, raised as an error, rolls it back.
"""

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Final, Literal

from fastapi import APIRouter, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Scope

from twoway_router.domain.errors import FieldError
from twoway_router.store import OneTenant, System, transaction
from twoway_router.web.auth import MissingScope
from twoway_router.web.body import JsonRequest, read_body
from twoway_router.web.context import WebContext, context_of
from twoway_router.web.idempotency import read_key
from twoway_router.web.problems import ValidationFailed, problem_responses

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Makes the POST safe to repeat for seven days: the same key gives the first answer and no second effect.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]{1,255}$"},
    "example": "0198c0de-8d5b-7cc3-a5f1-1d2b3c4d5e6f",
}


class ApiRoute(APIRoute):
    """One operation; documents what every operation may answer."""

    resource: ClassVar[str]
    always: ClassVar[Literal["read", "write"] | None] = None

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        methods = set(options.get("methods") or ())
        self.scope = f"{self.resource}:{self.always or ('read' if methods <= {'GET'} else 'write')}"
        extra = {**(options.get("openapi_extra") or {}), "security": [{"apiKey": [self.scope]}]}
        if "POST" in methods:
            extra["parameters"] = [*extra.get("parameters", []), IDEMPOTENCY_KEY]
        options["openapi_extra"] = extra
        first_sentence = " ".join((endpoint.__doc__ or "").split()).partition(". ")[0].removesuffix(".")
        options["summary"] = options.get("summary") or first_sentence
        options["responses"] = {**problem_responses(path, methods), **(options.get("responses") or {})}
        super().__init__(path, endpoint, **options)
        self._known = _query_names(self.dependant)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """A path that stands in the document as it is, such as ``/keywords/availability``, is nobody's id."""
        if "{" in self.path and scope["path"] in context_of(scope["app"]).fixed_paths:
            return Match.NONE, {}
        return super().matches(scope)

    def get_route_handler(self) -> Handler:
        """FastAPI's handler for the operation, inside ours."""
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            context = context_of(request.app)
            await self._admit(request, context)
            self._check_query(request)
            request = JsonRequest(request.scope, request.receive)
            await read_body(request, context.body_limit_bytes)
            return await _in_one_transaction(request, context, answer)

        return handle

    async def _admit(self, request: Request, context: WebContext) -> None:
        """Who calls, how often, and whether they may: before anything of the request is looked at."""
        now = context.clock()
        principal = await context.authenticator.authenticate(request.headers.get("authorization"), now)
        sandbox_id = principal.tenant_id if principal.is_sandbox else None
        limiter = context.sandbox_limiter if sandbox_id else context.limiter
        verdict = limiter.take(sandbox_id or principal.key_id, now)
        request.state.now = now
        request.state.principal = principal
        request.state.answer_headers = limiter.headers(verdict)
        if not verdict.is_allowed:
            raise limiter.refusal(verdict)
        if not principal.may(self.scope):
            raise MissingScope(f"The API key does not have the scope {self.scope}.")

    def _check_query(self, request: Request) -> None:
        """A filter with a typing mistake must not quietly show everything."""
        if unknown := sorted(set(request.query_params) - self._known):
            raise ValidationFailed(
                errors=[
                    FieldError(pointer=f"query/{name[:64]}", detail="There is no such parameter.")
                    for name in unknown[:50]
                ]
            )


async def _in_one_transaction(request: Request, context: WebContext, answer: Handler) -> Response:
    now, principal = request.state.now, request.state.principal
    scope = OneTenant(principal.tenant_id) if principal.tenant_id else System("operator")
    async with transaction(context.engine, scope) as session:
        request.state.session = session
        kept = await read_key(request, session, context.sealer, principal.owner)
        if kept is not None and (again := await kept.replay(now)) is not None:
            return again
        response = await answer(request)
        if kept is not None:
            await kept.keep(response, now)
    return response


def _query_names(dependant: Dependant) -> frozenset[str]:
    """Every query parameter that an operation or something it depends on reads."""
    own = frozenset(parameter.alias for parameter in dependant.query_params)
    return own.union(*(_query_names(inner) for inner in dependant.dependencies))


def api_router(path: str, *, resource: str, tag: str, always: Literal["read", "write"] | None = None) -> APIRouter:
    """A router for one resource. ``always`` is for operations whose method does not show whether they change anything."""

    class ResourceRoute(ApiRoute):
        pass

    ResourceRoute.resource = resource
    ResourceRoute.always = always
    return APIRouter(prefix=path, tags=[tag], route_class=ResourceRoute)
