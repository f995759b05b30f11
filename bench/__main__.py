"""``python -m bench [ingest|path|outbound|match] [options]``: one bench, or all of them one after the other (``make bench``)."""

import sys

from bench import ingest, match, outbound, path

BENCHES = {"ingest": ingest.main, "path": path.main, "outbound": outbound.main, "match": match.main}


def main() -> None:
    """Run what is asked for."""
    arguments = sys.argv[1:]
    if arguments and arguments[0] not in BENCHES:
        sys.exit(f"there is no bench {arguments[0]}; there are {', '.join(BENCHES)}")
    for name in arguments[:1] or BENCHES:
        BENCHES[name](arguments[1:])


if __name__ == "__main__":
    main()
