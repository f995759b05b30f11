"""Ports for programs that are killed and started again."""

from pathlib import Path

from tests.support.ports import RANGE, free_ports


def test_connections_never_get_a_port_that_is_kept_for_a_server() -> None:
    range_of_connections = Path("/proc/sys/net/ipv4/ip_local_port_range")
    lowest = int(range_of_connections.read_text().split()[0]) if range_of_connections.exists() else 49_152

    assert RANGE.stop <= lowest


def test_no_port_is_given_twice() -> None:
    given = [port for _ in range(40) for port in free_ports(5)]

    assert len(set(given)) == 200
