"""A deliberately broken scheduler: its relay deletes outbox rows before the broker has confirmed them. The drill must catch it.

Everything else is the real scheduler. A process of its own: ``python -m tests.crash.broken_relay``.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from twoway_router.config import Settings
from twoway_router.dispatch.port import Publication
from twoway_router.dispatch.rabbitmq import RabbitTransport
from twoway_router.dispatch.topology import Topology
from twoway_router.processes.roles import scheduler_parts
from twoway_router.processes.shared import make_process, prepare, transport_part


class HastyTransport(RabbitTransport):
    """Says that everything is stored, and tries to store it a moment later."""

    _later: asyncio.Task[Sequence[bool]] | None = None

    async def publish(self, jobs: Sequence[Publication]) -> Sequence[bool]:
        self._later = asyncio.get_running_loop().create_task(super().publish(jobs))
        return [True] * len(jobs)


def main() -> None:
    """Serve until a signal."""
    settings = Settings()
    assert settings.database_url is not None
    assert settings.amqp_url is not None
    hasty = HastyTransport(
        settings.amqp_url.get_secret_value(),
        Topology(shards=settings.broker_shards),
        name="twoway-router scheduler",
        heartbeat_max_age=settings.broker_heartbeat_max_age,
    )
    shared = replace(prepare(settings, settings.database_url.get_secret_value(), "scheduler"), transport=hasty)
    asyncio.run(make_process(shared, (transport_part(shared), *scheduler_parts(shared))).run())


if __name__ == "__main__":
    main()
