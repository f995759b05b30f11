"""The tests' own broker: it starts, survives being killed, and leaves neither process nor folder behind."""

import os
from pathlib import Path

import pytest
from tests.support.rabbitmq import Broker, NamedBroker, RabbitNode


def processes_below(folder: str) -> list[str]:
    """Command lines and environments tell: everything the node starts carries its folder's name."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if os.fsencode(folder) in told:
            found.append(entry.name)
    return found


def test_a_killed_node_comes_back_under_another_process_id(rabbitmq: Broker) -> None:
    before = rabbitmq.pid

    rabbitmq.kill()
    rabbitmq.restart()

    assert rabbitmq.pid != before


def test_a_restart_keeps_the_address(rabbitmq: Broker) -> None:
    before = rabbitmq.url

    rabbitmq.restart()

    assert rabbitmq.url == before


def test_a_closed_node_leaves_nothing_behind() -> None:
    node = RabbitNode()
    node.start()
    folder = node.environment["HOME"]
    assert len(processes_below(folder)) >= 2

    node.close()

    assert (processes_below(folder), Path(folder).exists()) == ([], False)


def test_a_named_broker_is_not_killed() -> None:
    broker = NamedBroker("amqp://elsewhere/")

    with pytest.raises(RuntimeError, match="unset TWOWAY_TEST_AMQP_URL"):
        broker.kill()
