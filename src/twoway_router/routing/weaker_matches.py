"""The weaker matches: look-alike scripts, trimmed signs, look-alike digits, long runs, glued digits, joined words, one edit.

Called by ``choose`` where the words as they stand do not settle it, which few messages need; by ``suggest`` for one edit.
"""

import re
from typing import Final

from twoway_router.domain.ids import TenantId
from twoway_router.routing.characters import is_symbol
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.match import (
    DERIVED,
    DIGIT_LOOK,
    FUZZY,
    GLUED,
    JOINED,
    LOOK_ALIKE,
    Hit,
    guard_text_after,
    live_before_resting,
    rests,
    routable,
)
from twoway_router.routing.number_entries import HAS_SUBS, IS_WHOLE, NumberEntry, Rows, as_rows
from twoway_router.routing.other_spellings import (
    cut_runs,
    digit_look_alikes,
    has_other_script,
    has_run,
    is_sign,
    letters,
    single_edits,
    skeleton,
    weight,
)
from twoway_router.routing.text import WORDS, Folded, boundary_mask
from twoway_router.routing.types import LostBecause

_GLUED: Final = re.compile(r"([^\W\d_]+)[0-9]")
_LATIN: Final = "abcdefghijklmnopqrstuvwxyz"
_LONGEST_EDIT: Final = 16
_FIVE: Final = 5
_NEAREST_SYMBOLS: Final = 3
_LAST_ALPHABET: Final = "\u1700"
"""Past the scripts in which one letter more or less is a slip of the finger."""


def weak_hits(entry: NumberEntry, table: RoutingTable, folded: Folded) -> list[Hit]:
    """Everything that the text spells in a class weaker than re-spaced."""
    hits: list[Hit] = []
    words, places, key = _bare_words(folded)
    is_fuzzy = entry.rules.is_fuzzy and not entry.is_shared and not folded.is_long
    has_looks = "0" in key or "1" in key or has_run(key)
    may_be_joined = entry.with_subs and folded.size == 1 and not folded.is_long
    # Plain words of plain letters, which is what most messages are, have no weaker reading.
    if not (has_looks or is_fuzzy or entry.glued or may_be_joined) and places is None and key.isascii():
        return hits
    if not key.isascii() and has_other_script(key):
        hits += _script_hits(entry, table, folded)
    if places is not None:
        hits += _bare_hits(entry, table, folded, words, places)
    if has_looks:
        hits += _digit_and_run_hits(entry, table, folded, words, places)
    if hits and entry.is_shared and places is not None:
        hits = _unless_others_signs(entry, table, folded, hits)
    if entry.glued:
        hits += _glued_hits(entry, table, folded)
    if may_be_joined:
        glued = [hit.key for hit in hits if hit.match_class == GLUED and not hit.refusal]
        hits += _joined_hits(entry, table, folded.tokens[0], glued)
    if is_fuzzy:
        key = "".join(folded.tokens[: folded.size])
        if rows := one_edit_away(entry, table, key):
            hits.append(Hit(rows, FUZZY, folded.size, True, key))
    return hits


def _bare_words(folded: Folded) -> tuple[list[str], list[int] | None, str]:
    """The tokens without leading symbols and without signs at their edges, how many tokens each one ends, and their key.

    The places are None if nothing was trimmed; the last word takes what signs stand behind it.
    """
    tokens = folded.tokens
    key = "".join(tokens)
    if key.isalnum():
        return tokens, None, key
    first = 0
    while first < len(tokens) and is_symbol(tokens[first]):
        first += 1
    words: list[str] = []
    places: list[int] = []
    for number, token in enumerate(tokens[first:], first + 1):
        start, end = 0, len(token)
        while start < end and is_sign(token[start]):
            start += 1
        while end > start and is_sign(token[end - 1]):
            end -= 1
        if start < end:
            words.append(token[start:end])
            places.append(number)
    if places:
        places[-1] = len(tokens)
    return words, places if words != tokens else None, "".join(words)


