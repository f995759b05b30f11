"""Under whose account the server runs, and which folders that account can reach.

PostgreSQL refuses to run as root, so root hands it to `nobody`; everyone else runs it as themselves. Nothing here
changes the mode of a folder that is not ours: a private home stays private.
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from twoway_router.store.embedded.errors import EmbeddedPostgresError

UNPRIVILEGED = "nobody"


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """The system user that owns the data folder. `switched` means that it is not the caller."""

    name: str
    uid: int
    gid: int
    switched: bool


def server_account() -> Account:
    """The caller's own account, or `nobody` when the caller is root."""
    uid = os.geteuid()
    if uid == 0:
        try:
            entry = pwd.getpwnam(UNPRIVILEGED)
        except KeyError:
            raise EmbeddedPostgresError(
                f"PostgreSQL does not run as root and this system has no user {UNPRIVILEGED!r}. "
                "Run as an ordinary user, or set TWOWAY_DATABASE_URL to a PostgreSQL server."
            ) from None
        return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, switched=True)
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedPostgresError(
            f"the user id {uid} has no entry in the password database, and PostgreSQL refuses to run without one. "
            "Run as a named user, or set TWOWAY_DATABASE_URL to a PostgreSQL server."
        ) from None
    return Account(name=entry.pw_name, uid=uid, gid=os.getegid(), switched=False)


def can_reach(account: Account, path: Path) -> bool:
    """Whether the account may enter every folder on the way to `path`, and enter or execute `path` itself."""
    return all(_may_enter(account, step.stat()) for step in (path, *path.parents) if step.exists())


def _may_enter(account: Account, status: os.stat_result) -> bool:
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
