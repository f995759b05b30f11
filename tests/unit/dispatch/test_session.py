"""A session with the broker that cannot be opened leaves nothing behind."""

import asyncio
import gc
import logging
import socket

import aio_pika
import pytest

from twoway_router.dispatch.session import BROKER_ERRORS, Session
from twoway_router.dispatch.topology import Topology


def _be_refused(loop: asyncio.AbstractEventLoop) -> None:
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        port = nobody_listens.getsockname()[1]
        with pytest.raises(BROKER_ERRORS):
            loop.run_until_complete(Session.open(f"amqp://127.0.0.1:{port}/", Topology(shards=1), "test"))


def test_a_refused_connection_is_not_kept_alive_by_a_close_that_no_loop_will_run(
    caplog: pytest.LogCaptureFixture,
) -> None:
    loop = asyncio.new_event_loop()
    with caplog.at_level(
        logging.CRITICAL, logger="aiormq.connection"
    ):  # a record would keep the error, and so the connection
        _be_refused(loop)

    gc.collect()

    kept = [each for each in gc.get_objects() if isinstance(each, aio_pika.Connection) and each.loop is loop]
    loop.close()
    assert not kept
