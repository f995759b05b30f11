"""The lab's commands say what is wrong instead of breaking off."""

import re
import socket
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from twoway_router.cli.lab import app
from twoway_router.lab.demo.start import port_or_free


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("command", ["carrier", "sink"])
def test_a_port_that_is_taken_is_named(command: str, taken: int) -> None:
    result = CliRunner().invoke(app, [command, "--port", str(taken)])

    assert result.exit_code == 2
    assert f"{taken} is taken" in re.sub(r"\W*\n\W*", " ", result.output)


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        (["hiccup=1"], "faults.hiccup"),
        (["drop=0.7", "slow=0.7"], "must not exceed 1 together"),
        (["opted_out=1"], "kannel has no opted_out"),
    ],
)
def test_a_fault_that_cannot_be_played_is_named(faults: list[str], told: str) -> None:
    chosen = [word for fault in faults for word in ("--fault", fault)]

    result = CliRunner().invoke(app, ["carrier", "--port", "0", "--dialect", "kannel", *chosen])

    assert result.exit_code == 2
    assert told in re.sub(r"\W*\n\W*", " ", result.output)


@pytest.mark.parametrize(("plan", "told"), [("{}", "Field required"), ("x", "Invalid JSON")])
def test_a_plan_that_is_none_is_refused_in_words(plan: str, told: str) -> None:
    result = CliRunner().invoke(app, ["load"], input=plan)

    assert result.exit_code == 2
    assert told in re.sub(r"\W*\n\W*", " ", result.output)


def test_the_demo_gives_way_to_who_has_its_port(taken: int) -> None:
    said: list[str] = []

    assert port_or_free(taken, said.append) == 0
    assert said == [f"port {taken} is taken: the demo listens on a free one instead"]
