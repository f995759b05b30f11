"""What stops ``twoway-router run`` before anything is started."""

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
