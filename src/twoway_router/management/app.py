"""Builds the API's app. Called by ``processes`` (role ``api``), by ``cli.openapi`` and by tests."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from twoway_router import __version__
from twoway_router.coupons import api as coupons
from twoway_router.domain.addresses import read_networks
from twoway_router.domain.clock import Clock, utc_now
from twoway_router.inbound import api as inbound
from twoway_router.keywords import administration_api
from twoway_router.keywords import api as keywords
from twoway_router.management import audit_log, catalogue, diffs, previews, processes, replays
from twoway_router.management.keys import StoredKeys
from twoway_router.management.openapi import DESCRIPTION, PathMethods, completed
from twoway_router.mts import api as mts
from twoway_router.numbers import api as numbers
from twoway_router.routing.index import RoutingTable
from twoway_router.rulesets import api as rulesets
from twoway_router.sandbox import api as sandbox
from twoway_router.store import Engine
from twoway_router.store.sealing import Sealer
from twoway_router.tenants import api as tenants
from twoway_router.web.auth import Authenticator
from twoway_router.web.context import Door, WebContext
from twoway_router.web.limits import FailedTries, RateLimiter
from twoway_router.web.middleware import RequestGuard
from twoway_router.web.problems import install_problems
from twoway_router.webhooks import api as webhooks
from twoway_router.webhooks.listener import tell_endpoints
from twoway_router.webhooks.openapi import webhook_routes

MOST_FAILED_REDEMPTIONS: Final = 5
"""Within a minute; then the API key must wait. Codes are short enough to be guessed otherwise."""

ROUTERS: Final[tuple[APIRouter, ...]] = (
    tenants.router,
    tenants.keys_router,
    numbers.carriers_router,
    numbers.connections_router,
    mts.connections_router,
    numbers.router,
    keywords.router,
    administration_api.router,
    rulesets.router,
    rulesets.previews,
    inbound.router,
    mts.router,
    coupons.router,
    webhooks.router,
    previews.router,
    diffs.router,
    replays.router,
    replays.explanations,
    audit_log.router,
    sandbox.router,
    processes.router,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sandboxes:
    """What tenants' sandboxes may do here. Without a ``door`` no inbound messages can be made up."""

    door: Door | None = None
    requests_per_minute: int = 300
    messages_per_minute: int = 60


NO_SANDBOXES: Final = Sandboxes()


FIXED_PATHS: Final = frozenset(
    f"/v1{route.path}"
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute) and "{" not in route.path
)


class ManagementApi(FastAPI):
    """FastAPI with a complete OpenAPI document."""

    def openapi(self) -> dict[str, Any]:
        """The document, built when first asked for."""
        if self.openapi_schema is None:
            self.openapi_schema = completed(super().openapi())
        return self.openapi_schema


def create_app(
    *,
    engine: Engine,
    sealer: Sealer,
    routing_table: Callable[[], RoutingTable],
    public_url: str,
    clock: Clock = utc_now,
    webhook_allowed_networks: Sequence[str] = (),
    is_mail_possible: bool = True,
    requests_per_minute: int = 600,
    body_limit_bytes: int = 4_194_304,
    sandboxes: Sandboxes = NO_SANDBOXES,
) -> FastAPI:
    """The whole management API. The caller owns the engine."""
    app = ManagementApi(
        title="twoway-router",
        version=__version__,
        summary="Two-way SMS on shared short codes.",
        description=DESCRIPTION,
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
        generate_unique_id_function=lambda route: route.name,  # what client generators call the method
        webhooks=webhook_routes(),
    )
    app.state.context = WebContext(
        engine=engine,
        sealer=sealer,
        clock=clock,
        authenticator=Authenticator(StoredKeys(engine)),
        limiter=_limiter(requests_per_minute),
        sandbox_limiter=_limiter(sandboxes.requests_per_minute),
        sandbox_messages=_limiter(sandboxes.messages_per_minute),
        cursor_key=sealer.derive("cursors"),
        public_url=public_url,
        body_limit_bytes=body_limit_bytes,
        routing_table=routing_table,
        tell=tell_endpoints,
        is_mail_possible=is_mail_possible,
        webhook_networks=read_networks(webhook_allowed_networks),
        sandbox_door=sandboxes.door,
        failed_redemptions=FailedTries(allowed=MOST_FAILED_REDEMPTIONS, window=timedelta(minutes=1)),
        fixed_paths=FIXED_PATHS,
        allowed_methods=PathMethods(app).on,
    )
    for router in ROUTERS:
        app.include_router(router, prefix="/v1")
    app.include_router(catalogue.router)
    install_problems(app)
    app.add_middleware(RequestGuard)
    return app


def _limiter(per_minute: int) -> RateLimiter:
    return RateLimiter(quota=per_minute, window=timedelta(minutes=1))
