"""What stops a command before anything is started: a sentence and exit code 2, never a traceback."""

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from twoway_router.cli.main import app


@pytest.mark.parametrize("command", ["run", "demo"])
def test_a_broken_spec_is_refused_before_a_database_is_started(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    specs, state = tmp_path / "specs", tmp_path / "state"
    specs.mkdir()
    (specs / "x.yaml").write_bytes(b"name: caf\xe9")
    monkeypatch.setenv("TWOWAY_CARRIER_SPECS", str(specs))
    monkeypatch.setenv("TWOWAY_STATE_FOLDER", str(state))

    result = CliRunner().invoke(app, [command])

    assert (result.exit_code, state.exists()) == (2, False)
    assert f"{specs / 'x.yaml'}: line 1, the file: is not UTF-8: byte 0xe9" in result.output


NOWHERE = "postgresql://u:s3cret@127.0.0.1:1/d"
KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


@pytest.mark.parametrize(
    "command", ["run", "demo --exit-after", "migrate expand", "migrate keys", "keys list", "parked list", "outbox list"]
)
def test_a_database_that_is_away_is_named(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOWAY_DATABASE_URL", NOWHERE)
    monkeypatch.setenv("TWOWAY_STATE_FOLDER", str(tmp_path))

    result = CliRunner().invoke(app, command.split())

    assert result.exit_code == 2
    assert "TWOWAY_DATABASE_URL: cannot reach the database (ConnectionRefusedError" in result.output
    assert "s3cret" not in result.output


@pytest.mark.parametrize(
    ("role", "setting"),
    [("ingress", "TWOWAY_INGRESS_PORT"), ("api", "TWOWAY_API_PORT"), ("executor", "TWOWAY_OPS_PORT")],
)
def test_a_taken_port_is_named(role: str, setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    port = str(taken.getsockname()[1])
    for name, value in {setting: port, "TWOWAY_DATABASE_URL": NOWHERE, "TWOWAY_SECRET_KEY": KEY}.items():
        monkeypatch.setenv(name, value)

    with taken:
        result = CliRunner().invoke(app, ["serve", role])

    assert result.exit_code == 2
    assert f"{setting}: cannot listen on 127.0.0.1:{port} (Address already in use)" in result.output


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TWOWAY_STATE_FOLDER", str(tmp_path / "file" / "state"))

    result = CliRunner().invoke(app, ["run"])

    assert result.exit_code == 2
    assert "TWOWAY_STATE_FOLDER: cannot keep a database in" in result.output
