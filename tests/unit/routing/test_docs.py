"""Every example in docs/routing.md does what its row says."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from twoway_router.routing.text import fold
from twoway_router.rulesets.file import Rules, check, evaluate, read_rules

PAGE = (Path(__file__).parents[3] / "docs" / "routing.md").read_text(encoding="utf-8")
AT = datetime(2026, 6, 1, tzinfo=UTC)
ASKS = re.compile(r"(\w+) asks (\S+)")
WAS_HERE = re.compile(r"(\w+) was here")


def tables() -> Iterator[dict[str, list[str]]]:
    """Each row of each table: what stands in backticks, by column."""
    for block in re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE):
        head, _, *rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in block.splitlines()]
        for row in rows:
            yield {
                name: [_plain(one) for one in re.findall(r"`(.*?)`", cell)]
                for name, cell in zip(head, row, strict=True)
            }


def _plain(written: str) -> str:
    """What an example stands for; only ``\\uXXXX`` is special."""
    return re.sub(r"\\u([0-9a-f]{4})", lambda found: str(json.loads(f'"{found[0]}"')), written)


ROWS = list(tables())
FOLDED = [row for row in ROWS if "Folded" in row]
DECIDED = [row for row in ROWS if "Context" in row]
MATCHED = [row for row in ROWS if "Message" in row and "Context" not in row]
CLAIMED = [row for row in ROWS if "Claim" in row]


@pytest.fixture(scope="module")
def rules() -> Rules:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    return read_rules(block)


@pytest.mark.parametrize("row", FOLDED, ids=lambda row: row["Written"][0])
def test_a_text_folds_as_documented(row: dict[str, list[str]]) -> None:
    assert fold(row["Written"][0]).tokens == row["Folded"][0].split()


@pytest.mark.parametrize("row", MATCHED, ids=lambda row: row["Message"][0])
def test_a_message_matches_as_documented(rules: Rules, row: dict[str, list[str]]) -> None:
    number = row.get("Number", ["shared"])[0]

    result = evaluate(rules, {"id": "1", "number": number, "text": row["Message"][0]}, 0, AT)

    found = " ".join(str(result[name] or "-") for name in ("tenant", "keyword", "class"))
    assert found.replace("- - -", "nobody") == row["Result"][0]


@pytest.mark.parametrize("row", DECIDED, ids=lambda row: row["Message"][0])
def test_a_message_is_decided_as_documented(rules: Rules, row: dict[str, list[str]]) -> None:
    contexts = [_context(place, written) for place, written in enumerate(row["Context"])]
    message = {"id": "1", "number": "shared", "text": row["Message"][0], "contexts": contexts}

    result = evaluate(rules, message, 0, AT)

    assert f"{result['rule']} {result['tenant'] or '-'}" == row["Result"][0]


def _context(place: int, written: str) -> dict[str, object]:
    """The later it stands in the cell, the fresher it is."""
    asks, here = ASKS.fullmatch(written), WAS_HERE.fullmatch(written)
    if asks:
        return {"tenant": asks[1], "kind": "question", "expected": asks[2], "age": 60 - place, "lifetime": 3_600}
    assert here is not None
    return {"tenant": here[1], "kind": "recent", "age": 60 - place, "lifetime": 3_600}


@pytest.mark.parametrize("row", CLAIMED, ids=lambda row: row["Claim"][0])
def test_a_claim_is_judged_as_documented(rules: Rules, row: dict[str, list[str]]) -> None:
    claim, _, start = row["Claim"][0].partition(" from ")
    claim, _, number = claim.partition(" on ")
    tenant, word = claim.split(" ", 1)

    verdict = check(
        rules, {"number": number or "shared", "tenant": tenant, "word": word, "active_from": start or None}, 0
    )

    assert f"{verdict['verdict']} {verdict['code']}" == row["Result"][0]


def test_the_example_inside_the_prose_holds(rules: Rules) -> None:
    result = evaluate(rules, {"id": "1", "number": "owned", "text": "reparar calderas"}, 0, AT)

    assert (result["keyword"], result["sub_keyword"]) == ("REPARAR", "CALEFACCIÓN")


def test_all_four_tables_are_read() -> None:
    assert [len(rows) > 10 for rows in (FOLDED, MATCHED, DECIDED, CLAIMED)] == [True] * 4
