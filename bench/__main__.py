"""``python -m bench [ingest|path|outbound|match] [options]``: one bench, or all of them one after the other (``make bench``)."""

import subprocess
import sys

from bench import ingest, outbound, path

BENCHES = {"ingest": ingest.main, "path": path.main, "outbound": outbound.main}
NAMES = (*BENCHES, "match")


def main() -> None:
    """Run what is asked for."""
    arguments = sys.argv[1:]
    if arguments and arguments[0] not in NAMES:
        sys.exit(f"there is no bench {arguments[0]}; there are {', '.join(NAMES)}")
    for name in arguments[:1] or NAMES:
        if name in BENCHES:
            BENCHES[name](arguments[1:])
        else:
            subprocess.run([sys.executable, "-m", "bench.match", *arguments[1:]], check=True)


if __name__ == "__main__":
    main()
