"""The README's promise to a stranger: `make run`'s program plays its messages, and the five lines below it work as they stand."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.docs.conftest import find

ROOT = Path(__file__).parents[2]
LINES = [line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith("curl ")]


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


def test_the_program_is_started_without_development_tools() -> None:
    shown = subprocess.run(["make", "--dry-run", "run", "demo"], cwd=ROOT, capture_output=True, text=True, check=True)

    commands = [line for line in shown.stdout.splitlines() if " twoway-router " in line]
    assert [(line.split()[-1], "--no-dev" in line) for line in commands] == [("run", True), ("--exit-after", True)]
