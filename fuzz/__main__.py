"""``python -m fuzz [--seconds N] [--lanes N] [TARGET …]`` fuzzes; ``--reproduce TARGET FILE`` runs one input again.

Each target gets its seconds in a process of its own. What was found interesting is kept in .fuzz/corpus for the next
run, what broke a target in .fuzz/crashes.
"""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from fuzz.targets import TARGETS

ROOT: Final = Path(__file__).resolve().parent.parent
CORPUS: Final = ROOT / ".fuzz" / "corpus"
CRASHES: Final = ROOT / ".fuzz" / "crashes"
INPUT_SECONDS: Final = 10
"""After which libFuzzer gives an input up; it then counts as a crash."""

MEMORY_MB: Final = 1024
START_SECONDS: Final = 120
RUNS: Final = re.compile(r"(?:Done |^#)(\d+)\b", re.MULTILINE)
COVERED: Final = re.compile(r"cov: (\d+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """How a target fared. ``crashes`` are the inputs that broke it."""

    name: str
    runs: int
    covered: int
    crashes: Sequence[Path]
    output: str

    @property
    def is_good(self) -> bool:
        return self.runs > 0 and not self.crashes


def main() -> int:
    """0 when every target held."""
    arguments = _arguments()
    if arguments.reproduce:
        name, file = arguments.reproduce
        TARGETS[name].check(Path(file).read_bytes())
        print(f"{name} holds on {file}")
        return 0
    names = arguments.targets or list(TARGETS)
    if unknown := [name for name in names if name not in TARGETS]:
        sys.exit(f"there is no target {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    with ThreadPoolExecutor(arguments.lanes) as lanes:
        results = list(lanes.map(lambda name: _fuzz(name, arguments.seconds), names))
    failed = [result for result in results if not result.is_good]
    for result in failed:
        _tell(result)
    print(f"{len(results)} targets, {sum(result.runs for result in results)} executions, {len(failed)} broken")
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description="Fuzz what reads bytes of strangers.")
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help=f"one of {', '.join(TARGETS)}; all of them if none"
    )
    parser.add_argument("--seconds", type=int, default=20, help="for each target")
    parser.add_argument("--lanes", type=int, default=1, help="targets at the same time")
    parser.add_argument("--reproduce", nargs=2, metavar=("TARGET", "FILE"), help="run one input again, without atheris")
    return parser.parse_args()


def _fuzz(name: str, seconds: int) -> Result:
    corpus, crashes = CORPUS / name, CRASHES / name
    for folder in (corpus, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    for seed in TARGETS[name].seeds():
        (corpus / sha256(seed).hexdigest()[:40]).write_bytes(seed)
    before = set(crashes.iterdir())
    options = (f"-max_total_time={seconds}", f"-timeout={INPUT_SECONDS}", f"-rss_limit_mb={MEMORY_MB}")
    done = subprocess.run(
        [sys.executable, "-m", "fuzz.worker", name, *options, f"-artifact_prefix={crashes}{os.sep}", str(corpus)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=seconds + START_SECONDS + INPUT_SECONDS,
        check=False,
    )
    output = done.stdout.decode("utf-8", "replace")
    runs, covered = RUNS.findall(output), COVERED.findall(output)
    result = Result(
        name=name,
        runs=int(runs[-1]) if runs else 0,
        covered=int(covered[-1]) if covered else 0,
        crashes=sorted(set(crashes.iterdir()) - before),
        output=output,
    )
    print(f"{'✓' if result.is_good else '✗'} {name}: {result.runs} executions, {result.covered} edges", flush=True)
    return result


def _tell(result: Result) -> None:
    print(f"\n── {result.name}\n{result.output[-4000:].rstrip()}")
    for crash in result.crashes:
        print(f"\nAgain: {sys.executable} -m fuzz --reproduce {result.name} {crash.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
