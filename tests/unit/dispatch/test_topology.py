"""Names and arguments on the broker. They are a contract with every living queue, so they are spelled out here."""

from datetime import timedelta

import pytest

from twoway_router.dispatch.topology import Topology

TOPOLOGY = Topology(shards=3)


def test_an_ordered_kind_has_a_queue_per_shard() -> None:
    queues = TOPOLOGY.queues("message.run")

    assert dict(queues) == {"twr.message.run.0": 0, "twr.message.run.1": 1, "twr.message.run.2": 2}


def test_a_kind_without_order_has_one_queue() -> None:
    assert dict(TOPOLOGY.queues("email.deliver")) == {"twr.email.deliver.0": 0}


@pytest.mark.parametrize(
    ("job", "shard", "key"),
    [
        ("sms.deliver", 2, "twr.sms.deliver.2"),
        ("sms.deliver", 7, "twr.sms.deliver.1"),
        ("webhook.deliver", 2, "twr.webhook.deliver.0"),
    ],
)
def test_a_job_is_routed_to_a_queue_that_exists(job: str, shard: int, key: str) -> None:
    assert TOPOLOGY.route(job, shard) == key


@pytest.mark.parametrize(
    ("seconds", "name"),
    [
        (0.1, "twr.delay.1000"),
        (1, "twr.delay.1000"),
        (2, "twr.delay.10000"),
        (60, "twr.delay.60000"),
        (900, "twr.delay.60000"),
    ],
)
def test_a_delay_is_long_enough_or_the_longest(seconds: float, name: str) -> None:
    assert TOPOLOGY.delay(timedelta(seconds=seconds)) == name


def test_a_job_queue_is_replicated_limited_and_loses_nothing_to_the_dead() -> None:
    assert TOPOLOGY.job_arguments() == {
        "x-queue-type": "quorum",
        "x-delivery-limit": 20,
        "x-max-length": 10_000,
        "x-overflow": "reject-publish",
        "x-dead-letter-exchange": "twr.dead",
        "x-dead-letter-strategy": "at-least-once",
    }


def test_a_delay_queue_sends_everything_back_to_the_jobs() -> None:
    assert TOPOLOGY.delay_arguments(timedelta(seconds=10)) == {
        "x-queue-type": "quorum",
        "x-delivery-limit": 1_000_000,
        "x-message-ttl": 10_000,
        "x-overflow": "reject-publish",
        "x-dead-letter-exchange": "twr.jobs",
        "x-dead-letter-strategy": "at-least-once",
    }
