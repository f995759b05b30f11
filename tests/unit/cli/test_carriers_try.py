"""``carriers try`` takes a connection's settings as the management API does, and says which of them cannot be."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from twoway_router.cli.main import app

SENDING = ["--setting", "username=u", "--secret", "password=p"]


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    path = tmp_path / "mo.http"
    path.write_text("GET /in/kannel/1/mo?from=0711000001&to=12345&text=PIZZA&id=1 HTTP/1.1\n\n")
    return path


def run(request_file: Path, *options: str, carrier: str = "kannel") -> tuple[int, str]:
    result = CliRunner().invoke(app, ["carriers", "try", carrier, str(request_file), *options])
    return result.exit_code, result.output


WRONG = [
    (["--setting", "usrname=u"], "settings/usrname: Kannel has no such setting"),
    (["--setting", "password=u"], "settings/password: Kannel has no such setting"),
    (["--secret", "password=p"], "settings/username: is required"),
    ([*SENDING, "--setting", "allow_unsigned"], "allow_unsigned: must be name=value."),
    ([*SENDING, "--setting", "allow_unsigned=yes"], "settings/allow_unsigned: must be true or false"),
    ([*SENDING, "--country", "Kenya"], "--country Kenya: must be two letters, such as FR."),
]


@pytest.mark.parametrize(("options", "complaint"), WRONG, ids=str)
def test_what_a_connection_could_not_have_is_named(request_file: Path, options: list[str], complaint: str) -> None:
    code, output = run(request_file, *options)

    assert (code, complaint in output) == (2, True)


def test_without_a_secret_the_request_is_shown_as_refused(request_file: Path) -> None:
    code, output = run(request_file, *SENDING, "--country", "KE")

    assert code == 0
    assert "proof: refused (no_secret_configured)" in output
    assert '"sender": "+254711000001"' in output


def test_a_flag_is_taken(request_file: Path) -> None:
    _, output = run(request_file, *SENDING, "--setting", "allow_unsigned=true")

    assert "proof: accepted" in output


def test_a_mapping_is_taken_as_json(request_file: Path) -> None:
    options = ["--setting", 'fields={"id": "from"}', "--secret", "key=s3cret"]

    _, output = run(request_file, *options, carrier="generic")

    assert '"carrier_message_id": "0711000001"' in output
