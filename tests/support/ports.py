"""Ports on which programs under test listen, also again after a kill. Used by all that starts a server on a port it must know.

A port that the kernel chose for a probe can be chosen again, for anyone's outgoing connection, before the server listens
or while it is down. So these come from below the range out of which connections get theirs (32768 and above on Linux, 49152
and above on macOS and by RFC 6335), and none is given out twice by one process.
"""

import random
import socket
from typing import Final

RANGE: Final = range(20_000, 32_000)

_given: Final[set[int]] = set()


def free_ports(count: int) -> list[int]:
    """That many ports on which nobody listens; OSError when the range has no more."""
    found: list[int] = []
    for port in random.sample(RANGE, len(RANGE)):
        if len(found) == count:
            break
        if port not in _given and _is_free(port):
            found.append(port)
    if len(found) < count:
        raise OSError(f"no {count} free ports from {RANGE.start} to {RANGE.stop - 1}: end what listens there")
    _given.update(found)
    return found


def _is_free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False
