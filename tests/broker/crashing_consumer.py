"""A process that takes one job and dies in its handler, as a kill -9 between effect and acknowledgement would do."""

import asyncio
import os
import signal
import sys
from datetime import timedelta

from twoway_router.dispatch.embedded import EmbeddedTransport
from twoway_router.dispatch.port import Handled, Job, Transport
from twoway_router.dispatch.rabbitmq import RabbitTransport
from twoway_router.dispatch.topology import Topology
from twoway_router.store.engine import make_engine
from twoway_router.store.listen import Listener
from twoway_router.store.outbox import CHANNEL


async def die(job: Job) -> Handled:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError(f"still alive with {job.job}")


def make_transport(kind: str, url: str, prefix: str) -> Transport:
    if kind == "rabbitmq":
        delays = (timedelta(milliseconds=300), timedelta(milliseconds=600))
        return RabbitTransport(url, Topology(shards=4, prefix=prefix, delays=delays))
    return EmbeddedTransport(make_engine(url), Listener(url, [CHANNEL]), shards=4, lease=timedelta(seconds=1))


async def main() -> None:
    kind, url, prefix, job = sys.argv[1:]
    transport = make_transport(kind, url, prefix)
    await transport.start()
    await transport.consume([job], die)
    await asyncio.sleep(50)


asyncio.run(main())
