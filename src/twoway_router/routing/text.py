"""Fold a text for matching: one form for every way a handset may spell it. First step of ``match``; also makes keys.

Only the head is folded (64 code points, 6 words): a keyword stands at the start of a message. Up to twelve single
letters in a row are one word, for that is how a word is spelt out.
"""

import re
import unicodedata
from typing import Final, NamedTuple

from twoway_router.routing.characters import APOSTROPHES, ASCII_TABLE, EDGE, SPACING_ACCENTS, TABLE, is_symbol

HEAD: Final = 64
WORDS: Final = 6
CLUSTERS: Final = 32
_SPELT_OUT: Final = 12
_TAIL: Final = 512
_JOINER: Final = "\u200d"
_HALF_WIDTH_MARKS: Final = "\uff9e\uff9f\u3099\u309a"

_INVISIBLE: Final = (
    "\x00\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c"
    "\u202d\u202e\u2060\u2061\u2062\u2063\u2064\u2065\u2066\u2067\u2068\u2069\u206a\u206b\u206c\u206d\u206e\u206f\u3164"
    "\ufe0e\ufe0f\ufeff\uffa0"
)
_BLANK: Final = (
    " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680"
    + "".join(map(chr, range(0x2000, 0x200B)))
    + "\u2028\u2029\u202f\u205f\u3000"
)
_LEADING: Final = _BLANK + _INVISIBLE
_SEPARATORS: Final = _LEADING + ".,;:!?-_'\"`)]}/\\|=>~^" + "–—…»”’‚›·،؛؟、。，．：；！？）】」』।॥·•"
_BEFORE_NFKC: Final = {ord(c): "'" for c in APOSTROPHES} | {ord(c): " " for c in SPACING_ACCENTS}
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
# A slash is a sign between digits only (24/7), and a plus behind a word of two letters or more is an encoded space.
_JOINT: Final = re.compile(r"(?<![0-9])/|/(?![0-9])|(?<=[^\W\d_][^\W\d_])\+(?=[^\W_])")
_CLUSTER_RUN: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\ua9e0-\ua9ff\uaa60-\uaa7f\x1f]+")


class Folded(NamedTuple):
    """The head of a text as tokens. A named tuple because one is made for every message.

    ``size`` leaves out trailing symbols; bit i of ``glued`` says that no space stood between tokens i and i + 1;
    ``is_long`` says that more words follow than are folded.
    """

    tokens: list[str]
    size: int
    glued: int
    is_long: bool

    def parts_words(self, place: int) -> bool:
        """Whether a word ends behind this token: at a space, or where an emoji stands on one side."""
        return not self.glued >> place & 1 or is_symbol(self.tokens[place]) or is_symbol(self.tokens[place + 1])

    @property
    def key(self) -> str:
        return "".join(self.tokens)

    @property
    def mask(self) -> int:
        return boundary_mask(self.tokens)


def boundary_mask(tokens: list[str]) -> int:
    """Where words begin inside the joined key, one bit an offset; what does not fit into 64 bits is left out."""
    mask = offset = 0
    for token in tokens[:-1]:
        offset += len(token)
        mask |= 1 << offset
    return mask & 0xFFFF_FFFF_FFFF_FFFF


def fold(text: str) -> Folded:
    """Fold the head of a text. Never fails, whatever the text holds."""
    head = text[:HEAD]
    if not head.isascii() or head[:1] <= " ":
        return _fold_any(text.lstrip(_LEADING))
    # ASCII folds character by character and holds no symbols: one translation does what _fold_any does in many steps.
    spelt = head.translate(ASCII_TABLE)
    if "/" in spelt or "+" in spelt:
        spelt = _JOINT.sub(" ", spelt)
    tokens = spelt.split(None, WORDS)
    count = len(tokens)
    if count > WORDS:
        tokens, is_long = _first_words(tokens, spelt)
        count = len(tokens)
        if is_long:
            return Folded(tokens, count, 0, True)
    if len(text) > HEAD:
        return _cut(text, tokens, 0)
    return Folded(tokens, count, 0, False)


def _fold_any(text: str) -> Folded:
    spelt = fold_string(text[:HEAD])
    if EDGE in spelt:
        tokens, glued, is_long = _split_clusters(spelt)
    else:
        tokens, glued, is_long = spelt.split(None, WORDS), 0, False
        if len(tokens) > WORDS:
            tokens, is_long = _first_words(tokens, spelt)
    if len(text) > HEAD and not is_long:
        return _cut(text, tokens, glued)
    return Folded(tokens, _count(tokens, text), glued, is_long)


def fold_string(head: str) -> str:
    """Fold a short string as a whole; tokens are still one string, parted by spaces and edges."""
    if head.isascii():
        head = head.translate(ASCII_TABLE)
        return _JOINT.sub(" ", head) if "/" in head or "+" in head else head
    # Two halves of a surrogate pair are joined, as a handset meant them; a lone half becomes a replacement character.
    if _SURROGATE.search(head):
        head = head.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    # Before NFKC, which would turn them into a space with an accent: some of them are apostrophes inside words.
    head = head.translate(_BEFORE_NFKC)
    # What is dropped between two characters may let them compose, and the composed one folds anew. Three rounds are
    # enough for all of Unicode. The lengths are bounded because some characters grow: U+FDFA folds to eighteen.
    for _ in range(3):
        if not unicodedata.is_normalized("NFKC", head):
            head = unicodedata.normalize("NFKC", head)[: 2 * HEAD]
        head = head.translate(TABLE)
        if unicodedata.is_normalized("NFKC", head):
            break
    if "/" in head or "+" in head:
        head = _JOINT.sub(" ", head)
    return head[: 6 * HEAD]


