"""Carriers as YAML: the walk-through of the documentation works, and every mistake is named with its place."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from twoway_router.carriers import registry
from twoway_router.carriers.errors import SpecError
from twoway_router.carriers.spec_files import SpecFileError, read_spec, spec_schema
from twoway_router.cli.main import app
from twoway_router.processes.carriers import load_carriers
from twoway_router.processes.frame import StartRefused

DOCS = Path(__file__).parents[3] / "docs"
GUIDE = (DOCS / "ADDING_A_CARRIER.md").read_text()


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def walked(tmp_path: Path) -> Path:
    """A folder with the two files of the walk-through."""
    (tmp_path / "highconnection.yaml").write_text(block("yaml"))
    (tmp_path / "mo.http").write_text(block("http"))
    return tmp_path


def run(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["carriers", *map(str, words)])
    return result.exit_code, result.output


def test_the_walk_through_checks(walked: Path) -> None:
    code, output = run("check", walked / "highconnection.yaml")

    assert (code, output.splitlines()[0]) == (
        0,
        "highconnection: High Connection can be used. Settings of a connection:",
    )


def test_the_walk_through_reads_what_the_page_says(walked: Path) -> None:
    options = ["--country", "FR", "--setting", "account_id=1", "--secret", "key=s3cret", "--secret", "password=x"]

    code, output = run("try", walked / "highconnection.yaml", walked / "mo.http", *options)

    wanted = [
        "proof: accepted",
        '"sender": "+33612345678"',
        '"recipient": "36105"',
        '"text": "café"',
        "answer (stored): 200",
    ]
    assert (code, [line for line in wanted if line not in output]) == (0, [])


def test_a_request_that_is_not_proven_shows_both_answers(walked: Path) -> None:
    options = ["--country", "FR", "--setting", "account_id=1", "--secret", "key=other", "--secret", "password=x"]

    _, output = run("try", walked / "highconnection.yaml", walked / "mo.http", *options)

    assert "proof: refused (wrong_key)" in output
    assert "answer: 403" in output


MISTAKES = [
    ("charset: iso-8859-1", "charset: iso-8859-99", "line 17, events[0].text.charset: 'iso-8859-99' is no charset"),
    ("verifier: query_key", "verifier: magic", "line 9, auth[0].verifier: must be one of"),
    ("kind: dlr", "kind: receipt", "line 19, events[1].kind: Input should be"),
    ('"6": delivered', '"6": arrived', "line 22, statuses.6: Input should be"),
    ("sender: FROM", "sendr: FROM", "line 15, events[0].sendr: Unexpected keyword argument"),
    ('to: "{recipient}"', 'to: "{recipent}"', "line 25, send: {recipent} is neither"),
    ("zone: Europe/Paris", "zone: Mars/Base", "line 18, events[0].time.zone: 'Mars/Base' is no time zone"),
    ("%Y-%m-%d", "%Q-%m-%d", "line 18, events[0].time.formats[0]: '%Q-%m-%dT%H:%M:%S' is neither"),
    ("%Y-%m-%d", "%Y-%d-%d", "line 18, events[0].time.formats[0]: '%Y-%d-%dT%H:%M:%S' is neither"),
    ("numbers: national", "name: again", "line 11, name: stands here twice"),
    ("status: 200", "status: 2000", "line 24, acks.stored.status: 2000 is no HTTP status"),
    ("capability: receipt", "capability: look_up", "line 36, capability: look_up needs the part look_up"),
    ("url: https:", "url: ftp:", "line 26, send.url: must begin with https://"),
    ("name: highconnection", "name: High Connection", "line 1, name: must be lower-case letters"),
    ('options: {parameter: key, secret: "{key}"}', "options: {parameter: key}", "auth: the option 'secret' is missing"),
    ("title: High Connection", "title: [", "no YAML"),
    ("capability: receipt", "capability: magic", "line 36, capability: Input should be"),
]


@pytest.mark.parametrize(("right", "wrong", "complaint"), MISTAKES)
def test_a_mistake_is_named_with_its_line_and_path(right: str, wrong: str, complaint: str) -> None:
    assert right in block("yaml")

    with pytest.raises(SpecFileError) as refused:
        read_spec(block("yaml").replace(right, wrong, 1))

    assert complaint in str(refused.value)


def test_all_mistakes_are_named_at_once() -> None:
    text = block("yaml").replace("kind: dlr", "kind: receipt").replace("sender: FROM", "sendr: FROM")

    with pytest.raises(SpecFileError) as refused:
        read_spec(text)

    assert len(refused.value.problems) == 2


@pytest.mark.parametrize(
    "text", ["", "[]", "7", "name: x", "\x00", "&a [*a]", "!!python/object:os.system {}", "a: 2020-99-99"]
)
def test_what_is_no_spec_is_refused(text: str) -> None:
    with pytest.raises(SpecFileError):
        read_spec(text)


def test_the_check_ends_with_an_error_for_a_wrong_file(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(block("yaml").replace("kind: dlr", "kind: receipt"))

    assert run("check", path)[0] == 1


def test_the_check_refuses_the_name_of_a_built_in_carrier_as_the_start_does(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(block("yaml").replace("name: highconnection", "name: kannel"))

    code, output = run("check", path)

    assert (code, "name: there is already a carrier 'kannel'" in output) == (1, True)


@pytest.mark.parametrize("text", ["", "# nothing", "- a", "hello"])
def test_a_file_that_holds_no_names_and_values_says_so(text: str) -> None:
    with pytest.raises(SpecFileError, match="the file: must hold names and values"):
        read_spec(text)


def test_the_list_names_every_carrier() -> None:
    _, output = run("list")

    assert [line.split()[0] for line in output.splitlines()] == sorted(registry.CARRIERS)


def test_the_schema_in_the_documents_is_current() -> None:
    written = json.loads((DOCS / "carriers" / "spec.schema.json").read_text())

    assert written == spec_schema()


@pytest.fixture
def carriers_put_back() -> Iterator[None]:
    before = dict(registry.CARRIERS)
    yield
    registry.CARRIERS.clear()
    registry.CARRIERS.update(before)


@pytest.mark.usefixtures("carriers_put_back")
def test_a_folder_of_specs_is_added_at_the_start(walked: Path) -> None:
    load_carriers(walked)

    assert registry.CARRIERS["highconnection"].title == "High Connection"


@pytest.mark.usefixtures("carriers_put_back")
def test_a_built_in_name_may_not_be_taken() -> None:
    with pytest.raises(SpecError, match="already a carrier"):
        registry.add_carriers([read_spec(block("yaml").replace("name: highconnection", "name: kannel"))])


def test_a_wrong_spec_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("name: x")

    with pytest.raises(StartRefused, match="carriers check"):
        load_carriers(tmp_path)


def test_a_folder_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match="TWOWAY_CARRIER_SPECS"):
        load_carriers(tmp_path / "none")
