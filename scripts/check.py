"""Runs `make check`: the static checks and the fast tests, two at a time, one line per check, output only of failures.

Run in the project's environment by the Makefile.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from steps import ROOT, say

BIN = os.path.dirname(sys.executable)  # noqa: PTH120 (the environment's folder, its links unresolved)
AT_ONCE = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    name: str
    command: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    check: Check
    passed: bool
    seconds: float
    output: str


FAST_TESTS = tuple(folder for folder in ("tests/unit", "tests/carriers", "tests/helm") if (ROOT / folder).exists())
CHECKS = (  # the slow ones first, so that the two lanes end together
    Check(name="fast tests", command=("pytest", "-q", "-p", "no:cacheprovider", "-m", "not drill", *FAST_TESTS)),
    Check(name="types", command=("mypy",)),
    Check(name="migrations match the tables", command=("twoway-router", "migrate", "check")),
    Check(name="openapi file is up to date", command=("twoway-router", "openapi", "--check")),
    Check(name="unused and missing dependencies", command=("deptry", "src")),
    Check(name="architecture", command=("lint-imports",)),
    Check(name="style", command=("ruff", "check")),
    Check(name="format", command=("ruff", "format", "--check")),
    Check(name="Dockerfile", command=("hadolint", "Dockerfile")),
)


def main() -> int:
    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as lanes:
        results = list(lanes.map(run_check, CHECKS))
    failed = [result for result in results if not result.passed]
    for result in failed:
        print(f"\n── {result.check.name}: {' '.join(result.check.command)}\n{result.output.rstrip()}")
    print(f"\n{len(results) - len(failed)} checks passed, {len(failed)} failed in {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


def run_check(check: Check) -> Result:
    began = time.monotonic()
    environment = {**os.environ, "PATH": os.pathsep.join([BIN, os.environ.get("PATH", os.defpath)])}
    done = subprocess.run(
        check.command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    result = Result(
        check=check, passed=done.returncode == 0, seconds=time.monotonic() - began, output=done.stdout[-20_000:]
    )
    say(f"{'✓' if result.passed else '✗'} {check.name} ({result.seconds:.0f} s)")
    return result


if __name__ == "__main__":
    sys.exit(main())
