"""A private Kannel: bearerbox bound to an SMSC by SMPP, and smsbox, on free ports in a temporary folder.

The operator's part of its configuration is what docs/carriers/kannel.md shows; only addresses and files are added.
"""

import os
import re
import shutil
import subprocess
import tempfile
import textwrap
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from tests.support.children import spawn
from tests.support.ports import free_ports
from tests.support.rabbitmq import HOST
from tests.support.waiting import wait_until

UNPACKED: Final = Path(__file__).parents[2] / ".tools" / "kannel"
PAGE: Final = Path(__file__).parents[2] / "docs" / "carriers" / "kannel.md"
SMSC: Final = "sim"
START_TIMEOUT_SECONDS: Final = 60.0
STOP_TIMEOUT_SECONDS: Final = 30.0


class Kannel:
    """Both boxes. ``close()`` ends them and removes the folder, unless TWOWAY_KEEP_SYSTEM is set.

    ``core`` are more lines of that group; ``way`` is how smsbox brings messages when not by the page's ``get-url``.
    """

    def __init__(
        self, *, smsc_port: int, send_port: int, words: Mapping[str, str], core: str = "", way: str = "get-url"
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="twoway-kannel-"))
        self._admin_port, self._box_port = free_ports(2)
        self._boxes: list[subprocess.Popen[bytes]] = []
        self._way = way
        self._configuration = self.folder / "kannel.conf"
        self._configuration.write_text(
            "\n\n".join((self._core(core), self._smsc(smsc_port), self._operators_part(send_port, words))) + "\n",
            encoding="utf-8",
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Returns when smsbox has its bearerbox and bearerbox its SMSC."""
        try:
            for name in ("bearerbox", "smsbox"):
                self._start(name)
            wait_until(self._is_up, what="Kannel is up", seconds=START_TIMEOUT_SECONDS, every_seconds=0.1)
        except (TimeoutError, ChildProcessError) as error:
            tail = self.tail()
            self.close()
            raise RuntimeError(f"the private Kannel did not start ({error}):\n{tail}") from error

    def close(self) -> None:
        """smsbox first: it hands back what it holds."""
        for box in reversed(self._boxes):
            box.terminate()
            try:
                box.wait(STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                box.kill()
                box.wait()
        self._boxes.clear()
        if "TWOWAY_KEEP_SYSTEM" not in os.environ:
            shutil.rmtree(self.folder, ignore_errors=True)

    def status(self) -> str:
        """Bearerbox's own report; empty when it does not answer."""
        try:
            with urllib.request.urlopen(
                f"http://{HOST}:{self._admin_port}/status.txt?password=admin", timeout=5
            ) as answer:
                return str(answer.read().decode("utf-8", "replace"))
        except OSError:
            return ""

    async def has_failed(self) -> bool:
        """Whether smsbox could not reach the router."""
        return "Couldn't fetch" in (self.folder / "smsbox.log").read_text("utf-8", "replace")

    def tail(self) -> str:
        """The end of both logs, for a failing test."""
        logs = (self.folder / f"{name}.log" for name in ("bearerbox", "smsbox"))
        return "\n".join(log.read_text("utf-8", "replace")[-2000:] for log in logs if log.exists())

    def _start(self, name: str) -> None:
        program = find_program(name)
        if name == "smsbox":
            wait_until(self._answers, what="bearerbox answers", seconds=START_TIMEOUT_SECONDS, every_seconds=0.1)
        is_unpacked = program.is_relative_to(UNPACKED)
        libraries = sorted({str(file.parent) for file in UNPACKED.rglob("lib*.so*")}) if is_unpacked else []
        environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "LD_LIBRARY_PATH": os.pathsep.join(libraries)}
        command = [str(program), "-v", "1", str(self._configuration)]
        self._boxes.append(spawn(command, environment=environment, log=self.folder / f"{name}.log"))

    def _answers(self) -> bool:
        if any(box.poll() is not None for box in self._boxes):
            raise ChildProcessError("a box ended")
        return bool(self.status())

    def _is_up(self) -> bool:
        return self._answers() and all(word in self.status() for word in ("smsbox:", f"SMPP:{HOST}", "(online"))

    def _core(self, more: str) -> str:
        return textwrap.dedent(f"""\
            group = core
            admin-port = {self._admin_port}
            admin-interface = {HOST}
            admin-password = admin
            smsbox-port = {self._box_port}
            smsbox-interface = {HOST}
            store-type = file
            store-location = {self.folder}/store
            {more}""")

    def _smsc(self, port: int) -> str:
        return textwrap.dedent(f"""\
            group = smsc
            smsc = smpp
            smsc-id = {SMSC}
            host = {HOST}
            port = {port}
            transceiver-mode = true
            smsc-username = router
            smsc-password = router
            system-type = sim
            connect-allow-ip = {HOST}""")

    def _operators_part(self, send_port: int, words: Mapping[str, str]) -> str:
        shown = configuration_of_the_page(words)
        where = f"bearerbox-host = {HOST}\nsendsms-port = {send_port}\nsendsms-interface = {HOST}"
        if self._way != "get-url":
            shown = re.sub(r'get-url = "([^&]*)&.*"', rf'{self._way} = "\1"\nsend-sender = true', shown)
        return shown.replace("group = smsbox\n", f"group = smsbox\n{where}\n")


def configuration_of_the_page(words: Mapping[str, str]) -> str:
    """The indented block that the page tells operators to use, its <words> filled in."""
    lines = PAGE.read_text("utf-8").splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("    group = "))
    last = max(number for number, line in enumerate(lines) if line.startswith("    ") and " = " in line)
    shown = "\n".join(line.removeprefix("    ") for line in lines[first : last + 1])
    for name, value in words.items():
        assert f"<{name}>" in shown, f"the page does not say where {name} goes"
        shown = shown.replace(f"<{name}>", value)
    return shown


def find_program(name: str) -> Path:
    """On PATH, where Debian puts it, or where scripts/get_kannel.py unpacked it."""
    folders = [*os.get_exec_path(), "/usr/sbin", str(UNPACKED / "usr/sbin")]
    found = shutil.which(name, path=os.pathsep.join(folders))
    if found is None:
        raise RuntimeError(f"this test needs Kannel's {name} and there is none: run `python3 scripts/get_kannel.py`")
    return Path(found)
