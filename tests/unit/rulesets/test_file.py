"""Rules from a file: what may stand there, what it does with messages and claims, and the command that reads it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from twoway_router.cli.route import route_app
from twoway_router.routing.characters import FOLD_VERSION
from twoway_router.rulesets.file import check, evaluate, json_schema, read_rules

AT = datetime(2026, 6, 1, tzinfo=UTC)
RULES = """
numbers:
  - {id: NO, address: 012345, country: NO, languages: [no]}
  - {id: owned, country: ES, sharing: dedicated, owner: REPAIRS, time_zone: Europe/Madrid}
tenants: [PIZZERIA, {id: GYM, name: The gym}]
keywords:
  - {number: NO, tenant: PIZZERIA, word: 1e3PIZZA, aliases: [0123PIZZA]}
  - {number: owned, tenant: REPAIRS, word: BAÑO, active_until: "2026-06-01T01:00:00"}
  - {number: owned, tenant: REPAIRS, word: KIT, sub_keywords: [XL, {name: XS, aliases: [mini]}]}
"""


def outcome(rules: str, **message: object) -> dict[str, object]:
    return evaluate(read_rules(rules), {"id": 1, "from": "+34", **message}, 0, AT)


def test_words_that_look_like_numbers_or_answers_stay_words() -> None:
    result = outcome(RULES, number="NO", text="0123pizza")

    assert (result["id"], result["tenant"], result["keyword"]) == (1, "PIZZERIA", "1e3PIZZA")


def test_a_number_goes_by_its_address_too() -> None:
    assert outcome(RULES, number="012345", text="1e3pizza")["tenant"] == "PIZZERIA"


def test_a_moment_without_offset_is_in_the_numbers_time_zone() -> None:
    results = [
        outcome(RULES, number="owned", text="baño", at=at) for at in ("2026-05-31T22:59:00Z", "2026-05-31T23:00:00Z")
    ]

    assert [result["window"] for result in results] == ["open", "too_late"]


def test_sub_keywords_are_names_or_names_with_aliases() -> None:
    results = [outcome(RULES, number="owned", text=text) for text in ("kit xl", "kit mini")]

    assert [result["sub_keyword"] for result in results] == ["XL", "XS"]


def test_half_a_surrogate_pair_passes_through() -> None:
    assert outcome(RULES, number="NO", text="\ud800 hei")["rest"] == "\ud800 hei"


@pytest.mark.parametrize("name", [5, "5", "\ud800", ""])
def test_an_id_comes_back_as_it_was_given(name: str | int) -> None:
    assert outcome(RULES, id=name, number="NO", text="")["id"] == name


def test_a_message_without_id_or_sender_goes_by_its_place() -> None:
    rules, line = read_rules(RULES), {"number": "NO", "from": None, "text": "1e3pizza"}

    results = [evaluate(rules, line, place, AT) for place in range(2)]

    assert [(result["id"], result["outcome"]) for result in results] == [("0", "keyword"), ("1", "keyword")]


def test_an_unknown_number_is_nobodys() -> None:
    assert outcome(RULES, number="999", text="hei")["rule"] == "unknown_number"


def test_expected_may_be_the_list_of_choices() -> None:
    context = {"tenant": "GYM", "kind": "question", "expected": ["A", "B"], "age": 1, "lifetime": 60}

    result = outcome(RULES, number="NO", text="b", contexts=[context])

    assert (result["tenant"], result["details"]) == ("GYM", {"answer": "B"})


@pytest.mark.parametrize(
    "rules",
    [
        "numbers: []\nextra: 1",
        "numbers: [{id: a}]",
        "numbers: []\nkeywords: [{number: a, tenant: T, word: PIZZA}]",
        "numbers: [{id: a, country: ES}]\nkeywords: [{number: a, tenant: T, word: X}, {number: a, tenant: T, word: X}]",
        "",
        "numbers: [",
        "!!timestamp x",
        "numbers: [{id: a, country: ES, time_zone: Europe}]",
        "numbers: [{id: a, country: ES, time_zone: Mars/Olympus}]",
        "numbers: [{id: a, country: ES, time_zone: /etc/passwd}]",
    ],
    ids=range(10),
)
def test_a_fault_in_the_file_is_told(rules: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_rules(rules)


def test_the_schema_describes_keywords() -> None:
    assert "KeywordModel" in json.dumps(json_schema())


def test_a_verdict_names_the_tenant_in_the_way() -> None:
    verdict = check(read_rules(RULES), {"id": "c", "number": "NO", "tenant": "GYM", "word": "1e3 pizza"}, 0)

    assert (verdict["id"], verdict["verdict"], verdict["collisions"]) == (
        "c",
        "refuse",
        [{"tenant": "PIZZERIA", "keyword": "1e3PIZZA", "spelling": "1e3 pizza", "code": "taken"}],
    )


@pytest.mark.parametrize("word", ["", "\ud800", "\x00", "X" * 1600, "\u0301" * 1600, 12345])
def test_every_word_gets_a_verdict(word: str | int) -> None:
    verdict = check(read_rules(RULES), {"number": "NO", "tenant": "GYM", "word": word}, 0)

    assert verdict["verdict"] == "refuse"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    (tmp_path / "in.jsonl").write_text(
        '{"id":"1","number":"NO","text":"\\ud800"}\n\n{"id":"2","number":"NO","text":"1e3pizza ja"}\n'
    )
    (tmp_path / "claims.jsonl").write_text('{"number":"NO","tenant":"GYM","word":"STOP"}\n')
    (tmp_path / "broken.jsonl").write_text(
        '{"number":"NO","text":""}\n\n{"id":"1","text":""}\n{"number":"NO","text":"1e3pizza"}\n'
    )
    (tmp_path / "not.jsonl").write_text('{"number":"NO","text":""}\n\n{\n{"number":"NO","text":"1e3pizza"}\n')
    return tmp_path


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(route_app, [str(folder / one) if "." in one else one for one in arguments])
    return result.exit_code, result.output


def test_eval_writes_one_result_a_line(folder: Path) -> None:
    code, _ = run(folder, "eval", "--rules", "rules.yaml", "--messages", "in.jsonl", "--out", "out.jsonl")

    results = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    assert (code, [result["outcome"] for result in results]) == (0, ["default", "keyword"])


def test_a_result_has_the_fields_of_the_format(folder: Path) -> None:
    _, output = run(folder, "eval", "--rules", "rules.yaml", "--messages", "in.jsonl")

    fields = json.loads(output.splitlines()[1]).keys()
    assert fields >= {"id", "outcome", "tenant", "keyword", "sub_keyword", "rest", "rule", "class", "candidates"}


def test_check_writes_verdicts(folder: Path) -> None:
    code, output = run(folder, "check", "--rules", "rules.yaml", "--claims", "claims.jsonl")

    assert (code, json.loads(output)["code"]) == (0, "reserved")


def test_explain_shows_the_candidates(folder: Path) -> None:
    code, output = run(folder, "explain", "NO", "1e3pizza", "--rules", "rules.yaml")

    assert (code, json.loads(output)["candidates"][0]["keyword"]) == (0, "1e3PIZZA")


def test_explain_is_readable_in_any_script_and_names_the_index(folder: Path) -> None:
    _, output = run(folder, "explain", "owned", "baño ya 🚿 \ud83d", "--rules", "rules.yaml")

    assert '"keyword": "BAÑO"' in output
    assert json.loads(output)["rest"] == "ya 🚿 \ud83d"
    assert json.loads(output)["index_version"] == FOLD_VERSION


def test_schema_prints_json(folder: Path) -> None:
    code, output = run(folder, "schema")

    assert (code, json.loads(output)["title"]) == (0, "RulesFile")


@pytest.mark.parametrize("messages", ["broken.jsonl", "not.jsonl"])
def test_a_broken_line_is_named_and_the_others_are_routed(folder: Path, messages: str) -> None:
    code, output = run(folder, "eval", "--rules", "rules.yaml", "--messages", messages, "--out", "out.jsonl")

    results = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    assert (code, [result["outcome"] for result in results]) == (1, ["default", None, "keyword"])
    assert results[1]["error"] in output
    assert f"{messages}, line 3: " in output


@pytest.mark.parametrize(
    ("line", "given"),
    [
        (b'{"id":7,"number":"NO"}', 7),
        (b'{"id":true,"number":"NO","text":""}', "0"),
        (b'{"number":"NO","text":null}', "0"),
        (b'{"number":"NO","text":"\xff"}', "0"),
        (b"[1]", "0"),
        (b"null", "0"),
        (b"[" * 100_000, "0"),
        (b'{"id":"a","number":"NO","text":"","contexts":[{"kind":"recent"}]}', "a"),
        (b'{"id":"a","number":"NO","text":"","contexts":[{"tenant":"GYM","kind":"talk"}]}', "a"),
    ],
    ids=range(9),
)
def test_every_broken_line_gets_a_result_that_says_why(folder: Path, line: bytes, given: object) -> None:
    (folder / "one.jsonl").write_bytes(line)

    code, _ = run(folder, "eval", "--rules", "rules.yaml", "--messages", "one.jsonl", "--out", "out.jsonl")

    result = json.loads((folder / "out.jsonl").read_text())
    assert (code, result["id"], result["outcome"], bool(result["error"])) == (1, given, None, True)


def test_a_broken_claim_gets_a_result_too(folder: Path) -> None:
    (folder / "one.jsonl").write_text('{"id":3,"number":"NO","tenant":"GYM"}\n')

    code, _ = run(folder, "check", "--rules", "rules.yaml", "--claims", "one.jsonl", "--out", "out.jsonl")

    result = json.loads((folder / "out.jsonl").read_text())
    assert (code, result) == (1, {"id": 3, "verdict": None, "error": "word: Field required"})


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b"\r\n \n"], ids=["byte order mark", "empty lines"])
def test_lines_are_read_as_other_systems_write_them(folder: Path, start: bytes) -> None:
    (folder / "one.jsonl").write_bytes(start + b'{"number":"NO","text":"1e3pizza \xed\xa0\xbc"}\r\n')

    code, output = run(folder, "eval", "--rules", "rules.yaml", "--messages", "one.jsonl")

    assert (code, json.loads(output)["keyword"]) == (0, "1e3PIZZA")


@pytest.mark.parametrize(
    ("context", "doubt"),
    [
        ({"expect": "yes_no"}, "a context has no 'expect'"),
        ({"expected": "a smile"}, "'a smile' is taken for free text"),
        ({"expected": "yes_no"}, ""),
        ({"expected_answer_kind": "0-10", "age": None, "lifetime": 60}, ""),
    ],
)
def test_what_may_not_be_meant_so_is_told(folder: Path, context: dict[str, object], doubt: str) -> None:
    line = {"number": "NO", "text": "ja", "contexts": [{"tenant": "GYM", "kind": "Question"} | context]}
    (folder / "one.jsonl").write_text(json.dumps(line))

    code, output = run(folder, "eval", "--rules", "rules.yaml", "--messages", "one.jsonl", "--out", "out.jsonl")

    assert code == 0
    assert doubt in output if doubt else output == ""


def test_a_place_that_cannot_be_written_is_named(folder: Path) -> None:
    code, output = run(folder, "eval", "--rules", "rules.yaml", "--messages", "in.jsonl", "--out", "none/out.jsonl")

    assert (code, "none/out.jsonl" in output) == (2, True)


@pytest.mark.parametrize("indent", [None, 2, "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_rules_are_json_as_any_program_writes_it(indent: int | str | None, mark: str) -> None:
    rules = {"numbers": [{"id": 5, "country": "NO"}], "keywords": [{"number": 5, "tenant": "GYM", "word": "🍕"}]}

    assert outcome(mark + json.dumps(rules, indent=indent), number=5, text="🍕")["keyword"] == "🍕"


@pytest.mark.parametrize(
    ("expected", "text", "rule"),
    [
        ("A-E", "b", "open_question"),
        ("a-c", "d", "conversation"),
        ("SI/NO", "nei", "open_question"),
        ("1-9", "9", "open_question"),
        ("PIN", "12345", "open_question"),
        ("free_text", "anything", "free_text_question"),
    ],
)
def test_what_is_expected_goes_by_several_names(expected: str, text: str, rule: str) -> None:
    context = {"tenant": "GYM", "kind": "question", "expected": expected, "age": 1, "lifetime": 60}

    assert outcome(RULES, number="NO", text=text, contexts=[context])["rule"] == rule


def test_a_broken_rules_file_stops_the_command(folder: Path) -> None:
    code, _ = run(folder, "eval", "--rules", "not.jsonl", "--messages", "in.jsonl")

    assert code == 2


def test_an_override_is_no_leave_for_texts_that_it_does_not_list() -> None:
    rules = read_rules(
        "numbers: [{id: shared, country: ES}]\nkeywords: [{number: shared, tenant: SHOP, word: 50%OFF}]\n"
    )
    claim = {"number": "shared", "tenant": "GYM", "word": "50OFF", "override": True}

    needed = check(rules, claim, 0)
    moves = needed["collisions"][0]["moves"]  # type: ignore[index]
    granted = check(rules, claim | {"override": moves}, 0)

    assert ("50 off" in moves, needed["verdict"], granted["verdict"]) == (True, "override_needed", "warn")
