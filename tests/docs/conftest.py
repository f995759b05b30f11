"""A router as `make run` starts it, for tests of what the pages tell a reader to type."""

import os
import re
import signal
from collections.abc import Iterator

import pytest

from tests.support.children import spawn
from tests.support.system import PROGRAM
from tests.support.waiting import wait_until


@pytest.fixture(scope="session")
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
    """The first group of the first place where the pattern fits."""
    found = re.search(pattern, text)
    assert found is not None, f"{pattern} is not in:\n{text}"
    return found[1]
