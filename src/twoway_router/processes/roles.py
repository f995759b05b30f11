"""What each role consists of. Called by the command line's ``serve`` and by ``everything``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from starlette.types import ASGIApp

from twoway_router import __version__
from twoway_router.config import Settings
from twoway_router.dispatch.embedded import EmbeddedTransport
from twoway_router.dispatch.port import Transport
from twoway_router.dispatch.rabbitmq import RabbitTransport
from twoway_router.dispatch.relay import Relay
from twoway_router.dispatch.topology import Topology
from twoway_router.executor.app import Executor
from twoway_router.ingress.app import Ingress
from twoway_router.keywords.follower import RoutingCache
from twoway_router.kit.clock import utc_now
from twoway_router.kit.metrics import BUILD_INFO, HEARTBEAT_AGE, INDEX_AGE
from twoway_router.kit.sealing import Sealer
from twoway_router.management.app import create_app
from twoway_router.outbound.http import PooledHttpClient
from twoway_router.outbound.network import Guard
from twoway_router.processes.carriers import load_carriers
from twoway_router.processes.database import make_sealer
from twoway_router.processes.errands import BackgroundErrands
from twoway_router.processes.frame import Part, Process, StartRefused
from twoway_router.scheduler.app import Scheduler
from twoway_router.store import changes, outbox
from twoway_router.store.engine import make_engine
from twoway_router.store.failures import DATABASE_ERRORS
from twoway_router.store.follower import ChangeFollower
from twoway_router.store.listen import Listener
from twoway_router.store.migrate import find_reason_not_to_start
from twoway_router.store.transaction import Engine, transaction
from twoway_router.web.lifecycle import LameDuck, Lifecycle
from twoway_router.web.server import HttpServer


class Role(StrEnum):
    """What a process does."""

    INGRESS = "ingress"
    API = "api"
    EXECUTOR = "executor"
    SCHEDULER = "scheduler"


@dataclass(frozen=True, kw_only=True, slots=True)
class Shared:
    """What the parts of one process share."""

    settings: Settings
    engine: Engine
    sealer: Sealer
    listener: Listener
    transport: Transport
    lifecycle: Lifecycle


def prepare(settings: Settings, database_url: str, name: str) -> Shared:
    """Make what all roles share. Nothing is connected yet."""
    load_carriers(settings.carrier_specs)
    engine = make_engine(
        database_url,
        pool_size=settings.database_pool_size,
        name=f"twoway-router {name}",
        is_hot=name != Role.API,
    )
    listener = Listener(database_url, (outbox.CHANNEL, changes.CHANNEL))
    return Shared(
        settings=settings,
        engine=engine,
        sealer=make_sealer(settings),
        listener=listener,
        transport=make_transport(settings, engine, listener, name),
        lifecycle=Lifecycle(),
    )


def make_transport(settings: Settings, engine: Engine, listener: Listener, name: str) -> Transport:
    """RabbitMQ if the settings name one, else the outbox itself."""
    if settings.amqp_url is None:
        return EmbeddedTransport(
            engine,
            listener,
            shards=settings.broker_shards,
            batch_size=settings.batch_size,
            heartbeat_max_age=settings.broker_heartbeat_max_age,
        )
    return RabbitTransport(
        settings.amqp_url.get_secret_value(),
        Topology(shards=settings.broker_shards),
        name=f"twoway-router {name}",
        heartbeat_max_age=settings.broker_heartbeat_max_age,
    )


def database_part(shared: Shared) -> Part:
    """The connection to PostgreSQL; refuses to start on a schema that this code cannot run on."""

    async def start() -> None:
        try:
            async with transaction(shared.engine) as session:
                reason = await find_reason_not_to_start(session)
        except DATABASE_ERRORS as error:
            raise StartRefused(
                f"TWOWAY_DATABASE_URL: cannot reach the database ({type(error).__name__}: {error})."
            ) from error
        if reason:
            raise StartRefused(reason)
        await shared.listener.start()

    async def find_trouble() -> str | None:
        try:
            async with transaction(shared.engine) as session:
                await changes.newest(session)
        except DATABASE_ERRORS as error:
            return f"the database does not answer ({type(error).__name__})"
        return None

    async def close() -> None:
        await shared.listener.close()
        await shared.engine.dispose()

    return Part(name="database", start=start, checks={"database": find_trouble}, close=close)


def transport_part(shared: Shared) -> Part:
    """The way to the broker. Ready only if a heartbeat made the whole way lately."""
    limit = shared.settings.broker_heartbeat_max_age

    async def find_trouble() -> str | None:
        return (
            None
            if shared.transport.is_healthy
            else f"no heartbeat came through the broker in the last {limit.total_seconds():.0f} s"
        )

    def refresh() -> None:
        seen = shared.transport.last_heartbeat_at
        HEARTBEAT_AGE.set((utc_now() - seen).total_seconds() if seen else float("inf"))

    return Part(
        name="transport",
        start=shared.transport.start,
        checks={"broker": find_trouble},
        drain=lambda: shared.transport.drain(shared.settings.drain / 2),
        close=shared.transport.close,
        refresh=refresh,
    )


def ingress_parts(shared: Shared) -> Sequence[Part]:
    """The carriers' door, on a port of its own."""
    settings = shared.settings
    client = PooledHttpClient(Guard(is_tls_required=True))
    errands = BackgroundErrands(client)
    ingress = Ingress(
        settings=settings,
        engine=shared.engine,
        sealer=shared.sealer,
        listener=shared.listener,
        errands=errands,
        certificates=errands.certificates,
        clock=utc_now,
    )
    return (
        Part(
            name="ingress",
            start=ingress.start,
            loops=(ingress.run, ingress.flush, ingress.requests.run, errands.run),
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
    routing = RoutingCache()
    follower = ChangeFollower(shared.engine, shared.listener, (routing,), poll=settings.index_poll)
    app = create_app(
        engine=shared.engine,
        sealer=shared.sealer,
        routing_table=lambda: routing.table,
        public_url=settings.public_url,
        clock=utc_now,
        webhook_allowed_networks=settings.webhook_allowed_networks,
        is_mail_possible=settings.smtp_host is not None,
    )
    return (
        Part(
            name="api",
            start=follower.load,
            loops=(follower.run,),
            servers=(_server(shared, app, settings.api_port, "TWOWAY_API_PORT"),),
            refresh=lambda: _export_age(follower),
        ),
    )


def executor_parts(shared: Shared) -> Sequence[Part]:
    """Runs actions and makes deliveries."""
    executor = Executor(
        settings=shared.settings, engine=shared.engine, sealer=shared.sealer, transport=shared.transport, clock=utc_now
    )
    return (
        transport_part(shared),
        Part(name="executor", start=executor.start, drain=executor.drain, close=executor.close),
    )


def scheduler_parts(shared: Shared) -> Sequence[Part]:
    """Sweeps for due work; with RabbitMQ also the relay of the outbox."""
    settings = shared.settings
    scheduler = Scheduler(settings=settings, engine=shared.engine, transport=shared.transport, clock=utc_now)
    loops = [scheduler.run]
    if settings.amqp_url:
        relay = Relay(
            shared.engine,
            shared.transport,
            shared.listener,
            shards=settings.broker_shards,
            batch_size=settings.batch_size,
        )
        loops.append(relay.run)
    return (
        transport_part(shared),
        Part(name="scheduler", start=scheduler.start, loops=loops, refresh=scheduler.refresh),
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


def make_process(shared: Shared, parts: Sequence[Part]) -> Process:
    """A process of these parts; its ops port is bound now."""
    settings = shared.settings
    return Process(
        (database_part(shared), *parts),
        shared.lifecycle,
        ops_host=settings.listen_host,
        ops_port=settings.ops_port,
        lame_duck=settings.lame_duck,
        drain=settings.drain,
    )


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
    await make_process(shared, [transport_part(shared), *parts] if uses_broker else parts).run()
