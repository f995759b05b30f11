"""An append-only file of JSON lines, flushed to the disk before ``append`` returns: what the lab has really received or sent.

Concurrent appends share one flush. The carrier and the sink write it; the crash tests compare the router with it.
"""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import orjson

from twoway_router.store.group_commit import GroupCommit

Record = Mapping[str, object]


class Journal:
    """One open file. Records are in the order of the calls to ``append``."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("ab", buffering=0)
        self._group: GroupCommit[bytes, None] = GroupCommit(self._flush, max_rows=5000, max_in_flight=1)

    async def append(self, record: Record) -> None:
        """Return when the record is on the disk."""
        await self._group.submit(orjson.dumps(record) + b"\n")

    async def close(self) -> None:
        """Wait for what is under way and close the file."""
        await self._group.drain()
        self._file.close()

    async def _flush(self, lines: Sequence[bytes]) -> Sequence[None]:
        await asyncio.get_running_loop().run_in_executor(None, self._write, b"".join(lines))
        return [None] * len(lines)

    def _write(self, block: bytes) -> None:
        rest = memoryview(block)
        while rest:
            rest = rest[self._file.write(rest) or 0 :]
        os.fdatasync(self._file.fileno())


def read_journal(path: Path) -> Iterator[dict[str, object]]:
    """Every complete record. A torn last line is none: its ``append`` never returned."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield orjson.loads(line)
