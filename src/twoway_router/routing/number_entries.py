"""One number's keywords by their keys, and how a keyword's options are packed. Used all over ``routing``."""

import re
from typing import Final

from twoway_router.domain.messages import Sharing
from twoway_router.routing.similar_keys import SimilarKeys
from twoway_router.routing.types import ClaimState, KeywordRules, MatchMode, NumberRules
from twoway_router.routing.words import Vocabulary, vocabulary

IS_WHOLE: Final = 1
IS_GLUED: Final = 2
HAS_WINDOW: Final = 4
HAS_SUBS: Final = 8
STATES: Final = (
    ClaimState.ACTIVE,
    ClaimState.SUSPENDED,
    ClaimState.RELEASED,
    ClaimState.REQUESTED,
    ClaimState.APPROVED,
)
STEM: Final = re.compile(r"([^\W\d_]+)[0-9]")

Rows = int | tuple[int, ...]


class LooseKeywords:
    """A number's keywords that may stand anywhere in a text, by their tokens, and those for any text. Asked by ``anywhere``.

    ``sizes``: how many tokens the phrases have that begin with a token; a size may outlive its last phrase.
    """

    __slots__ = ("any_word", "phrases", "sizes")

    def __init__(self) -> None:
        self.any_word: tuple[int, ...] = ()
        self.phrases: dict[tuple[str, ...], tuple[int, ...]] = {}
        self.sizes: dict[str, set[int]] = {}

    def put(self, mode: MatchMode, spelling: int, tokens: list[str]) -> None:
        if mode is MatchMode.ANY_WORD:
            self.any_word += (spelling,)
        elif tokens:
            self.phrases[tuple(tokens)] = (*self.phrases.get(tuple(tokens), ()), spelling)
            self.sizes.setdefault(tokens[0], set()).add(len(tokens))

    def take(self, spelling: int, tokens: list[str]) -> None:
        self.any_word = tuple(other for other in self.any_word if other != spelling)
        if left := tuple(other for other in self.phrases.pop(tuple(tokens), ()) if other != spelling):
            self.phrases[tuple(tokens)] = left


class NumberEntry:
    """One number with the keys of its keywords; ``with_subs`` counts those that have sub-keywords."""

    __slots__ = (
        "alphabet",
        "glued",
        "index",
        "is_shared",
        "longest",
        "loose",
        "position",
        "rules",
        "similar",
        "stems",
        "with_subs",
        "words",
    )

    def __init__(self, rules: NumberRules, position: int) -> None:
        self.position = position
        self.index: dict[str, Rows] = {}
        self.longest = 0
        self.alphabet: set[str] = set()
        self.glued: dict[str, tuple[int, ...]] = {}
        self.stems: dict[str, list[int]] | None = None
        self.similar: SimilarKeys | None = None
        self.loose: LooseKeywords | None = None
        self.with_subs = 0
        self.take(rules)

    def take(self, rules: NumberRules) -> None:
        self.rules = rules
        self.is_shared = rules.sharing is Sharing.SHARED
        self.words: Vocabulary = vocabulary(rules.languages)


def pack(keyword: KeywordRules) -> int:
    flags = STATES.index(keyword.state) << 4
    flags |= IS_WHOLE if keyword.is_whole_message else 0
    flags |= IS_GLUED if keyword.is_glued else 0
    flags |= HAS_SUBS if keyword.sub_keywords else 0
    return flags | (HAS_WINDOW if keyword.active_from or keyword.active_until else 0)


def as_rows(found: Rows | None) -> tuple[int, ...]:
    """What stands under a key, as rows."""
    if found is None:
        return ()
    return (found,) if isinstance(found, int) else found


def put(index: dict[str, Rows], key: str, row: int) -> None:
    rows = index.setdefault(key, row)
    if rows is not row:
        index[key] = (rows, row) if isinstance(rows, int) else (*rows, row)


def take(index: dict[str, Rows], key: str, row: int) -> None:
    rows = index.get(key)
    if rows == row:
        del index[key]
    elif isinstance(rows, tuple):
        left = tuple(other for other in rows if other != row)
        index[key] = left[0] if len(left) == 1 else left
