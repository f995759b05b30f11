"""Start the server as a child that never outlives us, even when we are killed.

Run by `server` as a little program of its own between us and PostgreSQL: it changes the account, asks Linux for a
signal at its parent's death, and becomes the server. (`preexec_fn` would run Python in a fork of a threaded process.)
"""

import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

from twoway_router.store.embedded.account import Account
from twoway_router.store.embedded.cluster import child_environment

LAUNCHER = """
import ctypes, os, signal, sys
parent, uid, gid = map(int, sys.argv[1:4])
prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None
if uid >= 0:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
if prctl is not None:
    prctl(1, signal.SIGINT, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the parent was gone before the server started")
os.execv(sys.argv[4], sys.argv[4:])
"""


class Child:
    """The server process, held by a thread that lives as long as it.

    The thread matters: Linux sends the death signal when the *thread* that started the child ends, so a server started
    from a worker thread would stop with it.
    """

    def __init__(self, command: list[str], account: Account, log: IO[bytes], own_pid: int) -> None:
        uid, gid = (account.uid, account.gid) if account.switched else (-1, -1)
        self._command = [sys.executable, "-I", "-S", "-c", LAUNCHER, str(own_pid), str(uid), str(gid), *command]
        self._log = log
        self._started = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._failure: OSError | None = None
        self._keeper = threading.Thread(target=self._keep, name="embedded-postgres", daemon=True)

    def start(self) -> None:
        self._keeper.start()
        self._started.wait()
        if self._failure is not None:
            raise self._failure

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def has_ended(self) -> bool:
        return not self._keeper.is_alive()

    def wait(self, timeout_seconds: float) -> bool:
        """Whether the server ended within the time."""
        self._keeper.join(timeout_seconds)
        return self.has_ended()

    def _keep(self) -> None:
        try:
            self._process = subprocess.Popen(  # noqa: S603
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                cwd=Path("/"),
                env=child_environment(),
                start_new_session=True,
            )
        except OSError as error:
            self._failure = error
            return
        finally:
            self._started.set()
        self._process.wait()
