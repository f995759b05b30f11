"""The judge judged: it must see what a careless router would do."""

from collections.abc import Sequence

import pytest

from tests.crash.judge import Findings, judge

ANN, BOB = "+447700900001", "+447700900002"
REPLIES = {"WIN": "You win", "CARS": "A dealer"}


def mo(sender: str, text: str = "WIN") -> dict[str, object]:
    return {"kind": "mo", "sender": sender, "text": text}


def mt(recipient: str, text: str = "You win: code ABC-DEF", is_repeat: bool = False) -> dict[str, object]:
    return {"kind": "mt", "recipient": recipient, "text": text, "is_repeat": is_repeat}


def test_one_answer_for_each_message_is_clean() -> None:
    records = [mo(ANN), mt(ANN), mo(BOB, "CARS"), mt(BOB, "A dealer calls"), mt(ANN, is_repeat=True)]

    findings = judge(records, REPLIES)

    assert (findings.is_clean, findings.repeats) == (True, 1)


@pytest.mark.parametrize(
    ("field", "records"),
    [
        ("lost", [mo(ANN)]),
        ("doubled_mts", [mo(ANN), mt(ANN), mt(ANN)]),
        ("doubled_coupons", [mo(ANN), mt(ANN), mo(BOB), mt(BOB)]),
        ("wrong_replies", [mo(ANN, "CARS"), mt(ANN)]),
    ],
)
def test_each_kind_of_damage_is_found(field: str, records: Sequence[dict[str, object]]) -> None:
    findings: Findings = judge(records, REPLIES)

    assert len(getattr(findings, field)) == 1
    assert not findings.is_clean
