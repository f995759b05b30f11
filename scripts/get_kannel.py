"""Get the Kannel gateway that `make test-peers` runs beside us; nothing to do when it is on PATH or installed.

As root Debian's package is installed, without starting a service. Otherwise the same packages are downloaded and
unpacked into .tools/kannel: no root, no change to the system.
"""

import os
import shutil
from pathlib import Path

import debian
from steps import TOOLS, give_up, say

UNPACKED = TOOLS / "kannel"
OTHER_WAYS = "Install Kannel 1.4 (bearerbox and smsbox) by the means of your system, so that they are on PATH."


def main() -> None:
    if find_bearerbox() is None:
        debian.get("kannel", into=UNPACKED, otherwise=OTHER_WAYS)
    bearerbox = find_bearerbox()
    if bearerbox is None:
        give_up(f"kannel was fetched but has no bearerbox and smsbox. {OTHER_WAYS}")
    say(f"Kannel: {bearerbox}")


def find_bearerbox() -> Path | None:
    """Debian keeps both boxes in /usr/sbin, which is not on everybody's PATH."""
    folders = [*os.get_exec_path(), "/usr/sbin", str(UNPACKED / "usr/sbin")]
    path = os.pathsep.join(folders)
    both = shutil.which("bearerbox", path=path), shutil.which("smsbox", path=path)
    return Path(both[0]) if both[0] is not None and both[1] is not None else None


if __name__ == "__main__":
    main()
