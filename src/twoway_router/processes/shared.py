"""What all roles have in common: database, heartbeat, transport, and the process around the parts. Used by ``roles``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from twoway_router.config import Settings
from twoway_router.dispatch.embedded import EmbeddedTransport
from twoway_router.dispatch.port import Transport
from twoway_router.dispatch.rabbitmq import RabbitTransport
from twoway_router.dispatch.topology import Topology
from twoway_router.domain.clock import utc_now
from twoway_router.processes.carriers import load_carriers
from twoway_router.processes.database import cannot_reach, make_sealer
from twoway_router.processes.frame import Part, Process, StartRefused
from twoway_router.processes.heartbeat import heartbeat_part
from twoway_router.store import changes, outbox
from twoway_router.store.engine import make_engine
from twoway_router.store.failures import DATABASE_ERRORS
from twoway_router.store.listen import Listener
from twoway_router.store.migrate import find_reason_not_to_start
from twoway_router.store.sealing import Sealer
from twoway_router.store.transaction import Engine, System, transaction
from twoway_router.telemetry.metrics import HEARTBEAT_AGE
from twoway_router.web.lifecycle import Lifecycle

UNPREPARED: Final = ("api",)
"""Roles that mostly answer listings with filters: PostgreSQL plans these better one by one than once for all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shared:
    """What the parts of one process share. ``name`` is its role, or ``run`` when it is all of them."""

    name: str
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
        is_hot=name not in UNPREPARED,
    )
    listener = Listener(database_url, (outbox.CHANNEL, changes.CHANNEL))
    return Shared(
        name=name,
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
    """The connection to PostgreSQL. Refuses to start on a schema that this code cannot run on."""

    async def start() -> None:
        try:
            async with transaction(shared.engine, System("start")) as session:
                reason = await find_reason_not_to_start(session)
        except DATABASE_ERRORS as error:
            raise cannot_reach(error) from error
        if reason:
            raise StartRefused(reason)
        await shared.listener.start()

    async def close() -> None:
        await shared.listener.close()
        await shared.engine.dispose()

    return Part(name="database", start=start, close=close)


def transport_part(shared: Shared) -> Part:
    """The connection to the broker. Ready only while heartbeat messages come back through it."""
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


def make_process(shared: Shared, parts: Sequence[Part]) -> Process:
    """A process of these parts; its ops port is bound now."""
    settings = shared.settings
    return Process(
        (database_part(shared), heartbeat_part(shared.engine, shared.name), *parts),
        shared.lifecycle,
        ops_host=settings.listen_host,
        ops_port=settings.ops_port,
        lame_duck=settings.lame_duck,
        drain=settings.drain,
    )
