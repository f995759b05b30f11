"""What a running server says about itself in `postmaster.pid`, and whether that is still true."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
HOST = "127.0.0.1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Postmaster:
    pid: int
    port: int
    ready: bool


def read_pidfile(cluster: Path) -> Postmaster | None:
    """The server that the file names, running or not; None when there is no complete file."""
    try:
        lines = (cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        return Postmaster(pid=int(lines[0]), port=int(lines[3]), ready=len(lines) > 7 and lines[7].strip() == "ready")
    except (FileNotFoundError, IndexError, ValueError):
        return None


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def runs_in(pid: int, cluster: Path) -> bool:
    """Whether the process is a server of this cluster, by the folder it works in; without /proc, whether it is alive."""
    if not Path("/proc/self/cwd").exists():
        return is_alive(pid)
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == cluster.resolve()
    except OSError:
        return False


def answers(port: int) -> bool:
    """Whether a PostgreSQL answers there."""
    try:
        with socket.create_connection((HOST, port), timeout=1.0) as connection:
            connection.sendall(SSL_REQUEST)
            return connection.recv(1) in {b"N", b"S"}
    except OSError:
        return False


def server_processes(cluster: Path) -> list[int]:
    """Everything that still works inside the cluster: after a SIGKILL its workers outlive the server by a moment."""
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if runs_in(int(entry.name), cluster)]
