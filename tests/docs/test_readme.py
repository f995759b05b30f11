"""The README's promise to a stranger: `make run`'s program plays its messages, and the five lines below it work as they stand."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.children import spawn
from tests.support.system import PROGRAM
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
LINES = [line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith("curl ")]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What `twoway-router run` has printed when it serves."""
    folder = tmp_path_factory.mktemp("run")
    folder.chmod(0o711)
    for parent in folder.parents[:2]:
        parent.chmod(0o711)
    log = folder / "run.log"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TWOWAY_")},
        "TWOWAY_STATE_FOLDER": str(folder / "state"),
        "TWOWAY_INGRESS_PORT": "0",
        "TWOWAY_API_PORT": "0",
        "TWOWAY_OPS_PORT": "0",
    }
    process = spawn([PROGRAM, "run"], environment=environment, log=log)
    try:
        wait_until(lambda: "Ctrl-C stops" in log.read_text(encoding="utf-8"), what="it serves", seconds=180)
        yield log.read_text(encoding="utf-8")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found is not None, f"{pattern} is not in:\n{text}"
    return found[1]


def test_every_message_of_the_demo_has_its_effect(shown: str) -> None:
    assert "messages had their expected effect" in shown


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_the_readme_works_as_it_stands(shown: str, line: str) -> None:
    values = {
        "MO_URL": find(r"Carriers post to +(\S+)", shown),
        "API": find(r"Management API +(\S+)/v1", shown),
        "KEY": find(r"operator +(twr_\S+)", shown),
        "TENANT_KEY": find(r"Burger Chain +(twr_\S+)", shown),
        "NUMBER": find(r'"number_id":"([0-9a-f-]+)"', shown),
    }

    done = subprocess.run(
        ["bash", "-c", f"{line} --fail-with-body --silent --show-error"],
        env={**os.environ, **values},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout


def test_the_readme_has_its_five_lines() -> None:
    assert len(LINES) == 5
