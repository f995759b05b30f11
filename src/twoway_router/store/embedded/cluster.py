"""Make a database cluster once: initdb, our role with a password, our database. Called by `server` at the first start."""

import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from twoway_router.store.embedded.account import Account
from twoway_router.store.embedded.errors import EmbeddedPostgresError

ROLE: Final = "twoway"
DATABASE: Final = "twoway"
INITDB_TIMEOUT_SECONDS: Final = 120.0


def read_password(file: Path) -> str:
    """The password made with the cluster."""
    try:
        return file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise EmbeddedPostgresError(
            f"the cluster is there but its password file {file} is gone. "
            f"Put the file back, or delete {file.parent} to start empty."
        ) from None


def create_cluster(binaries: Path, cluster: Path, password_file: Path, account: Account) -> None:
    """Build in a neighbouring folder and rename, so that a cluster is complete or absent, whenever we are killed."""
    unfinished = cluster.with_name(f"{cluster.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    _give(unfinished, account)
    password = secrets.token_urlsafe(24)
    handover = cluster.with_name("initdb-password")
    _write_private(handover, password)
    _give(handover, account)
    locale = "C" if sys.platform == "darwin" else "C.UTF-8"
    options = ["-U", ROLE, "-E", "UTF8", f"--locale={locale}", "--no-sync", "--auth=scram-sha-256"]
    try:
        _run([str(binaries / "initdb"), "-D", str(unfinished), *options, f"--pwfile={handover}"], account, "")
    finally:
        handover.unlink()
    create = [str(binaries / "postgres"), "--single", "-D", str(unfinished), "-c", "fsync=off", "postgres"]
    _run(create, account, f"CREATE DATABASE {DATABASE}\n")
    _write_private(password_file, password)
    unfinished.rename(cluster)


def require_matching_version(binaries: Path, cluster: Path) -> None:
    """Data of another major version cannot be opened; say so before the server does in its log."""
    made_by = (cluster / "PG_VERSION").read_text(encoding="ascii").strip()
    banner = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    found = banner.split()[2].partition(".")[0]
    if found != made_by:
        raise EmbeddedPostgresError(
            f"the data in {cluster} were made by PostgreSQL {made_by}, but {binaries} holds version {found}. "
            f"Use PostgreSQL {made_by} again, move the data with pg_dump, or delete {cluster} to start empty."
        )


def child_environment() -> dict[str, str]:
    """Nothing of the caller's: PGDATA, PGPORT or a broken locale of a shell must not change the cluster."""
    return {"PATH": os.defpath, "LC_ALL": "C"}


def _run(command: list[str], account: Account, text: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603
            command,
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            env=child_environment(),
            timeout=INITDB_TIMEOUT_SECONDS,
            check=False,
            user=account.uid if account.switched else None,
            group=account.gid if account.switched else None,
            extra_groups=[] if account.switched else None,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedPostgresError(
            f"could not run {command[0]} as {account.name}: {error}. "
            "Run as an ordinary user, or set TWOWAY_DATABASE_URL to a PostgreSQL server."
        ) from error
    if done.returncode != 0:
        raise EmbeddedPostgresError(f"{command[0]} failed:\n{done.stdout[-2000:]}\nFix the cause and start again.")


def _write_private(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as out:
        out.write(text)


def _give(path: Path, account: Account) -> None:
    if account.switched:
        os.chown(path, account.uid, account.gid)
