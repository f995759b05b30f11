"""The commands and words of docs/lab.md."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.children import spawn
from tests.support.system import PROGRAM
from tests.support.waiting import wait_until
from twoway_router.lab.behaviour import Behaviour, Fault, Receipts, Report
from twoway_router.lab.mos import MoBurst

PAGE = (Path(__file__).parents[2] / "docs" / "lab.md").read_text(encoding="utf-8")
COMMANDS = [tuple(line.split()[1:]) for line in re.findall(r"^twoway-router .+$", PAGE, re.MULTILINE)]
CARRIERS = [command for command in COMMANDS if command[1] == "carrier"]


@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in CARRIERS], ids=" ".join)
def test_a_command_of_the_page_works(command: tuple[str, ...]) -> None:
    done = subprocess.run([PROGRAM, *command], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


@pytest.mark.parametrize("command", CARRIERS, ids=" ".join)
def test_a_carrier_of_the_page_listens(command: tuple[str, ...], tmp_path: Path) -> None:
    log = tmp_path / "log"
    wanted = [PROGRAM, *command, "--port", "0", "--journal", str(tmp_path / "journal")]

    process = spawn(wanted, environment={}, log=log)
    try:
        wait_until(lambda: "listening on http://127.0.0.1:" in log.read_text(), what="the carrier listens", seconds=60)
    finally:
        process.terminate()

    assert process.wait(30) == 0


def test_the_mos_of_the_page_are_read() -> None:
    (body,) = re.findall(r"```json\n(.+?)```", PAGE, re.DOTALL)

    burst = MoBurst.model_validate(json.loads(body))

    assert burst.disorder.copies == 2


def test_the_page_names_every_word() -> None:
    words = [*Fault, *Receipts, *Report]

    assert [word for word in words if f"`{word}`" not in PAGE] == []
    assert [name for name in re.findall(r"^\| `(\w+)`", PAGE, re.MULTILINE) if name not in Behaviour.model_fields] == []
