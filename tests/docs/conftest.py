"""A router as `make run` starts it, for tests of what the pages tell a reader to type."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.children import spawn
from tests.support.system import PROGRAM
from tests.support.waiting import wait_until


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """What a fresh `twoway-router run` has printed when it serves. Its files are in this folder; any account may enter it."""
    for each in (folder, *folder.parents[:2]):
        each.chmod(0o711)
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


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What one `twoway-router run` for several pages has printed."""
    with serving(tmp_path_factory.mktemp("run")) as printed:
        yield printed


def find(pattern: str, text: str) -> str:
    """The first group of the first place where the pattern fits."""
    found = re.search(pattern, text)
    assert found is not None, f"{pattern} is not in:\n{text}"
    return found[1]
