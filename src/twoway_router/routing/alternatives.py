"""Free words near one that is refused, each judged as a claim. Called by ``keywords`` for refusals only."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from twoway_router.routing.claims import Claim, Verdict, VerdictKind, judge_spelling
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.text import fold
from twoway_router.routing.types import VerdictCode
from twoway_router.routing.word_faults import LONGEST, ends_messages

MOST: Final = 3
_AROUND: Final = ("{}", "MY{}", "GO{}", "{}CLUB", "{}XL", "TEAM{}", "{}2GO", "{}24", "{}365", "CLUB{}")
_LONGEST_ADDED: Final = 4
_NONE_NEAR: Final = frozenset(
    (
        VerdictCode.OWN_ALIAS,
        VerdictCode.OFFENSIVE,
        VerdictCode.BARRED,
        VerdictCode.BRAND,
    )
)
"""What is wrong with these would be wrong with what is near them, or the tenant has the word already."""


def alternatives(tables: Sequence[RoutingTable], claim: Claim) -> tuple[str, ...]:
    """A few words near the first one that a claim is refused for, which all tables would accept in its place.

    Those come first that no keyword of another tenant is the beginning of.
    """
    judged = ((word, _verdicts(tables, claim, word)) for word in claim.spellings)
    refused, verdicts = next((each for each in judged if _is_refused(each[1])), (claim.spellings[0], []))
    entries = [entry for table in tables if (entry := table.entry(claim.number_id)) is not None]
    if any(ends_messages(entry, fold(refused)) for entry in entries):
        return ()
    if any(verdict.code in _NONE_NEAR for verdict in verdicts):
        return ()
    found: list[tuple[bool, str]] = []
    for word in _near(refused):
        verdicts = _verdicts(tables, claim, word)
        if _is_accepted(verdicts):
            found.append((any(each.code is VerdictCode.LONGER_WORD for each in verdicts), word))
            if sum(not is_longer for is_longer, _ in found) == MOST:
                break
    return tuple(word for _, word in sorted(found, key=lambda each: each[0])[:MOST])


def _near(spelling: str) -> Iterator[str]:
    """The word with something before or behind it; without what nobody can see or type."""
    bare = "".join(filter(str.isalnum, spelling.upper()))[: LONGEST - _LONGEST_ADDED]
    if bare:
        yield from (near for pattern in _AROUND if (near := pattern.format(bare)) != spelling)


def _is_refused(verdicts: Sequence[Verdict]) -> bool:
    return any(each.kind in (VerdictKind.REFUSE, VerdictKind.OVERRIDE_NEEDED) for each in verdicts)


def _is_accepted(verdicts: Sequence[Verdict]) -> bool:
    return bool(verdicts) and all(each.kind is VerdictKind.ACCEPT for each in verdicts)


def _verdicts(tables: Sequence[RoutingTable], claim: Claim, word: str) -> list[Verdict]:
    """What the tables that have the number say of the word in the place of the claim's."""
    asked = replace(claim, spellings=(word,), is_override=False)
    entries = [(table, entry) for table in tables if (entry := table.entry(claim.number_id)) is not None]
    return [judge_spelling(table, entry, asked, word, lists_moves=False) for table, entry in entries]
