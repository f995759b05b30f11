"""Start and stop the private PostgreSQL of one data folder. Called by the composition root and by the test session."""

import atexit
import fcntl
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote

from twoway_router.store.embedded import cluster as clusters
from twoway_router.store.embedded import pidfile
from twoway_router.store.embedded.account import Account, server_account
from twoway_router.store.embedded.child import Child
from twoway_router.store.embedded.errors import EmbeddedPostgresError
from twoway_router.store.embedded.places import Say, find_binaries, state_folder

START_TIMEOUT_SECONDS: Final = 60.0
FAST_STOP_SECONDS: Final = 15.0
PORT_TRIES: Final = 3
LOG_LIMIT_BYTES: Final = 5_000_000
DEFAULTS: Final[Mapping[str, str]] = {
    "listen_addresses": pidfile.HOST,
    "unix_socket_directories": "",  # TCP only: a socket's path may be too long for the system
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
NOT_DURABLE: Final[Mapping[str, str]] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """One server over one data folder. Data stay between runs; a server that still runs there is used again.

    `stop()` ends a server that this process started, or that was left behind by a process that is gone; it leaves alone
    one that belongs to another living process.
    """

    def __init__(
        self,
        data_folder: Path,
        *,
        bin_folder: Path | None = None,
        fsync: bool = True,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
        say: Say = lambda _: None,
    ) -> None:
        self._data_folder = data_folder.expanduser().absolute()
        self._bin_folder = bin_folder
        self._settings = {**DEFAULTS, **({} if fsync else NOT_DURABLE), **(settings or {})}
        self._wanted_port = port
        self._say = say
        self._child: Child | None = None
        self._running: pidfile.Postmaster | None = None
        self._cluster: Path | None = None
        self._ours = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """`postgresql://…` over TCP on 127.0.0.1, with the password."""
        password = clusters.read_password(self._data_folder / "password")
        return (
            f"postgresql://{clusters.ROLE}:{quote(password)}@{pidfile.HOST}:{self._server().port}/{clusters.DATABASE}"
        )

    @property
    def pid(self) -> int:
        """The server's process, for drills that kill it."""
        return self._server().pid

    def start(self) -> str:
        """Start, or join, the server of the data folder; its URL. Makes the cluster at the first time."""
        began = time.monotonic()
        account = server_account()
        binaries = find_binaries(self._bin_folder, account, self._say)
        state = state_folder(self._data_folder, account, self._say)
        self._cluster = state / "cluster"
        with _locked(self._data_folder / "lock"):
            self._running = self._find_running(self._cluster)
            if self._running is None:
                self._prepare(binaries, self._cluster, account)
                self._running = self._launch(binaries, self._cluster, account, state / "server.log")
                self._own()
            elif not _is_owned(self._data_folder / "owner"):
                self._own()
        self._say(f"PostgreSQL answers on {pidfile.HOST}:{self._running.port} ({time.monotonic() - began:.1f} s)")
        return self.url

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, everything committed is on disk. May be called twice."""
        running, cluster = self._running, self._cluster
        self._running = None
        atexit.unregister(self.stop)
        if running is None or cluster is None or not self._ours:
            return
        self._ours = False
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if self._has_ended(running.pid, cluster):
                break
            _signal(running.pid, number)
            _wait_until(lambda: self._has_ended(running.pid, cluster), FAST_STOP_SECONDS)
        self._child = None
        (self._data_folder / "owner").unlink(missing_ok=True)

    def _server(self) -> pidfile.Postmaster:
        if self._running is None:
            raise EmbeddedPostgresError("the embedded PostgreSQL is not running. Call start() first.")
        return self._running

    def _own(self) -> None:
        self._ours = True
        (self._data_folder / "owner").write_text(f"{os.getpid()}\n", encoding="ascii")
        atexit.unregister(self.stop)
        atexit.register(self.stop)

    def _find_running(self, cluster: Path) -> pidfile.Postmaster | None:
        """A server that works in the cluster; waits for one that is on its way up or down."""
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while (found := pidfile.read_pidfile(cluster)) is not None and pidfile.runs_in(found.pid, cluster):
            if found.ready and pidfile.answers(found.port):
                return found
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"process {found.pid} holds {cluster} but does not answer. Stop it, or set TWOWAY_DATABASE_URL."
                )
            time.sleep(0.05)
        return None

    def _prepare(self, binaries: Path, cluster: Path, account: Account) -> None:
        if not cluster.exists():
            self._say(f"making a PostgreSQL cluster in {cluster}")
            clusters.create_cluster(binaries, cluster, self._data_folder / "password", account)
            return
        clusters.require_matching_version(binaries, cluster)
        _wait_until(lambda: not pidfile.server_processes(cluster), FAST_STOP_SECONDS)
        stale = pidfile.read_pidfile(cluster)
        if stale is not None and pidfile.is_alive(stale.pid) and not pidfile.server_processes(cluster):
            (cluster / "postmaster.pid").unlink()  # the number now belongs to a process that is no server of ours

    def _launch(self, binaries: Path, cluster: Path, account: Account, log_file: Path) -> pidfile.Postmaster:
        for attempt in range(PORT_TRIES):
            port = self._wanted_port or _free_port()
            if (running := self._try_port(binaries, cluster, account, log_file, port)) is not None:
                return running
            if self._wanted_port is not None or attempt + 1 == PORT_TRIES:
                break
        tail = "\n".join(log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        raise EmbeddedPostgresError(
            f"PostgreSQL did not start. The end of its log, {log_file}:\n{tail}\n"
            "Fix the cause and start again, or set TWOWAY_DATABASE_URL to a PostgreSQL server."
        )

    def _try_port(
        self, binaries: Path, cluster: Path, account: Account, log_file: Path, port: int
    ) -> pidfile.Postmaster | None:
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(binaries / "postgres"), "-D", str(cluster), "-p", str(port), *options]
        mode = "ab" if log_file.exists() and log_file.stat().st_size < LOG_LIMIT_BYTES else "wb"
        with log_file.open(mode) as log:
            log_file.chmod(0o600)  # a failing statement is logged with its values
            child = Child(command, account, log, os.getpid())
            child.start()
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        said_at = time.monotonic()
        while time.monotonic() < deadline and not child.has_ended():
            running = pidfile.read_pidfile(cluster)
            if running is not None and running.pid == child.pid and running.ready and pidfile.answers(port):
                self._child, self._wanted_port = child, port
                return running
            if time.monotonic() - said_at > 1.0:
                said_at = time.monotonic()
                self._say("waiting for PostgreSQL to answer")
            time.sleep(0.01)
        if not child.has_ended():
            _signal(child.pid, signal.SIGQUIT)
            child.wait(FAST_STOP_SECONDS)
        return None

    def _has_ended(self, pid: int, cluster: Path) -> bool:
        if self._child is not None and self._child.pid == pid:
            return self._child.has_ended()
        return not pidfile.runs_in(pid, cluster)


def _is_owned(owner_file: Path) -> bool:
    try:
        return pidfile.is_alive(int(owner_file.read_text(encoding="ascii")))
    except (FileNotFoundError, ValueError):
        return False


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Two processes that start at once: one makes the cluster, the other joins it."""
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _wait_until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((pidfile.HOST, 0))
        return int(probe.getsockname()[1])
