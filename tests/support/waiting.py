"""Wait for a condition instead of sleeping for a while and hoping."""

import time
from collections.abc import Callable


def wait_until(
    condition: Callable[[], bool], *, what: str, seconds: float = 120.0, every_seconds: float = 0.02
) -> None:
    """Return as soon as the condition holds; fail with `what` when it does not within the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(every_seconds)
