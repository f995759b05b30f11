"""Carriers as YAML: the walk-through of the documentation works, and every mistake is named with its place."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from twoway_router.carriers import registry
from twoway_router.carriers.checking.spec_files import SpecFileError, read_spec, spec_schema
from twoway_router.carriers.checking.spec_rules import mistakes_of
from twoway_router.carriers.errors import SpecError
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
    ('options: {parameter: key, secret: "{key}"}', "options: {parameter: key}", "line 10, auth[0].options: the option"),
    ("title: High Connection", "title: [", "no YAML"),
    ("capability: receipt", "capability: magic", "line 36, capability: Input should be"),
    ('secret: "{key}"', 'secret: "{kee}"', "line 10, auth[0].options: {kee} is no setting"),
    ("{parameter: key,", "{paramter: key,", "line 10, auth[0].options.paramter: query_key has no such option"),
    ("verifier: query_key", "verifier: sns", "auth[0].options.secret: sns has no such option; it has topics"),
    ("    sender: FROM\n", "", "line 13, events[0]: sender is needed"),
    ("    status: status\n", "", "line 19, events[1]: status is needed"),
    ("    reference: ret_id\n", "", "line 19, events[1]: id or reference is needed"),
    ("sender: FROM", "sender: FROM||x", "line 15, events[0].sender: a path may not be empty"),
    ("sender: FROM", "sender: headr:x", "line 15, events[0].sender: headr: is not one of header:"),
    ("    id: ID\n", "    when: {path: x}\n", "line 14, events[0].when: asks nothing of its path"),
    ("    id: ID\n", "    when: {all_of: [{equals: x}]}\n", "line 14, events[0].when.all_of[0]: path is needed"),
    ("    id: ID\n", "    when: {}\n", "line 14, events[0].when: asks nothing; leave it out"),
    ("decode: [form, query]", "decode: []", "line 7, decode: must name at least one body"),
    ("name: account_id", "name: key", "line 5, settings[1].name: there is another setting key"),
    ("name: account_id", "name: Account", "line 5, settings[1].name: must be lower-case letters"),
    ("name: account_id", "name: public_url", "line 5, settings[1].name: every connection has a setting"),
    ("is_required: true, desc", "choices: [a], default: b, desc", "line 5, settings[1].default: must be one of a"),
    ("{status: 200}", "{status: 204, body: x}", "line 24, acks.stored.body: an answer with status 204 has no body"),
    ("{status: 200}", "{status: 200, content_type: täxt}", "line 24, acks.stored.content_type: a content type is"),
    ("  body: form\n", "  method: post\n", "line 27, send.method: must be a method of HTTP"),
    ("  reply: text\n", "  signer: azure\n", "line 28, send.signer: azure needs the setting 'access_key'"),
    ("  reply: text\n", "  signer: aws\n", "line 28, send.signer: aws needs the setting 'access_key_id'"),
    ("capability: receipt", "configure: generic", "line 36, configure: generic needs the setting 'ack_status'"),
    ("capability: receipt", "body_limit: -1", "line 36, body_limit: must be more than 0"),
]

WITH_HMAC = [
    ("header: x-sig, window: soon", "line 10, auth[0].options.window: must be a number of seconds"),
    ("header: x-sig, encoding: base46", "line 10, auth[0].options.encoding: 'base46' is neither hex nor base64"),
    ("header: x-sig, algorithm: sha3", "line 10, auth[0].options.algorithm: 'sha3' is not one of"),
    ("header: x sig", "line 10, auth[0].options.header: 'x sig' is no name of a header"),
]


@pytest.mark.parametrize(("right", "wrong", "complaint"), MISTAKES)
def test_a_mistake_is_named_with_its_line_and_path(right: str, wrong: str, complaint: str) -> None:
    assert right in block("yaml")

    with pytest.raises(SpecFileError) as refused:
        read_spec(block("yaml").replace(right, wrong, 1))

    assert complaint in str(refused.value)


@pytest.mark.parametrize(("options", "complaint"), WITH_HMAC)
def test_an_option_of_a_proof_that_cannot_work_is_named(options: str, complaint: str) -> None:
    text = block("yaml").replace("verifier: query_key", "verifier: hmac").replace("parameter: key", options)

    with pytest.raises(SpecFileError) as refused:
        read_spec(text)

    assert complaint in str(refused.value)


def test_a_spec_without_proofs_needs_a_way_to_allow_that() -> None:
    start, end = block("yaml").index("auth:"), block("yaml").index("numbers:")
    text = block("yaml")[:start] + "auth: []\n" + block("yaml")[end:]

    with pytest.raises(SpecFileError, match="line 8, auth: must hold at least one proof"):
        read_spec(text)


def test_a_zone_may_be_a_setting() -> None:
    zone = "settings:\n  - {name: zone, description: Its time zone, default: Europe/Paris}\n"
    text = block("yaml").replace("zone: Europe/Paris", 'zone: "{zone}"').replace("settings:\n", zone)

    assert read_spec(text).settings[0].name == "zone"


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_file_in_another_charset_says_so(encoding: str) -> None:
    raw = block("yaml").replace("High Connection", "Hôte").encode(encoding)

    with pytest.raises(SpecFileError, match=r"line \d, the file: is not UTF-8: byte 0x"):
        read_spec(raw)


def test_a_byte_order_mark_is_no_mistake() -> None:
    assert read_spec(block("yaml").encode("utf-8-sig")).name == "highconnection"


def test_every_built_in_carrier_would_pass_as_an_operator_s_own() -> None:
    assert {name: list(mistakes_of(spec)) for name, spec in registry.CARRIERS.items()} == {
        name: [] for name in registry.CARRIERS
    }


def test_every_file_of_a_built_in_carrier_is_listed_under_its_own_name() -> None:
    folder = Path(registry.__file__).parent / "specs"

    assert {path.stem for path in folder.iterdir()} == {*registry.BUILT_IN, registry.SANDBOX}
    assert [registry.carrier_of(path.stem).name for path in folder.iterdir()] == [
        path.stem for path in folder.iterdir()
    ]


def test_the_address_may_be_a_setting() -> None:
    setting = "settings:\n  - {name: base_url, is_required: true, description: Its address}\n"
    text = block("yaml").replace("url: https://highpushfastapi-v2.hcnx.eu", 'url: "{base_url}"')

    assert read_spec(text.replace('"{base_url}"/api', '"{base_url}/api"').replace("settings:\n", setting)).send


@pytest.mark.parametrize("loader", [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)])
def test_an_event_may_be_another_with_something_else_instead(loader: type[yaml.SafeLoader]) -> None:
    text = block("yaml").replace("  - kind: mo\n", "  - &mo\n    kind: mo\n    when: {path: MEDIA, exists: true}\n")
    text = text.replace("  - kind: dlr\n", "  - {<<: *mo, when: null, id: OTHER}\n  - kind: dlr\n")

    first, second, _ = read_spec(text, loader).events

    assert replace(second, when=first.when, id=first.id) == first
    assert (second.when, second.id) == (None, "OTHER")


def test_a_mistake_in_what_stands_instead_is_named_with_its_own_line() -> None:
    text = block("yaml").replace("  - kind: mo\n", "  - &mo\n    kind: mo\n")
    text = text.replace("  - kind: dlr\n", "  - {<<: *mo, sender: headr:x}\n  - kind: dlr\n")

    with pytest.raises(SpecFileError, match=r"line 20, events\[1\].sender: headr: is not one of"):
        read_spec(text)


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
    before = dict(registry.CARRIERS.own)
    yield
    registry.CARRIERS.own.clear()
    registry.CARRIERS.own.update(before)


@pytest.mark.usefixtures("carriers_put_back")
def test_a_folder_of_specs_is_added_at_the_start(walked: Path) -> None:
    (walked / "second.yml").write_text(block("yaml").replace("name: highconnection", "name: second"))

    load_carriers(walked)

    assert registry.CARRIERS["second"].title == "High Connection"
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