def tokens_of(piece: str) -> list[str]:
    """Every token of a piece of text, however many words it has; it is no longer than a head."""
    spelt = fold_string(piece)
    if EDGE not in spelt:
        return spelt.split()
    return _CLUSTER_RUN.sub(lambda run: run[0] + EDGE, spelt).replace(EDGE, " ").split()


def _first_words(tokens: list[str], spelt: str) -> tuple[list[str], bool]:
    """The first words of a text that has more than six, and whether more follow once single letters are put together."""
    # Of two single letters in a row one stands at one of these places.
    if len(tokens[1]) > 1 and len(tokens[3]) > 1 and len(tokens[5]) > 1:
        return tokens[:WORDS], True
    tokens = []
    words = letters = 0
    for token in spelt.split(None, CLUSTERS):
        letters = letters % _SPELT_OUT + 1 if len(token) == 1 and token.isalnum() else 0
        if letters < 2:
            words += 1
        if words > WORDS or len(tokens) == CLUSTERS:
            return tokens, True
        tokens.append(token)
    return tokens, False


def _split_clusters(spelt: str) -> tuple[list[str], int, bool]:
    """Tokens of a text that is not all parted by spaces: its tokens, which of them are glued, and whether more follow."""
    if _CLUSTER_RUN.search(spelt):
        spelt = _CLUSTER_RUN.sub(lambda run: run[0] + EDGE, spelt)
    tokens: list[str] = []
    glued = words = letters = 0
    for word in spelt.split(" "):
        parts = [part for part in word.split(EDGE) if part]
        if not parts:
            continue
        letters = letters % _SPELT_OUT + 1 if len(parts) == len(parts[0]) == 1 and parts[0].isalnum() else 0
        if (words == WORDS and letters < 2) or len(tokens) >= CLUSTERS:
            if all(map(is_symbol, parts)):
                continue
            return tokens[:CLUSTERS], glued, True
        words += letters < 2
        glued |= ((1 << (len(parts) - 1)) - 1) << len(tokens)
        tokens += parts
    is_long = not all(map(is_symbol, tokens[CLUSTERS:]))
    del tokens[CLUSTERS:]
    return tokens, glued, is_long


def _cut(text: str, tokens: list[str], glued: int) -> Folded:
    """The text is longer than its head: the last token may be half a word, and only signs may follow it."""
    text = text.rstrip(_LEADING)
    edge = fold_string(text[HEAD - 1 : HEAD + 1])
    is_half = len(edge) > 1 and " " not in edge and EDGE not in edge
    if is_half and len(tokens) > 1:
        tokens.pop()
        return Folded(tokens, len(tokens), glued, True)
    is_long = is_half or len(text) > HEAD + _TAIL
    if not is_long:
        # Piece by piece, for mostly the first one tells that there is more than symbols behind the head.
        pieces = (fold_string(text[start : start + HEAD]) for start in range(HEAD, len(text), HEAD))
        is_long = any(not is_symbol(token) for piece in pieces for token in piece.replace(EDGE, " ").split())
    return Folded(tokens, len(tokens) if is_long else _count(tokens, text), glued, is_long)


def _count(tokens: list[str], text: str) -> int:
    """How many tokens are left without symbols at the end; of symbols alone the first, unless some are joined into one."""
    count = len(tokens)
    while count and is_symbol(tokens[count - 1]):
        count -= 1
    if count or _JOINER in text:
        return count or len(tokens)
    return min(1, len(tokens))


def locate(text: str, tokens: list[str]) -> tuple[int, int]:
    """Where in the original text the first tokens stand: start and end in code points.

    The end is found by folding ever shorter heads, so that it is right however much folding changed the length.
    """
    head = text[:HEAD]
    if head.isascii():
        if len(tokens) == 1 and head.lower().startswith(tokens[0]):
            return 0, len(tokens[0])
        if found := _locate_ascii(head, tokens):
            return found
    length = sum(map(len, tokens))
    lead = len(text) - len(text.lstrip(_LEADING))
    low, high = lead, min(len(text), lead + HEAD)
    while low < high:
        middle = (low + high) // 2
        spelt = fold_string(text[lead:middle])
        if len(spelt) - spelt.count(" ") - spelt.count(EDGE) >= length:
            high = middle
        else:
            low = middle + 1
    last = min(len(text), lead + HEAD)
    while low < last and _is_attached(text[low]):
        low += 1
    start = lead
    while start < low and not _SURROGATE.match(text[start]) and not fold_string(text[start]).strip(" " + EDGE):
        start += 1
    return start, low


def _locate_ascii(head: str, tokens: list[str]) -> tuple[int, int] | None:
    """The same where folding kept every place: ASCII without an apostrophe."""
    spelt = fold_string(head)
    if len(spelt) != len(head) or not tokens:
        return None
    parts = spelt.split(None, len(tokens))
    if len(parts) < len(tokens):
        return None
    behind = len(parts[len(tokens)]) if len(parts) > len(tokens) else 0
    end = len(spelt[: len(spelt) - behind].rstrip()) - len(parts[len(tokens) - 1].rstrip()) + len(tokens[-1])
    return len(spelt) - len(spelt.lstrip()), end


def _is_attached(character: str) -> bool:
    """Whether it belongs to the character before it: a mark, a joiner, the rest of a Hangul syllable."""
    if character in _HALF_WIDTH_MARKS or "\u1161" <= character <= "\u11ff":
        return True
    return not character.isascii() and character not in APOSTROPHES and not fold_string(character)


def after(text: str, end: int) -> str:
    """The text after a match, untouched but for the separators at its start."""
    # PIZZA+roma, where folding took the plus for a space.
    if text[end : end + 1] == "+" and end and text[end - 1].isalpha() and text[end + 1 : end + 2].isalnum():
        end += 1
    return text[end:].lstrip(_SEPARATORS)
