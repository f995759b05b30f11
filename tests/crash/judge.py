"""The crash test's judge: reads nothing but the simulated carrier's own journal, which was flushed before every answer.

An MO that the carrier saw acknowledged must have led to exactly one MT, of the right tenant, with a coupon of its own.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

COUPON: Final = re.compile(r"code ([A-Z0-9-]{6,})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """What the journal says. Each list holds senders, except ``doubled_coupons``, which holds codes."""

    acknowledged: int
    mts: int
    repeats: int
    coupons: int
    lost: Sequence[str]
    doubled_mts: Sequence[str]
    doubled_coupons: Sequence[str]
    wrong_replies: Sequence[str]

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled_mts or self.doubled_coupons or self.wrong_replies)

    def __str__(self) -> str:
        return (
            f"{self.acknowledged} MOs acknowledged, {self.mts} MTs and {self.repeats} recognised repeats, "
            f"{self.coupons} coupons: {len(self.lost)} lost, {len(self.doubled_mts)} doubled MTs, "
            f"{len(self.doubled_coupons)} doubled coupons, {len(self.wrong_replies)} wrong replies"
        )


def judge(records: Iterable[Mapping[str, object]], replies: Mapping[str, str]) -> Findings:
    """``replies`` says how the MT begins that a text must lead to. Every sender has sent one MO."""
    asked: dict[str, str] = {}
    answered: defaultdict[str, list[str]] = defaultdict(list)
    repeats = 0
    for record in records:
        if record["kind"] == "mo":
            asked[str(record["sender"])] = str(record["text"])
        elif record["is_repeat"]:
            repeats += 1
        else:
            answered[str(record["recipient"])].append(str(record["text"]))
    holders: defaultdict[str, set[str]] = defaultdict(set)
    for recipient, texts in answered.items():
        for text in texts:
            for code in COUPON.findall(text):
                holders[code].add(recipient)
    return Findings(
        acknowledged=len(asked),
        mts=sum(map(len, answered.values())),
        repeats=repeats,
        coupons=len(holders),
        lost=[sender for sender in asked if sender not in answered],
        doubled_mts=[recipient for recipient, texts in answered.items() if len(texts) > 1],
        doubled_coupons=[code for code, people in holders.items() if len(people) > 1],
        wrong_replies=[
            sender
            for sender, text in asked.items()
            if any(not reply.startswith(replies[text]) for reply in answered.get(sender, ()))
        ],
    )
