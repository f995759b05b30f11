"""The sub-keyword that the text after a keyword names. Called by ``plan`` once the tenant is certain, so it is lenient."""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from twoway_router.routing.index import RoutingTable
from twoway_router.routing.other_spellings import (
    cut_runs,
    digit_look_alikes,
    is_one_edit,
    letters,
    skeleton,
    without_signs,
)
from twoway_router.routing.text import after, fold, locate


class FoundSubKeyword(NamedTuple):
    """A sub-keyword and the text after it."""

    name: str
    rest: str


def find_sub_keyword(table: RoutingTable, keyword: int, rest: str) -> FoundSubKeyword | None:
    """The sub-keyword at the start of the text: as spelt, then by look-alikes and runs, then by a single edit."""
    known = table.sub_keys.get(keyword)
    if not known or not rest:
        return None
    folded = fold(rest)
    # The longest beginning first. All that are spelt as declared come before any that only looks like one.
    beginnings = [(count, "".join(folded.tokens[:count])) for count in range(len(folded.tokens), 0, -1)]
    for look_up in (known.get, partial(_alike, known)):
        for count, key in beginnings:
            if name := look_up(key):
                end = locate(rest, folded.tokens[:count])[1]
                return FoundSubKeyword(name, after(rest, end))
    return None


def _alike(known: Mapping[str, str], key: str) -> str | None:
    """The one sub-keyword that a look-alike or misspelt key means; None if it may be two."""
    for spelt in (skeleton(key), without_signs(key), *digit_look_alikes(key), *cut_runs(key)):
        if spelt in known:
            return known[spelt]
    if letters(key) < 5 or len(key) > 32:
        return None
    names = {name for own, name in known.items() if letters(own) >= 5 and is_one_edit(own, key)}
    return names.pop() if len(names) == 1 else None
