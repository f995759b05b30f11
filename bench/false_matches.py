"""Count messages that reach a tenant without being meant for one: ``python -m bench.false_matches CORPUS WORDS``.

The corpus is a file of messages between people, none of them meant for a keyword: one a line, or JSON lines with a
``text``, or a label and a text with a tab between them (``--label ham`` keeps one label). WORDS is a list of words of the
same language, the commonest first, of which a registry is made up; every word goes through the same verdicts as a real
claim. Neither is part of this project: docs/routing.md says which were used.
"""

import argparse
import json
import random
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from bench.match_world import AT
from twoway_router.domain.ids import KeywordId, NumberId, TenantId
from twoway_router.domain.messages import Sharing
from twoway_router.routing.claims import Claim, VerdictKind, judge_claim
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.plan import choose_route
from twoway_router.routing.types import Decision, KeywordRules, NumberRules, RouteOutcome, RouteRequest

CLASSES = ("1", "1.5", "2", "glued", "3", "4", "advert")
LONGEST_LEFT_OUT = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Registry:
    """The table, the words as claimed, and how many claims each verdict got."""

    table: RoutingTable
    number: NumberRules
    words: Sequence[str]
    verdicts: Counter[str]


def read_corpus(path: Path, label: str | None) -> list[str]:
    """The texts of a corpus, without empty ones."""
    texts = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("{"):
            texts.append(str(json.loads(line)["text"]))
            continue
        kind, tab, text = line.partition("\t")
        if not tab:
            texts.append(line)
        elif label in (None, kind):
            texts.append(text)
    return [text for text in texts if text.strip()]


def some_words(words: Sequence[str], chance: random.Random) -> Iterator[str]:
    """Keywords as firms choose them: of twenty, twelve words, three compounds, three phrases of two words, two codes."""
    while True:
        kind, one, other = chance.randrange(20), chance.choice(words), chance.choice(words)
        match kind:
            case 12 | 13 | 14:
                yield f"{one}{other}"
            case 15 | 16 | 17:
                yield f"{one} {other}"
            case 18 | 19:
                yield f"{one}{chance.randrange(100)}"
            case _:
                yield one


def register(words: Sequence[str], count: int, languages: tuple[str, ...]) -> Registry:
    """Claim words, each for a tenant of its own, until so many are registered. Operators override nothing."""
    number = NumberRules(
        number_id=NumberId(UUID(int=1)), country="GB", address="12345", sharing=Sharing.SHARED, languages=languages
    )
    table, kept, verdicts = RoutingTable.build([number], ()), list[str](), Counter[str]()
    for place, word in enumerate(
        some_words([word for word in words if len(word) > LONGEST_LEFT_OUT], random.Random(3))
    ):
        if len(kept) == count:
            break
        tenant_id = TenantId(UUID(int=1 << 64 | place))
        claim = Claim(number_id=number.number_id, tenant_id=tenant_id, spellings=(word.upper(),))
        verdict = judge_claim(table, claim)
        verdicts[verdict.kind.value] += 1
        if verdict.kind in (VerdictKind.ACCEPT, VerdictKind.WARN):
            keyword_id = KeywordId(UUID(int=2 << 64 | place))
            table.put_keyword(
                KeywordRules(
                    keyword_id=keyword_id,
                    tenant_id=tenant_id,
                    number_id=number.number_id,
                    spellings=claim.spellings,
                )
            )
            kept.append(word)
    return Registry(table=table, number=number, words=kept, verdicts=verdicts)


def route_all(registry: Registry, texts: Sequence[str]) -> tuple[list[Decision], list[float]]:
    """Every decision, and the microseconds that each took, sorted."""
    decisions, taken = [], []
    for text in texts:
        request = RouteRequest(number_id=registry.number.number_id, sender="", text=text, at=AT)
        start = time.perf_counter_ns()
        decisions.append(choose_route(registry.table, request))
        taken.append((time.perf_counter_ns() - start) / 1_000)
    return decisions, sorted(taken)


def plain_ways(registry: Registry, texts: Sequence[str]) -> Iterator[tuple[str, int]]:
    """What simpler rules would do with the same registry, to compare with."""
    words = {word for word in registry.words if " " not in word}
    firsts = [found[0].lower() if (found := re.search(r"\w+", text)) else "" for text in texts]
    yield "first word equal", sum(first in words for first in firsts)
    beginnings = re.compile("|".join(map(re.escape, registry.words)))
    yield "beginning equal, no boundary", sum(beginnings.match(text.lstrip().lower()) is not None for text in texts)


def report(registry: Registry, texts: Sequence[str]) -> Iterator[str]:
    decisions, taken = route_all(registry, texts)
    by_class = Counter(
        (each.match_class, "with text after it" if each.rest else "whole message")
        for each in decisions
        if each.outcome is RouteOutcome.KEYWORD
    )
    outcomes = Counter(each.outcome.value for each in decisions)
    yield f"{len(texts):,} messages, {len(registry.words):,} keywords; claims: {dict(registry.verdicts)}"
    yield f"decision p50 / p99: {taken[len(taken) // 2]:.1f} / {taken[len(taken) * 99 // 100]:.1f} µs"
    yield "\n| reached a tenant by class | whole message | with text after it | share |\n|---|---|---|---|"
    for name in CLASSES:
        whole, more = by_class[name, "whole message"], by_class[name, "with text after it"]
        yield f"| {name} | {whole} | {more} | {(whole + more) / len(texts):.2%} |"
    total = sum(by_class.values())
    whole = sum(count for (_, how), count in by_class.items() if how == "whole message")
    yield f"| all | {whole} | {total - whole} | {total / len(texts):.2%} |"
    yield f"\noutcomes: {dict(outcomes)}"
    for name, count in plain_ways(registry, texts):
        yield f"{name}: {count} ({count / len(texts):.2%})"
    hits = Counter(each.word for each in decisions if each.outcome is RouteOutcome.KEYWORD)
    yield "most often: " + ", ".join(f"{word} {count}" for word, count in hits.most_common(12))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("words", type=Path)
    parser.add_argument("--label")
    parser.add_argument("--keywords", type=int, default=10_000)
    parser.add_argument("--languages", default="en", help="of the number, whose common words are reserved: en,es")
    given = parser.parse_args()
    words = given.words.read_text(encoding="utf-8").split()
    registry = register(words, given.keywords, tuple(given.languages.split(",")))
    print("\n".join(report(registry, read_corpus(given.corpus, given.label))))


if __name__ == "__main__":
    main()