def _unless_others_signs(entry: NumberEntry, table: RoutingTable, folded: Folded, hits: list[Hit]) -> list[Hit]:
    """Signs and symbols before a word are passed over, but not where they are another tenant's keyword, or part of it.

    Tried are the whole start and the last three symbols before the first word, each with the words after it: a keyword
    with more symbols than that before its word would have to be spelt from the start.
    """
    tokens = folded.tokens
    lead = next((place for place, token in enumerate(tokens) if not is_symbol(token)), len(tokens))
    owners: set[TenantId] = set()
    for start in {0, *range(max(0, lead - _NEAREST_SYMBOLS), lead)}:
        key = ""
        for token in tokens[start : start + _NEAREST_SYMBOLS + WORDS]:
            key += token
            for spelt in (key, *digit_look_alikes(key), *cut_runs(key)):
                owners.update(map(table.tenant_of, _direct(entry, table, entry.index.get(spelt))))
    return [
        hit
        if hit.refusal or owners <= set(map(table.tenant_of, hit.rows))
        else hit._replace(refusal=LostBecause.OTHERS_SIGN)
        for hit in hits
    ]


def _direct(entry: NumberEntry, table: RoutingTable, found: Rows | None) -> tuple[int, ...]:
    return routable(entry, table, [row for row in as_rows(found) if row >= 0])


def _any(entry: NumberEntry, table: RoutingTable, found: Rows | None) -> tuple[int, ...]:
    """Rows under a key, those whose own key it is before those that only derive it."""
    rows = as_rows(found)
    direct = routable(entry, table, [row for row in rows if row >= 0])
    derived = routable(entry, table, [~row for row in rows if row < 0])
    if direct and (not derived or not rests(table, direct) or rests(table, derived)):
        return direct
    return live_before_resting(table, derived)


def _hit(
    entry: NumberEntry,
    table: RoutingTable,
    folded: Folded,
    rows: tuple[int, ...],
    match_class: str,
    tokens: int,
    key: str,
) -> Hit:
    is_whole = tokens >= folded.size and not folded.is_long
    hit = Hit(rows, match_class, tokens, is_whole, key)
    return hit if is_whole else hit._replace(refusal=guard_text_after(entry, table, folded, hit))


def _script_hits(entry: NumberEntry, table: RoutingTable, folded: Folded) -> list[Hit]:
    """Greek or Cyrillic letters in the place of Latin ones, or the other way round."""
    hits = []
    key = ""
    for number, token in enumerate(folded.tokens, 1):
        key += token
        seen = skeleton(key)
        if seen != key and (rows := _any(entry, table, entry.index.get(seen))):
            mask = boundary_mask(folded.tokens[:number])
            is_same = all(table.columns.masks[row] == mask for row in rows)
            hits.append(_hit(entry, table, folded, rows, LOOK_ALIKE if is_same else DERIVED, number, seen))
    return hits


def _bare_hits(
    entry: NumberEntry, table: RoutingTable, folded: Folded, words: list[str], places: list[int]
) -> list[Hit]:
    """The text without its signs and leading symbols: #pizza, *** pizza ***."""
    hits = []
    key = ""
    for count, (word, place) in enumerate(zip(words, places, strict=True), 1):
        key += word
        if len(key) < 3 or letters(key) < 2 or "".join(folded.tokens[:place]) == key:
            continue
        # Only keywords of the same words: trimming and spacing anew together would mean too many things.
        mask = boundary_mask(words[:count])
        direct = _direct(entry, table, entry.index.get(key))
        if rows := tuple(row for row in direct if table.columns.masks[row] == mask):
            hits.append(_hit(entry, table, folded, rows, DERIVED, place, key))
    return hits


def _digit_and_run_hits(
    entry: NumberEntry, table: RoutingTable, folded: Folded, words: list[str], places: list[int] | None
) -> list[Hit]:
    """Class 4: digits read as letters and runs cut, on the whole message or, on a dedicated number, its first words."""
    shortest = 1 if not entry.is_shared else len(words)
    masks = table.columns.masks
    hits = []
    for count in range(len(words), shortest - 1, -1):
        tokens = count if places is None else places[count - 1] if count else 0
        rows, seen = _rows_of_look_alikes(entry, table, "".join(words[:count]))
        if rows and all(masks[row].bit_count() == count - 1 for row in rows):
            hits.append(_hit(entry, table, folded, rows, DIGIT_LOOK, tokens, seen))
    return hits


