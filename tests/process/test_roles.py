"""Real processes of the roles: how they start, say that they are ready, and end. Jobs travel through the database here."""

import asyncio
import http.client
import os
import signal
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.support.children import spawn
from tests.support.ports import free_ports
from tests.support.system import PROGRAM
from tests.support.waiting import wait_until
from twoway_router.store import System, heartbeats, transaction
from twoway_router.store.engine import make_engine

KEY = b64encode(bytes(32)).decode()


@dataclass(frozen=True, kw_only=True)
class Process:
    """One role, with the ports it was given."""

    popen: "subprocess.Popen[bytes]"
    main_port: int
    ops_port: int
    log: Path

    def get(self, path: str, *, port: int | None = None) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body; status 0 when nobody listens."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.ops_port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        except OSError:
            return 0, {}, b""
        finally:
            connection.close()

    def is_ready(self) -> bool:
        return self.get("/readyz")[0] == 200

    def wait_ready(self) -> None:
        wait_until(lambda: self.popen.poll() is not None or self.is_ready(), what="ready", seconds=180)
        assert self.popen.poll() is None, self.log.read_text()[-3000:]

    def wait_end(self) -> int:
        return self.popen.wait(180)


Start = Callable[..., Process]


@pytest.fixture
def start(database_url: str, tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def run(role: str, **settings: str) -> Process:
            main_port, ops_port = free_ports(2)
            environment = {
                **{name: value for name, value in os.environ.items() if not name.startswith("TWOWAY_")},
                "TWOWAY_DATABASE_URL": database_url,
                "TWOWAY_SECRET_KEY": KEY,
                "TWOWAY_INGRESS_PORT": str(main_port),
                "TWOWAY_API_PORT": str(main_port),
                "TWOWAY_OPS_PORT": str(ops_port),
                **settings,
            }
            log = tmp_path / f"{role}-{ops_port}.log"
            log.touch()
            popen = spawn([PROGRAM, "serve", role], environment=environment, log=log)
            stack.callback(popen.wait)
            stack.callback(popen.kill)
            return Process(popen=popen, main_port=main_port, ops_port=ops_port, log=log)

        yield run


def change(url: str, statement: str) -> None:
    async def run() -> None:
        engine = make_engine(url)
        async with transaction(engine, System("test")) as session:
            await session.execute(text(statement))
        await engine.dispose()

    asyncio.run(run())


def listed(url: str) -> list[str]:
    """The roles of the processes that say they live."""

    async def read() -> list[str]:
        engine = make_engine(url)
        async with transaction(engine, System("test")) as session:
            found = await heartbeats.list_processes(session, after=None, limit=10)
        await engine.dispose()
        return [process.role for process in found]

    return asyncio.run(read())


@pytest.mark.parametrize("role", ["ingress", "api", "executor", "scheduler"])
def test_every_role_becomes_ready_exports_metrics_and_ends_on_sigterm(start: Start, role: str) -> None:
    process = start(role)
    process.wait_ready()

    assert process.get("/livez")[0] == 200
    assert b"twr_build_info" in process.get("/metrics")[2]
    process.popen.send_signal(signal.SIGTERM)
    assert process.wait_end() == 0


def test_a_running_role_is_on_the_list_of_processes_and_leaves_it_when_it_ends(start: Start, database_url: str) -> None:
    process = start("executor")
    process.wait_ready()

    wait_until(lambda: listed(database_url) == ["executor"], what="on the list")
    process.popen.send_signal(signal.SIGTERM)
    process.wait_end()

    assert listed(database_url) == []


def test_a_lame_duck_is_not_ready_and_closes_connections_but_still_serves(start: Start) -> None:
    process = start("ingress", TWOWAY_LAME_DUCK="5")
    process.wait_ready()
    _, before, _ = process.get("/in/generic/none/mo", port=process.main_port)

    process.popen.send_signal(signal.SIGTERM)
    wait_until(lambda: process.get("/readyz")[0] == 503, what="not ready")
    status, headers, _ = process.get("/in/generic/none/mo", port=process.main_port)

    assert (status, headers.get("connection")) == (404, "close")
    assert before.get("connection") != "close"
    alive, probed, _ = process.get("/livez")
    assert (alive, probed.get("connection")) == (200, "close")
    assert process.wait_end() == 0


def test_a_second_signal_leaves_at_once(start: Start) -> None:
    process = start("ingress", TWOWAY_LAME_DUCK="600")
    process.wait_ready()

    process.popen.send_signal(signal.SIGTERM)
    wait_until(lambda: process.get("/readyz")[0] == 503, what="not ready")
    process.popen.send_signal(signal.SIGTERM)

    assert process.wait_end() == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("TWOWAY_PREFETCH", "many"), ("TWOWAY_WEBHOOK_ALLOWED_NETWORKS", "10.0.0.0/8"), ("TWOWAY_LAME_DUCK", "soon")],
)
def test_a_wrong_setting_stops_the_start_and_is_named(start: Start, name: str, value: str) -> None:
    process = start("ingress", **{name: value})

    assert process.wait_end() == 2
    assert f"{name}: " in process.log.read_text()


def test_an_unknown_setting_stops_the_start_and_is_named(start: Start) -> None:
    process = start("ingress", TWOWAY_PREFETHC="5")

    assert process.wait_end() == 2
    assert "TWOWAY_PREFETHC: there is no such setting. Did you mean TWOWAY_PREFETCH?" in process.log.read_text()


def test_a_missing_secret_key_stops_the_start_and_is_named(start: Start) -> None:
    process = start("ingress", TWOWAY_SECRET_KEY="")

    assert process.wait_end() == 2
    assert "TWOWAY_SECRET_KEY" in process.log.read_text()


def test_code_starts_on_a_schema_newer_than_it_knows(start: Start, database_url: str) -> None:
    change(database_url, "UPDATE schema_level SET level = 99")
    change(database_url, "UPDATE alembic_version SET version_num = 'from-the-future'")

    start("ingress").wait_ready()


def test_code_refuses_a_schema_that_needs_newer_code(start: Start, database_url: str) -> None:
    change(database_url, "UPDATE schema_level SET level = 99, min_code_level = 99")

    process = start("ingress")

    assert process.wait_end() == 2
    assert "Deploy a newer release" in process.log.read_text()


def test_a_database_without_schema_is_refused_with_the_next_step(start: Start, empty_database_url: str) -> None:
    process = start("ingress", TWOWAY_DATABASE_URL=empty_database_url)

    assert process.wait_end() == 2
    assert "migrate expand" in process.log.read_text()
