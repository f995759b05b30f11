"""What the roles consist of. Called by ``twoway-router serve`` and by ``all_in_one``."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from starlette.types import ASGIApp

from twoway_router import __version__
from twoway_router.config import Settings
from twoway_router.dispatch.relay import Relay
from twoway_router.domain.clock import utc_now
from twoway_router.executor.app import Executor
from twoway_router.ingress.app import Ingress
from twoway_router.keywords.follower import RoutingCache
from twoway_router.management.app import Sandboxes, create_app
from twoway_router.outbound.http import PooledHttpClient
from twoway_router.outbound.network import Guard
from twoway_router.processes.barred_words import load_barred_words
from twoway_router.processes.frame import Part, StartRefused
from twoway_router.processes.handshakes import BackgroundHandshakes
from twoway_router.processes.sandbox import SandboxDoor
from twoway_router.processes.shared import Shared, make_process, prepare, transport_part
from twoway_router.scheduler.app import Scheduler
from twoway_router.store.follower import ChangeFollower
from twoway_router.telemetry.metrics import BUILD_INFO, INDEX_AGE, RELAY_BEHIND
from twoway_router.web.lifecycle import LameDuck
from twoway_router.web.server import HttpServer


class Role(StrEnum):
    """What a process does."""

    INGRESS = "ingress"
    API = "api"
    EXECUTOR = "executor"
    SCHEDULER = "scheduler"


def ingress_parts(shared: Shared) -> Sequence[Part]:
    """Takes carriers' requests, on a port of its own."""
    settings = shared.settings
    client = PooledHttpClient(Guard(is_tls_required=True))
    handshakes = BackgroundHandshakes(client)
    ingress = Ingress(
        settings=settings,
        engine=shared.engine,
        sealer=shared.sealer,
        listener=shared.listener,
        handshakes=handshakes,
        certificates=handshakes.certificates,
        clock=utc_now,
    )
    return (
        Part(
            name="ingress",
            start=ingress.start,
            loops=(ingress.run, ingress.flush, ingress.requests.run, handshakes.run),
            servers=(_server(shared, ingress, settings.ingress_port, "TWOWAY_INGRESS_PORT"),),
            checks={"index": ingress.find_staleness},
            drain=ingress.drain,
            close=client.close,
            refresh=lambda: _export_age(ingress.follower),
        ),
    )


def api_parts(shared: Shared) -> Sequence[Part]:
    """The management API."""
    settings = shared.settings
    routing = RoutingCache(load_barred_words(settings.reserved_words))
    follower = ChangeFollower(shared.engine, shared.listener, (routing,), poll=settings.index_poll)
    room = max(1, settings.database_pool_size // 2)
    door = SandboxDoor(shared.engine, routing, follower, clock=utc_now, room=room)
    app = create_app(
        engine=shared.engine,
        sealer=shared.sealer,
        routing_table=lambda: routing.table,
        public_url=settings.public_url,
        clock=utc_now,
        webhook_allowed_networks=settings.webhook_allowed_networks,
        is_mail_possible=settings.smtp_host is not None,
        sandboxes=Sandboxes(
            door=door,
            requests_per_minute=settings.sandbox_requests_per_minute,
            messages_per_minute=settings.sandbox_messages_per_minute,
        ),
    )
    return (
        Part(
            name="api",
            start=follower.load,
            loops=(follower.run,),
            servers=(_server(shared, app, settings.api_port, "TWOWAY_API_PORT"),),
            drain=door.drain,
            refresh=lambda: _export_age(follower),
        ),
    )


def executor_parts(shared: Shared) -> Sequence[Part]:
    """Runs actions and makes deliveries."""
    executor = Executor(
        settings=shared.settings,
        engine=shared.engine,
        sealer=shared.sealer,
        transport=shared.transport,
        process_number=shared.listener.process_number,
        clock=utc_now,
    )
    return (Part(name="executor", start=executor.start, drain=executor.drain, close=executor.close),)


def scheduler_parts(shared: Shared) -> Sequence[Part]:
    """Sweeps for due work; with RabbitMQ also the relay of the outbox."""
    settings = shared.settings
    scheduler = Scheduler(settings=settings, engine=shared.engine, transport=shared.transport, clock=utc_now)
    part = Part(
        name="scheduler", start=scheduler.start, loops=(scheduler.run, scheduler.watch), refresh=scheduler.refresh
    )
    return (part, relay_part(shared)) if settings.amqp_url else (part,)


def relay_part(shared: Shared) -> Part:
    """Publishes the outbox to RabbitMQ. Ready only while its turns end in time."""
    settings = shared.settings
    relay = Relay(
        shared.engine,
        shared.transport,
        shared.listener,
        shards=settings.broker_shards,
        batch_size=settings.batch_size,
    )

    async def find_trouble() -> str | None:
        return relay.find_trouble(settings.broker_heartbeat_max_age)

    return Part(
        name="relay",
        loops=(relay.run,),
        checks={"relay": find_trouble},
        refresh=lambda: RELAY_BEHIND.set(relay.behind.total_seconds()),
    )


ROLES: Final[Mapping[Role, Callable[[Shared], Sequence[Part]]]] = {
    Role.INGRESS: ingress_parts,
    Role.API: api_parts,
    Role.EXECUTOR: executor_parts,
    Role.SCHEDULER: scheduler_parts,
}


def _server(shared: Shared, app: ASGIApp, port: int, setting: str) -> HttpServer:
    settings = shared.settings
    return HttpServer(
        LameDuck(app, shared.lifecycle),
        host=settings.listen_host,
        port=port,
        setting=setting,
        drain_seconds=settings.drain.total_seconds(),
    )


def _export_age(follower: ChangeFollower) -> None:
    age = follower.age
    INDEX_AGE.set(age.total_seconds() if age is not None else float("inf"))


async def serve(role: Role, settings: Settings) -> None:
    """Run one role until a signal."""
    if settings.database_url is None:
        raise StartRefused(
            "TWOWAY_DATABASE_URL is not set. A role needs a PostgreSQL server; `twoway-router run` brings its own."
        )
    BUILD_INFO.labels(__version__, role.value).set(1)
    shared = prepare(settings, settings.database_url.get_secret_value(), role.value)
    parts = ROLES[role](shared)
    uses_broker = role in (Role.EXECUTOR, Role.SCHEDULER)
    await make_process(shared, (transport_part(shared), *parts) if uses_broker else parts).run()
