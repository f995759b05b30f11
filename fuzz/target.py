"""What a fuzz target is: a function of bytes that may refuse them in its declared way only, and its seeds."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

MAX_CPU_SECONDS: Final = 2.0
"""Of one input, instrumented. Without instrumentation none takes a tenth of it."""


class Violation(AssertionError):
    """Something came out that may not, though nothing was raised."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """``run`` raises only when it has found a mistake of ours. No input is longer than ``max_length`` bytes."""

    run: Callable[[bytes], None]
    seeds: Callable[[], Sequence[bytes]]
    max_length: int = 8192

    def check(self, data: bytes) -> None:
        """One input, within its share of the processor."""
        began = time.process_time()
        self.run(data)
        if (spent := time.process_time() - began) > MAX_CPU_SECONDS:
            raise Violation(f"{len(data)} bytes took {spent:.1f} s of the processor")


def demand(holds: bool, what: str) -> None:
    """Raise when it does not hold."""
    if not holds:
        raise Violation(what)
