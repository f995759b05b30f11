"""Messages as people send them, by language in ``unseen``: whom they are meant for stood there before the router saw them."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import yaml

from twoway_router.rulesets.file import Rules, evaluate, read_rules

UNSEEN: Final = Path(__file__).parent / "unseen"
AT: Final = datetime(2026, 6, 1, tzinfo=UTC)


class Line(NamedTuple):
    """A message, whom it is meant for, and where it went."""

    language: str
    text: str
    meant: str
    got: str

    @property
    def is_right(self) -> bool:
        return self.meant == self.got


@cache
def lines() -> tuple[Line, ...]:
    rules = read_rules((UNSEEN / "rules.yaml").read_text(encoding="utf-8"))
    found = []
    for path in sorted(UNSEEN.glob("??.yaml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8")):
            for text, meant in group["rows"]:
                message = {"id": "1", "number": group["number"], "text": text, "contexts": group.get("contexts", [])}
                found.append(Line(path.stem, text, meant, _recipient(rules, message)))
    return tuple(found)


def _recipient(rules: Rules, message: dict[str, object]) -> str:
    result = evaluate(rules, message, 0, AT)
    if result["outcome"] in ("opt_out", "help", "opt_in"):
        return str(result["outcome"])
    return str(result["tenant"] or "nobody")


def test_there_are_enough_messages_in_enough_languages() -> None:
    assert len(lines()) >= 400
    assert len({line.language for line in lines()}) >= 12


def test_at_least_98_of_100_go_where_they_are_meant_to() -> None:
    wrong = [line for line in lines() if not line.is_right]

    assert len(wrong) <= 0.02 * len(lines()), wrong


def test_no_tenant_gets_what_is_not_meant_for_it() -> None:
    assert not [line for line in lines() if line.got.isupper() and not line.is_right]


def test_at_least_95_of_100_opt_outs_are_taken_for_one() -> None:
    opt_outs = [line for line in lines() if line.meant == "opt_out"]
    missed = [line for line in opt_outs if not line.is_right]

    assert len(missed) <= 0.05 * len(opt_outs), missed


def test_hardly_any_other_message_opts_out() -> None:
    others = [line for line in lines() if line.meant != "opt_out"]
    false = [line for line in others if line.got == "opt_out"]

    assert len(false) <= 0.005 * len(others), false
