"""``twoway-router keys create --test``: a test key where nobody has a key of the tenant yet."""

import asyncio

import pytest
from typer.testing import CliRunner

from tests.api.conftest import Caller, an_app
from tests.cast import a_tenant
from twoway_router.cli.main import app as command
from twoway_router.domain.ids import TenantId
from twoway_router.store import System, transaction
from twoway_router.store.engine import make_engine


@pytest.fixture
def run(database_url: str) -> CliRunner:
    return CliRunner(env={"TWOWAY_DATABASE_URL": database_url})


@pytest.fixture
def tenant_id(database_url: str) -> TenantId:
    async def make() -> TenantId:
        engine = make_engine(database_url, pool_size=1)
        try:
            async with transaction(engine, System("test")) as session:
                return await a_tenant(session)
        finally:
            await engine.dispose()

    return asyncio.run(make())


def test_a_test_key_of_a_tenant_opens_its_sandbox(run: CliRunner, database_url: str, tenant_id: TenantId) -> None:
    made = run.invoke(command, ["keys", "create", "--test", "--tenant", str(tenant_id)])

    async def look() -> int:
        engine = make_engine(database_url, pool_size=2)
        try:
            caller = Caller(app=an_app(engine), token=made.output.strip())
            return (await caller.get("/v1/sandbox/handsets")).status_code
        finally:
            await engine.dispose()

    assert made.output.startswith("twr_test_"), made.output
    assert asyncio.run(look()) == 200


def test_an_operator_gets_no_test_key(run: CliRunner) -> None:
    refused = run.invoke(command, ["keys", "create", "--test", "--operator"])

    assert refused.exit_code == 1
    assert "A test key works in the sandbox of a tenant" in refused.output
