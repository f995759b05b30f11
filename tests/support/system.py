"""The whole router as real processes on a private PostgreSQL (fsync on) and RabbitMQ, to be measured and killed.

Used by the crash tests and by `bench`. Everything listens on 127.0.0.1 on free ports that stay the same over restarts.
"""

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from tests.support.carrier import Carrier
from tests.support.children import spawn
from tests.support.keys import make_operator_key
from tests.support.ports import free_ports
from tests.support.rabbitmq import RabbitNode
from tests.support.waiting import wait_until
from twoway_router.store.embedded import EmbeddedPostgres
from twoway_router.store.engine import make_engine
from twoway_router.store.migrate import upgrade

PROGRAM: Final = str(Path(sys.executable).with_name("twoway-router"))
ROLES: Final = ("ingress", "api", "executor", "scheduler")
START_TIMEOUT_SECONDS: Final = 120.0
STOP_TIMEOUT_SECONDS: Final = 30.0


class Program:
    """One process of the router or of the lab; started again on the same ports after a kill."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.command = tuple(command)
        self._environment = dict(environment)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} is not running"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it when it is not running."""
        if self.is_running:
            return
        self._process = spawn(self.command, environment=self._environment, log=self._log)
        self.starts += 1

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL when it does not end in time."""
        self._end(signal.SIGTERM)

    def ask_to_end(self) -> None:
        """SIGTERM, without waiting."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def tail(self) -> str:
        """The end of its log, for a failing test."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-3000:]

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            self._process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class System:
    """PostgreSQL, RabbitMQ, one process per role, and a simulated carrier that is never killed."""

    def __init__(
        self,
        *,
        settings: Mapping[str, str] | None = None,
        commands: Mapping[str, Sequence[str]] | None = None,
        roles: Sequence[str] = ROLES,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="twoway-system-"))
        self.folder.chmod(0o711)  # as root the database server is another user, who must find its way in
        self.postgres = EmbeddedPostgres(self.folder / "postgres", port=free_ports(1)[0])
        self.broker = RabbitNode()
        ports = free_ports(3 + len(ROLES))
        self.ingress_url, self.api_url = (f"http://127.0.0.1:{port}" for port in ports[:2])
        self.carrier = Carrier(url=f"http://127.0.0.1:{ports[2]}", journal=self.folder / "carrier.jsonl")
        self._ops = dict(zip(ROLES, ports[3:], strict=True))
        self._ports = {"TWOWAY_INGRESS_PORT": str(ports[0]), "TWOWAY_API_PORT": str(ports[1])}
        self._settings = dict(settings or {})
        self._commands = {role: (PROGRAM, "serve", role) for role in roles} | dict(commands or {})
        self.programs: dict[str, Program] = {}
        self.operator_key = ""

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Returns when every role is ready."""
        self.postgres.start()
        self.broker.start()
        asyncio.run(asyncio.to_thread(upgrade, self.postgres.url))
        self.operator_key = asyncio.run(_make_operator_key(self.postgres.url))
        for role, command in self._commands.items():
            self.programs[role] = Program(role, command, self._environment(role), self.folder / f"{role}.log")
        for program in self.programs.values():
            program.start()
        self._start_carrier("carrier", self.carrier)
        for role in self._commands:
            self.wait_ready(role)

    def close(self) -> None:
        """End everything and remove it."""
        for program in self.programs.values():
            program.ask_to_end()
        for program in self.programs.values():
            program.stop()
        self.broker.close()
        self.postgres.stop()
        if "TWOWAY_KEEP_SYSTEM" not in os.environ:
            shutil.rmtree(self.folder, ignore_errors=True)

    def add_carrier(self, name: str) -> Carrier:
        """One more carrier; returns when it answers."""
        carrier = Carrier(url=f"http://127.0.0.1:{free_ports(1)[0]}", journal=self.folder / f"{name}.jsonl")
        self._start_carrier(name, carrier)
        return carrier

    def restart(self, role: str, settings: Mapping[str, str], *, command: Sequence[str] = ()) -> None:
        """Stop a role and start it with other settings, or as another program; returns when it is ready."""
        self.programs[role].stop()
        environment = {**self._environment(role), **settings}
        command = command or self._commands[role]
        self.programs[role] = Program(role, command, environment, self.folder / f"{role}.log")
        self.programs[role].start()
        self.wait_ready(role, is_supervised=False)

    def supervise(self) -> None:
        """Start again whatever has ended, as a cluster would. To be called often."""
        for program in self.programs.values():
            program.start()

    def is_ready(self, role: str) -> bool:
        """Whether the role says so itself."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._ops[role]}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.HTTPError):
            return False

    def wait_ready(self, role: str, *, is_supervised: bool = True) -> None:
        """Keep everything running until the role is ready."""

        def ready() -> bool:
            if is_supervised:
                self.supervise()
            return self.is_ready(role)

        try:
            wait_until(ready, what=f"{role} is ready", seconds=START_TIMEOUT_SECONDS, every_seconds=0.1)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.programs[role].tail()}") from error

    def _start_carrier(self, name: str, carrier: Carrier) -> None:
        port = carrier.url.rpartition(":")[2]
        command = (PROGRAM, "lab", "carrier", "--port", port, "--journal", str(carrier.journal))
        self.programs[name] = Program(name, command, self._surroundings(), self.folder / f"{name}.log")
        self.programs[name].start()
        wait_until(lambda: carrier.stats() is not None, what=f"{name} answers", seconds=START_TIMEOUT_SECONDS)

    def _surroundings(self) -> dict[str, str]:
        """Our environment without the router's settings; compiled modules are kept, so that a restart is quick."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TWOWAY_")}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        return {**kept, "PYTHONPYCACHEPREFIX": str(self.folder / "pycache")}

    def _environment(self, role: str) -> dict[str, str]:
        return {
            **self._surroundings(),
            "TWOWAY_DATABASE_URL": self.postgres.url,
            "TWOWAY_AMQP_URL": self.broker.url,
            "TWOWAY_SECRET_KEY": self._secret_key(),
            "TWOWAY_OPS_PORT": str(self._ops[role]),
            "TWOWAY_PUBLIC_URL": self.ingress_url,
            "TWOWAY_WEBHOOK_ALLOWED_NETWORKS": '["127.0.0.0/8"]',
            "TWOWAY_LOG_FORMAT": "json",
            "TWOWAY_LOG_LEVEL": "warning",
            **self._ports,
            **self._settings,
        }

    def _secret_key(self) -> str:
        file = self.folder / "secret.key"
        if not file.exists():
            file.write_bytes(b64encode(secrets.token_bytes(32)))
        return file.read_text()


async def _make_operator_key(url: str) -> str:
    engine = make_engine(url)
    token = await make_operator_key(engine, "system")
    await engine.dispose()
    return token
