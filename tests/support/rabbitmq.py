"""A private RabbitMQ node on free ports in a temporary folder, with an epmd of its own. Leaves nothing behind.

Used by the `rabbitmq` fixture, and by crash tests that kill a node of their own.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Final, Protocol, Self

from tests.support.children import spawn
from tests.support.ports import free_ports
from tests.support.waiting import wait_until

EXTERNAL_URL: Final = "TWOWAY_TEST_AMQP_URL"
UNPACKED: Final = Path(__file__).parents[2] / ".tools" / "rabbitmq"
HOST: Final = "127.0.0.1"
AMQP_HEADER: Final = b"AMQP\x00\x00\x09\x01"
METHOD_FRAME: Final = b"\x01"
START_TIMEOUT_SECONDS: Final = 90.0
STOP_TIMEOUT_SECONDS: Final = 30.0


class Broker(Protocol):
    """What a test may do with its broker."""

    @property
    def url(self) -> str: ...

    @property
    def pid(self) -> int: ...

    def kill(self) -> None: ...

    def restart(self) -> None: ...


class NamedBroker:
    """The broker that TWOWAY_TEST_AMQP_URL names. It is not ours to kill."""

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def pid(self) -> int:
        raise RuntimeError(f"this test needs a broker of its own: unset {EXTERNAL_URL}")

    def kill(self) -> None:
        raise RuntimeError(f"this test kills the broker: unset {EXTERNAL_URL}")

    def restart(self) -> None:
        raise RuntimeError(f"this test restarts the broker: unset {EXTERNAL_URL}")


class RabbitNode:
    """One node. Ports and data stay the same over `kill()`, `stop()` and `start()`; `close()` removes everything."""

    def __init__(self) -> None:
        self._server = find_server()
        self._prefix = UNPACKED if self._server.is_relative_to(UNPACKED) else Path("/")
        self._port, self._distribution_port, self._epmd_port = free_ports(3)
        self._folder = Path(tempfile.mkdtemp(prefix="twoway-rabbitmq-"))
        self._log = self._folder / "node.log"
        self._node: subprocess.Popen[bytes] | None = None
        self._epmd: subprocess.Popen[bytes] | None = None
        (self._folder / "rabbitmq.conf").write_text(_configuration(self._port), encoding="ascii")
        (self._folder / "enabled_plugins").write_text("[].\n", encoding="ascii")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{HOST}:{self._port}/"

    @property
    def pid(self) -> int:
        """The node's own process (the Erlang machine), not a wrapper's."""
        assert self._node is not None, "the node is not running"
        return self._node.pid

    def is_running(self) -> bool:
        return self._node is not None and self._node.poll() is None

    def start(self) -> None:
        """Returns when the node answers an AMQP handshake."""
        if self.is_running():
            return
        environment = self.environment
        if self._epmd is None or self._epmd.poll() is not None:
            epmd = shutil.which("epmd", path=environment["PATH"])
            assert epmd is not None, f"no epmd on {environment['PATH']}: is Erlang complete?"
            self._epmd = spawn([epmd], environment=environment, log=self._log)
            wait_until(lambda: _accepts(self._epmd_port), what="epmd listens")
        self._node = spawn([str(self._server)], environment=environment, log=self._log)
        try:
            wait_until(self._is_up, what="RabbitMQ answers", seconds=START_TIMEOUT_SECONDS, every_seconds=0.1)
        except (TimeoutError, ChildProcessError) as error:
            tail = self._log.read_text(encoding="utf-8", errors="replace")[-3000:]
            self.close()
            raise RuntimeError(f"the private RabbitMQ node did not start ({error}):\n{tail}") from error

    def stop(self) -> None:
        """Orderly: the node closes its connections and writes what it has."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to the node: what it had not written is gone."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop when it runs, and start on the same ports and data."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop the node and its epmd, and remove the folder."""
        self.stop()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
            self._epmd = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _end(self, number: signal.Signals) -> None:
        node, self._node = self._node, None
        if node is None:
            return
        if node.poll() is None:
            node.send_signal(number)
        try:
            node.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            node.kill()
            node.wait()

    def _is_up(self) -> bool:
        if not self.is_running():
            raise ChildProcessError("the node ended")
        return _speaks_amqp(self._port)

    @property
    def environment(self) -> dict[str, str]:
        prefix = self._prefix
        folders = [prefix / "usr/bin", prefix / "usr/sbin", Path("/usr/local/bin"), Path("/usr/bin"), Path("/bin")]
        libraries = (
            sorted({str(file.parent) for file in (prefix / "usr/lib").glob("*/lib*.so*")}) if prefix == UNPACKED else []
        )
        return {
            "PATH": os.pathsep.join([*(str(folder) for folder in folders), os.environ.get("PATH", "")]),
            "LD_LIBRARY_PATH": os.pathsep.join(libraries),
            "LANG": "C.UTF-8",
            "HOME": str(self._folder),
            "RUNNING_UNDER_SYSTEMD": "true",  # run the Erlang machine itself, without a shell in front of it
            "RABBITMQ_NODENAME": f"x{self._port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": HOST,
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "data"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(self._folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "enabled_plugins"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": HOST,
        }


def find_server() -> Path:
    """The server's own script, not the wrapper on PATH that insists on being root or `rabbitmq`."""
    folders = [*Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin")]
    folders += UNPACKED.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin")
    if (on_path := shutil.which("rabbitmq-server")) is not None:
        folders.append(Path(on_path).resolve().parent)
    for folder in folders:
        if (folder / "rabbitmq-env").exists():
            return folder / "rabbitmq-server"
    raise RuntimeError(
        f"this test needs RabbitMQ and there is none: run `python3 scripts/get_rabbitmq.py`, or set {EXTERNAL_URL}"
    )


def _configuration(port: int) -> str:
    return f"listeners.tcp.1 = {HOST}:{port}\nlog.file.level = warning\ndisk_free_limit.absolute = 50MB\n"


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1.0):
            return True
    except OSError:
        return False


def _speaks_amqp(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=2.0) as connection:
            connection.sendall(AMQP_HEADER)
            return connection.recv(1) == METHOD_FRAME
    except OSError:
        return False
