"""The routing table's compact columns: what is known of a keyword and its spellings, in arrays. Used by ``index`` only.

Plain objects would cost twice the memory: at a million keywords a row here is about 70 bytes.
"""

from array import array
from bisect import bisect_left
from uuid import UUID, SafeUUID

_NONE = 0xFFFF_FFFF
_LONGEST_DISPLAY = 1_000
_new_uuid = object.__new__
_set_field = object.__setattr__
_UNKNOWN_SAFETY = SafeUUID.unknown


class Ids:
    """From a keyword's id to its row: sorted arrays for what was built, a dictionary for what came later."""

    __slots__ = ("_hashes", "_later", "_rows")

    def __init__(self) -> None:
        self._hashes = array("Q")
        self._rows = array("I")
        self._later: dict[int, int] = {}

    def settle(self, ids: bytearray) -> None:
        """Take all rows as they stand now; called once, at the end of a build."""
        count = len(ids) // 16
        hashes = [int.from_bytes(ids[16 * row + 8 : 16 * row + 16], "big") for row in range(count)]
        order = sorted(range(count), key=hashes.__getitem__)
        self._rows = array("I", order)
        self._hashes = array("Q", (hashes[row] for row in order))
        self._later = {}

    def find(self, wanted: UUID, ids: bytearray) -> int | None:
        row = self._later.get(wanted.int)
        if row is not None:
            return None if row == _NONE else row
        low = wanted.int & 0xFFFF_FFFF_FFFF_FFFF
        at = bisect_left(self._hashes, low)
        while at < len(self._hashes) and self._hashes[at] == low:
            row = self._rows[at]
            if ids[16 * row : 16 * row + 16] == wanted.bytes:
                return row
            at += 1
        return None

    def put(self, keyword_id: UUID, row: int | None) -> None:
        self._later[keyword_id.int] = _NONE if row is None else row


class Columns:
    """One row a keyword and one row a spelling. Spellings of one keyword stand together, its word first."""

    __slots__ = (
        "_display",
        "_display_at",
        "_free",
        "count",
        "first",
        "flags",
        "ids",
        "keyword",
        "masks",
        "number",
        "revision",
        "tenant",
    )

    def __init__(self) -> None:
        self.ids = bytearray()
        self.tenant = array("I")
        self.number = array("I")
        self.revision = array("I")
        self.first = array("I")
        self.count = array("H")
        self.flags = array("B")
        self.masks = array("Q")
        self.keyword = array("I")
        self._display = bytearray()
        self._display_at = array("Q")
        self._free: dict[int, list[int]] = {}

    def __len__(self) -> int:
        return len(self.tenant)

    def add(
        self, keyword_id: UUID, tenant: int, number: int, revision: int, flags: int, spellings: list[tuple[str, int]]
    ) -> int:
        """Write one keyword, into the place of a removed one with as many spellings if there is one."""
        free = self._free.get(len(spellings))
        row = free.pop() if free else self._grow(len(spellings))
        self.ids[16 * row : 16 * row + 16] = keyword_id.bytes
        self.tenant[row], self.number[row] = tenant, number
        self.revision[row], self.flags[row] = revision, flags
        for spelling, (display, mask) in enumerate(spellings, self.first[row]):
            self.masks[spelling] = mask
            self.keyword[spelling] = row
            text = display[:_LONGEST_DISPLAY].encode("utf-8", "surrogatepass")
            self._display_at[spelling] = len(self._display) << 16 | len(text)
            self._display += text
        return row

    def _grow(self, spellings: int) -> int:
        self.ids += bytes(16)
        for column in (self.tenant, self.number, self.revision):
            column.append(0)
        self.flags.append(0)
        self.first.append(len(self.masks))
        self.count.append(spellings)
        for _ in range(spellings):
            self.masks.append(0)
            self.keyword.append(0)
            self._display_at.append(0)
        return len(self.tenant) - 1

    def drop(self, row: int) -> None:
        self.ids[16 * row : 16 * row + 16] = bytes(16)
        self._free.setdefault(self.count[row], []).append(row)

    def keyword_id(self, row: int) -> UUID:
        """The id of a keyword row; put together without ``UUID()``, whose checks would be a tenth of a decision."""
        keyword_id = _new_uuid(UUID)
        _set_field(keyword_id, "int", int.from_bytes(self.ids[16 * row : 16 * row + 16], "big"))
        _set_field(keyword_id, "is_safe", _UNKNOWN_SAFETY)
        return keyword_id

    def display(self, spelling: int) -> str:
        packed = self._display_at[spelling]
        start = packed >> 16
        return self._display[start : start + (packed & 0xFFFF)].decode("utf-8", "surrogatepass")

    def spellings(self, row: int) -> range:
        first = self.first[row]
        return range(first, first + self.count[row])
