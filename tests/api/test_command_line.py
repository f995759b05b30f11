"""``twoway-router keys`` and ``openapi``: how an installation gets its first key, and how the document is kept current."""

import asyncio
from pathlib import Path

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from tests.api.conftest import Caller, an_app
from twoway_router.cli.main import app as command
from twoway_router.store.engine import make_engine


@pytest.fixture
def run(database_url: str) -> CliRunner:
    return CliRunner(env={"TWOWAY_DATABASE_URL": database_url})


def call(database_url: str, token: str) -> httpx.Response:
    """List tenants with a key."""

    async def get() -> httpx.Response:
        engine = make_engine(database_url, pool_size=2)
        try:
            return await Caller(app=an_app(engine), token=token).get("/v1/tenants")
        finally:
            await engine.dispose()

    return asyncio.run(get())


def test_the_first_operator_key_opens_the_api(run: CliRunner, database_url: str) -> None:
    made = run.invoke(command, ["keys", "create", "--operator", "--name", "first"])

    assert made.exit_code == 0, made.output
    assert call(database_url, made.output.strip()).status_code == 200


def test_a_revoked_key_does_not(run: CliRunner, database_url: str) -> None:
    token = run.invoke(command, ["keys", "create", "--operator"]).output.strip()
    key_id = run.invoke(command, ["keys", "list"]).output.split()[0]

    revoked = run.invoke(command, ["keys", "revoke", key_id])

    assert revoked.exit_code == 0, revoked.output
    assert call(database_url, token).status_code == 401


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--operator", "--tenant", "0198c0de-8d5b-7cc3-a5f1-1d2b3c4d5e6f"],
        ["--operator", "--scope", "everything"],
        ["--tenant", "0198c0de-8d5b-7cc3-a5f1-1d2b3c4d5e6f"],
    ],
)
def test_a_wrong_wish_makes_no_key(run: CliRunner, arguments: list[str]) -> None:
    refused = run.invoke(command, ["keys", "create", *arguments])

    assert refused.exit_code in (1, 2)
    assert run.invoke(command, ["keys", "list"]).output == ""


def test_the_document_is_openapi_3_1_and_checked_by_content(tmp_path: Path) -> None:
    file = tmp_path / "api.yaml"
    CliRunner().invoke(command, ["openapi", "--out", str(file)])
    document = yaml.safe_load(file.read_text(encoding="utf-8"))

    same = CliRunner().invoke(command, ["openapi", "--check", "--out", str(file)])
    file.write_text("old", encoding="utf-8")
    other = CliRunner().invoke(command, ["openapi", "--check", "--out", str(file)])

    assert document["openapi"] == "3.1.0"
    assert "message.received" in document["webhooks"]
    assert (same.exit_code, other.exit_code) == (0, 1)
