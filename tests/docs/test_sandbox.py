"""docs/sandbox.md: its commands work as they stand, and its table is the one that the simulated carrier goes by."""

import os
import re
import subprocess
from pathlib import Path

from tests.docs.conftest import find
from twoway_router.sandbox.rules import FATES

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
_SET_UP, *COMMANDS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


def run(script: str, **values: str) -> "subprocess.CompletedProcess[str]":
    command = ["bash", "-euo", "pipefail", "-c", script]
    return subprocess.run(command, env={**os.environ, **values}, capture_output=True, text=True, check=False)


def test_the_commands_work_in_their_order(shown: str) -> None:
    api, key = find(r"Management API +(\S+)/v1", shown), find(r"Used Cars Ltd +(twr_\S+)", shown)

    done = run("\n".join(COMMANDS), API=api, TENANT_KEY=key)

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r'"delivery_state":"(\w+)"', done.stdout) == ["delivered", "undelivered"]
    assert '"text":"Your large pizza is on its way"' in done.stdout


def test_the_line_that_run_prints_for_the_sandbox_works(shown: str) -> None:
    line = find(r"\n +(curl .*/v1/sandbox/inbound-messages)", shown)

    done = run(f"{line} --fail-with-body --silent --show-error")

    assert done.returncode == 0, done.stdout + done.stderr
    assert '"outcome":"keyword"' in done.stdout


def test_the_table_of_handsets_is_complete() -> None:
    written = re.findall(r"^\| …(\d\d) \| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE)

    assert written == [(ending, fate.name, fate.meaning) for ending, fate in FATES.items()]
