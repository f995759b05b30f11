"""The lab's commands say what is wrong instead of breaking off."""

import re
import socket
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from twoway_router.cli.lab import app
from twoway_router.lab.demo.show import port_or_free


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("command", ["carrier", "sink"])
def test_a_port_that_is_taken_is_named(command: str, taken: int) -> None:
    result = CliRunner().invoke(app, [command, "--port", str(taken)])

    assert result.exit_code == 2
    assert f"{taken} is taken" in re.sub(r"\W*\n\W*", " ", result.output)


def test_the_demo_gives_way_to_who_has_its_port(taken: int) -> None:
    said: list[str] = []

    assert port_or_free(taken, said.append) == 0
    assert said == [f"port {taken} is taken: the demo listens on a free one instead"]
