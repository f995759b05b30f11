"""The case tables: what a message says, on what number, in what conversation, and where it must go."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
import yaml

from twoway_router.rulesets.file import Rules, evaluate, read_rules

CASES = Path(__file__).parent / "cases"
AT = datetime(2026, 6, 1, tzinfo=UTC)
TABLES = ("latin", "more_languages", "scripts", "classes", "guards", "inside", "reserved", "contexts", "spelling")
CAMPAIGN_TABLES = ("tails", "adverts")


def _rows() -> Iterator[object]:
    for table in (*TABLES, *CAMPAIGN_TABLES):
        file = "campaign_rules" if table in CAMPAIGN_TABLES else "rules"
        for place, group in enumerate(yaml.safe_load((CASES / f"{table}.yaml").read_text(encoding="utf-8"))):
            for number, row in enumerate(group["rows"]):
                contexts = group.get("contexts", [])
                yield pytest.param(file, group["number"], contexts, row, id=f"{table}-{place}-{number}")


ROWS = list(_rows())


@cache
def rules_in(file: str) -> Rules:
    return read_rules((CASES / f"{file}.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("file", "number", "contexts", "row"), ROWS)
def test_a_message_goes_where_the_table_says(
    file: str, number: str, contexts: list[object], row: list[str | None]
) -> None:
    text, outcome, tenant, keyword, match_class, rest, sub_keyword, rule = (row + [None] * 3)[:8]
    message = {"id": "1", "number": number, "from": "+34600000009", "text": text, "contexts": contexts}

    result = evaluate(rules_in(file), message, 0, AT)

    expected = {"outcome": outcome, "tenant": tenant, "keyword": keyword, "class": match_class}
    expected |= {
        name: value
        for name, value in (("rest", rest), ("sub_keyword", sub_keyword), ("rule", rule))
        if value is not None
    }
    assert {name: result[name] for name in expected} == expected


def test_the_tables_are_large_enough_to_mean_something() -> None:
    abouts = [
        group["about"]
        for table in TABLES
        for group in yaml.safe_load((CASES / f"{table}.yaml").read_text(encoding="utf-8"))
    ]

    assert len(ROWS) >= 900
    assert len({about[:2] for about in abouts if about[2:3] == ":"}) >= 18
