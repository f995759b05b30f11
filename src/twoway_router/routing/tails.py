"""Whether what stands behind a common word is harmless: a number, a code, a sub-keyword, courtesy, a signature, a quotation.

A common word begins too many sentences to take any text. Called by ``choose`` where the guard against them refuses a match.
"""

import re
from typing import Final

from twoway_router.routing.characters import is_symbol
from twoway_router.routing.frames import Frame, signatures
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.match import Hit
from twoway_router.routing.number_entries import NumberEntry
from twoway_router.routing.other_spellings import is_sign, letters, without_signs
from twoway_router.routing.sentences import plain_words
from twoway_router.routing.text import Folded, fold, locate

_LONGEST_LINE: Final = 80
_LONGEST_CODE: Final = 32
_LONGEST_NUMBER: Final = 20
_SHORTEST_IN_GROUPS: Final = 7
_LONGEST_COURTESY: Final = 8
_LONGEST_NAME: Final = 4
_MOST_LINES: Final = 8
_SHORTEST_SUB: Final = 3
_RULE: Final = re.compile(r"[-–—_=*~]{2}")
_NAME: Final = re.compile(r"[-–—~*] ?[^\W\d]")
_ONE_CODE: Final = re.compile(r"[^\w]*\w+(?:[-_/.,]\w+)*[^\w]*")
_TIME: Final = re.compile(r"(?<!\d)\d{1,2}[.:h]\d{2}(?!\d)")
_QUANTITY: Final = re.compile(
    r"\d{1,2}[^\W\d_]+|\d+(?:am|pm|th|st|nd|rd|hrs?|mins?|km|kg|mg|ml|cm|mm|euros?|eur|usd|gbp|k)"
)
_CHAT: Final = re.compile(r"[^\W\d_]+[248][^\W\d_]+")


def has_harmless_tail(entry: NumberEntry, table: RoutingTable, text: str, folded: Folded, hit: Hit) -> bool:
    """Whether nothing but harmless things stand behind a keyword that begins a text."""
    end = locate(text, folded.tokens[: hit.tokens])[1]
    line, *below = text[end:].splitlines() or [""]
    keywords = {table.columns.keyword[row] for row in hit.rows}
    if len(keywords) == 1 and (subs := table.sub_keys.get(keywords.pop())):
        tokens = fold(line).tokens
        for count in range(len(tokens), 0, -1):
            key = "".join(tokens[:count])
            if key in subs:
                # Behind a sub-keyword any text may stand, but A and IN begin as many sentences as common words do.
                if letters(key) >= _SHORTEST_SUB:
                    return True
                line = line[locate(line, tokens[:count])[1] :]
                break
    return len(line) <= _LONGEST_LINE and _is_harmless(entry.words.frame, line) and _is_signature(below)


def _is_harmless(frame: Frame, line: str) -> bool:
    """One number or one code at most, and courtesy around it."""
    words = [(word, [token for token in fold(word).tokens if not is_symbol(token)]) for word in line.split()]
    words = [(word, tokens) for word, tokens in words if tokens]
    coded = [place for place, (_, tokens) in enumerate(words) if any(map(str.isdigit, "".join(tokens)))]
    before, behind = words, words[:0]
    if coded:
        first, last = coded[0], coded[-1]
        before, behind = words[:first], words[last + 1 :]
        if first == last:
            if not _is_number_or_code(frame, *words[first]):
                return False
        else:
            # A telephone number or a card's, in groups.
            digits = without_signs("".join(token for _, tokens in words[first : last + 1] for token in tokens))
            if not digits.isdecimal() or not _SHORTEST_IN_GROUPS <= len(digits) <= _LONGEST_NUMBER:
                return False
    return all(_is_courtesy(frame, [token for _, tokens in part for token in tokens]) for part in (before, behind))


def _is_number_or_code(frame: Frame, word: str, tokens: list[str]) -> bool:
    key = "".join(tokens)
    if not _ONE_CODE.fullmatch("".join(character for character in word if not is_sign(character))):
        return False
    key = without_signs(key)
    if key.isdecimal():
        return len(key) <= _LONGEST_NUMBER and not (len(tokens) > 1 and _TIME.search(word))
    if not key.isalnum() or len(key) > _LONGEST_CODE or key in frame.not_codes:
        return False
    # "3pm", "2nite", "l8r" and "thanks2" are words.
    return not (_QUANTITY.fullmatch(key) or _CHAT.fullmatch(key)) and key.rstrip("0123456789") not in frame.courtesy


def _is_courtesy(frame: Frame, tokens: list[str]) -> bool:
    """Whether the tokens are courtesy, one phrase after another."""
    ends = {0}
    for end in range(1, len(tokens) + 1):
        starts = (start for start in ends if end - start <= _LONGEST_COURTESY)
        if any("".join(tokens[start:end]) in frame.courtesy for start in starts):
            ends.add(end)
    return len(tokens) in ends


def _is_signature(lines: list[str]) -> bool:
    """Whether the lines below a message are not part of it: a signature, or what it answers."""
    known = signatures()
    words: list[str] = []
    closing = ""
    lines = list(filter(None, map(str.strip, lines)))
    for line in lines[:_MOST_LINES]:
        more = plain_words(line[:_LONGEST_LINE])
        spelt = " ".join(more)
        if not words:
            # A quotation, or the rule above a signature or a forwarded message: whatever follows belongs to it.
            if line.startswith(">") or _RULE.match(line):
                return True
            if not spelt:
                continue
            if len(line) <= _LONGEST_LINE and (spelt.startswith(known.sent) or spelt.endswith(known.sent_last)):
                return True
            if line.endswith(":") and spelt.endswith(known.wrote):
                return True
            closing = next((phrase for phrase in known.closings if f"{spelt} ".startswith(phrase)), "")
            if not closing and not _NAME.match(line):
                return False
        words += more
        if len(words) - closing.count(" ") > _LONGEST_NAME:
            return False
    return len(lines) <= _MOST_LINES
