"""The keys of a number that are like a given one: an edit away, longer, or with digits for letters. Used by ``collisions``.

Made for a number when the first claim on it is judged, and kept current from then on, so that a later claim costs the
same however many keywords there are. Messages never need it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from twoway_router.routing.other_spellings import digit_readings, is_one_edit
from twoway_router.routing.text import Folded


class SimilarKeys:
    """The keys of one number in order, the phrases by their first words, the keys with digits by what they look like."""

    __slots__ = ("_heads", "_keys", "_readings")

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._heads: dict[str, list[int]] = {}
        self._readings: dict[str, list[int]] = {}

    def settle(self) -> None:
        """Put what was added unsorted in order."""
        self._keys = sorted(set(self._keys))

    def add_unsorted(self, form: Folded, spelling: int) -> None:
        """Take in one spelling while building; ``settle`` afterwards."""
        self._keys.append(form.key)
        self._add_parts(form, spelling)

    def add(self, form: Folded, spelling: int) -> None:
        key = form.key
        at = bisect_left(self._keys, key)
        if at == len(self._keys) or self._keys[at] != key:
            self._keys.insert(at, key)
        self._add_parts(form, spelling)

    def _add_parts(self, form: Folded, spelling: int) -> None:
        for head in _heads(form):
            self._heads.setdefault(head, []).append(spelling)
        for reading in digit_readings(form.key):
            self._readings.setdefault(reading, []).append(spelling)

    def remove(self, form: Folded, spelling: int, *, is_last: bool) -> None:
        """Forget a spelling, and its key if nobody else has it."""
        if is_last:
            del self._keys[bisect_left(self._keys, form.key)]
        for head in _heads(form):
            self._heads[head].remove(spelling)
        for reading in digit_readings(form.key):
            self._readings[reading].remove(spelling)

    def phrases(self, head: str) -> Sequence[int]:
        """Spelling rows of the phrases whose first words join to this."""
        return self._heads.get(head, ())

    def read_as(self, key: str) -> Sequence[int]:
        """Spelling rows of the keys that are this one with digits for letters."""
        return self._readings.get(key, ())

    def longer_than(self, key: str, at_most: int) -> Sequence[str]:
        """Known keys that begin with this one and go on; no more than so many, so that a claim's cost has a bound."""
        first = bisect_right(self._keys, key)
        end = bisect_left(self._keys, key + chr(0x10FFFF), first)
        return self._keys[first : min(end, first + at_most)]

    def one_edit_from(self, key: str) -> Iterator[str]:
        """Every known key one edit away, in order of place and letter.

        Walks the sorted keys letter by letter, so that only letters are tried that stand at that place in some key.
        """
        known: dict[str, None] = {}
        for place, letter in enumerate(key):
            before, behind = key[:place], key[place + 1 :]
            known[before + behind] = known[before + behind[:1] + letter + behind[1:]] = None
        low, high = 0, len(self._keys)
        for place in range(len(key) + 1):
            before, wanted = key[:place], key[place : place + 1]
            low_next = high_next = high
            for letter, first, end in self._letters(before, low, high):
                if letter == wanted:
                    low_next, high_next = first, end
                else:
                    known[before + letter + key[place + 1 :]] = None
                known[before + letter + key[place:]] = None
            low, high = low_next, high_next
            if low == high:
                break
        for other in known:
            at = bisect_left(self._keys, other)
            if self._keys[at : at + 1] == [other] and is_one_edit(other, key):
                yield other

    def _letters(self, before: str, low: int, high: int) -> Iterator[tuple[str, int, int]]:
        """The letters that follow a beginning in keys low to high, each with the keys that it begins."""
        keys, place = self._keys, len(before)
        while low < high:
            letter = keys[low][place : place + 1]
            end = bisect_left(keys, before + chr(ord(letter) + 1), low, high) if letter else low + 1
            if letter:
                yield letter, low, end
            low = end


def _heads(form: Folded) -> Iterator[str]:
    """The beginnings of a phrase that end where a word does."""
    head = ""
    for place, token in enumerate(form.tokens[:-1]):
        head += token
        if form.parts_words(place):
            yield head
