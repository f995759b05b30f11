"""Shared by the set-up scripts: print progress, run a command, fill a folder that is complete or absent."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
SLOW_SECONDS = 1.0
REPEAT_SECONDS = 5.0


def say(text: str) -> None:
    print(f"· {text}", file=sys.stderr, flush=True)


def give_up(text: str) -> NoReturn:
    print(f"✗ {text}", file=sys.stderr, flush=True)
    raise SystemExit(1)


def run(command: Sequence[str], *, what: str, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> str:
    """The standard output of a command. Prints how long it takes when that is long, and the output only when it fails."""
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(
            command, cwd=cwd, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        wait_seconds = SLOW_SECONDS
        while process.poll() is None:
            try:
                process.wait(wait_seconds)
            except subprocess.TimeoutExpired:
                say(f"{what} … {time.monotonic() - began:.0f} s")
                wait_seconds = REPEAT_SECONDS
        out.seek(0)
        err.seek(0)
        printed = out.read()
        if process.returncode != 0:
            give_up(f"{what} failed: {' '.join(command)}\n{printed[-3000:]}{err.read()[-3000:]}")
    if time.monotonic() - began > SLOW_SECONDS:
        say(f"{what}: done in {time.monotonic() - began:.0f} s")
    return printed


@contextmanager
def folder_appears(target: Path) -> Iterator[Path]:
    """A folder to fill; it gets its name only when the block succeeds."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f"{target.name}.unfinished-", dir=target.parent))
    unfinished.chmod(0o755)
    try:
        yield unfinished
        if target.exists():
            shutil.rmtree(target)
        unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def require_sha256(file: Path, expected: str) -> None:
    actual = hashlib.sha256(file.read_bytes()).hexdigest()
    if actual != expected:
        give_up(f"{file.name} has sha256 {actual}, expected {expected}: not used. Try again; if it stays, report it.")
