"""docs/newcomers-path.md: its commands work as they stand, one after the other, and print what the page says."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.conftest import find, serving
from tests.support.system import PROGRAM

PAGE = (Path(__file__).parents[2] / "docs" / "newcomers-path.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```(?:\s*^```text\n(.*?)^```)?", PAGE, re.DOTALL | re.MULTILINE)
MARK = "--- next block ---"


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What each block of commands printed, run in one shell on a fresh `twoway-router run`."""
    folder = tmp_path_factory.mktemp("newcomer")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TWOWAY_")}
    with serving(folder) as shown:
        values = {
            "API": find(r"Management API +(\S+)/v1", shown),
            "KEY": find(r"operator +(twr_\S+)", shown),
            "OTHER_KEY": find(r"Burger Chain +(twr_\S+)", shown),
            "NUMBER": find(r'"number_id":"([0-9a-f-]+)"', shown),
            "MO_URL": find(r"Carriers post to +(\S+)", shown),
            "PATH": f"{Path(PROGRAM).parent}:{clean['PATH']}",
        }
        script = f"\necho '{MARK}'\n".join(commands for commands, _ in BLOCKS)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            env={**clean, **values},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split(f"{MARK}\n")


@pytest.mark.parametrize("position", [position for position, (_, said) in enumerate(BLOCKS) if said])
def test_a_block_prints_what_the_page_says(printed: list[str], position: int) -> None:
    said = BLOCKS[position][1].splitlines()
    wanted = "\n".join(".*".join(map(re.escape, line.split("…"))) + " *" for line in said)

    assert re.fullmatch(wanted, printed[position].rstrip("\n")), printed[position]


def test_the_page_shows_what_it_promises() -> None:
    assert len(BLOCKS) >= 9