def _rows_of_look_alikes(entry: NumberEntry, table: RoutingTable, key: str) -> tuple[tuple[int, ...], str]:
    """What a key spells with its digits read as letters, else with its runs cut, and the key that it is then."""
    if len(key) >= _FIVE and letters(key) >= 2:
        looks = digit_look_alikes(key)
        rows = tuple({row for look in looks for row in _any(entry, table, entry.index.get(look))})
        rows = live_before_resting(table, rows)
        if rows:
            return rows, looks[0]
    found = [(rows, cut) for cut in cut_runs(key) if (rows := _direct(entry, table, entry.index.get(cut)))]
    found = [(rows, cut) for rows, cut in found if not rests(table, rows)] or found
    if not found:
        return (), key
    # The least cut reading counts, unless runs cut otherwise spell words of other tenants: then nobody can win.
    every = tuple({row for rows, _ in found for row in rows})
    return found[0] if len(set(map(table.tenant_of, every))) == 1 else (every, found[0][1])


def _glued_hits(entry: NumberEntry, table: RoutingTable, folded: Folded) -> list[Hit]:
    """A keyword that takes digits without a space (VOTO5), unless another tenant has a longer one of the kind."""
    columns = table.columns
    hits = []
    before = ""
    for number, token in enumerate(folded.tokens, 1):
        found = _GLUED.match(token)
        key = before + found[1] if found else ""
        before += token
        if not found or key not in entry.glued:
            continue
        rows = routable(entry, table, list(entry.glued[key]))
        if not rows:
            continue
        is_whole = number >= folded.size and not folded.is_long
        if is_whole and number == 1:
            # Who holds the word at another time may declare these digits.
            rows = tuple({*rows, *_declaring(entry, table, key, token[len(key) :])})
        refusal = None
        if not is_whole and all(columns.flags[columns.keyword[row]] & IS_WHOLE for row in rows):
            refusal = LostBecause.WHOLE_ONLY
        elif entry.is_shared:
            holders = {columns.tenant[columns.keyword[row]] for row in rows}
            if not holders.issuperset((entry.stems or {}).get(key, ())):
                refusal = LostBecause.OTHERS_DIGITS
            elif letters(key) < 3:
                refusal = LostBecause.TOO_SHORT_DIGITS
        hits.append(Hit(rows, GLUED, number, is_whole, key, refusal, stem=found[1]))
    return hits


def _joined_hits(entry: NumberEntry, table: RoutingTable, word: str, glued: list[str]) -> list[Hit]:
    """A keyword and one of its sub-keywords as one word (VOTEANNA), the longest keyword first; ``glued`` are done."""
    hits = []
    for end in range(len(word) - 1, 0, -1):
        stem, rest = word[:end], word[end:]
        if stem in glued or not (rows := _declaring(entry, table, stem, rest)):
            continue
        refusal = None
        if entry.is_shared:
            if weight(stem) < 3:
                refusal = LostBecause.TOO_SHORT_JOINED
            elif stem[-1].isdigit() and rest[0].isdigit():
                refusal = LostBecause.DIGITS_GO_ON
            elif entry.words.is_reserved(word):
                refusal = LostBecause.WORD_OF_ITS_OWN
        hits.append(Hit(rows, JOINED, 1, True, stem, refusal, stem=stem))
    return hits


def _declaring(entry: NumberEntry, table: RoutingTable, key: str, rest: str) -> tuple[int, ...]:
    """Rows of a key whose keywords have this sub-keyword."""
    columns = table.columns
    return tuple(
        row
        for row in _direct(entry, table, entry.index.get(key))
        if columns.flags[columns.keyword[row]] & HAS_SUBS and rest in table.sub_keys[columns.keyword[row]]
    )


def one_edit_away(entry: NumberEntry, table: RoutingTable, key: str) -> tuple[int, ...]:
    """Rows of the one keyword that this misspells; nothing if the word is known, common, short, or fits several."""
    words = entry.words
    if not _FIVE <= len(key) <= _LONGEST_EDIT or letters(key) < _FIVE or words.is_reserved(key):
        return ()
    if max(key) > _LAST_ALPHABET:
        return ()
    if key.isascii():
        alphabet = _LATIN
    else:
        # A slip of the finger stays on the keyboard: letters of the same block of Unicode as one of the key's.
        blocks = {ord(character) >> 7 for character in key}
        alphabet = "".join(sorted(c for c in entry.alphabet if c.isalpha() and ord(c) >> 7 in blocks))
    found: set[int] = set()
    for edit in filter(entry.index.__contains__, single_edits(key, alphabet)):
        if len(edit) >= _FIVE and not words.is_reserved(edit):
            found.update(_direct(entry, table, entry.index[edit]))
    keywords = {table.columns.keyword[row] for row in found}
    return tuple(sorted(found)) if len(keywords) == 1 else ()
