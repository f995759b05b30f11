"""One target under atheris, as a process of its own: ``python -m fuzz.worker TARGET [libFuzzer's options and folders]``."""

import sys

try:
    import atheris
except ImportError:
    sys.exit("atheris is not here: use `make fuzz`. It has wheels for CPython 3.11 to 3.13 on Linux (x86-64) only.")

with atheris.instrument_imports(include=["twoway_router", "liquid", "yaml"]):
    from fuzz.targets import TARGETS


def main() -> None:
    """Never returns: libFuzzer ends the process."""
    name, *options = sys.argv[1:]
    target = TARGETS[name]
    atheris.Setup([name, f"-max_len={target.max_length}", *options], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
