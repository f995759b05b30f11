"""Run uv, the pinned version, with these arguments: the one on PATH, else one installed under .tools/uv.

Called by the Makefile with nothing but Python 3.11 at hand, so it imports the standard library only. It hands itself over
to uv, which makes the project's environment.
"""

import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

if sys.version_info < (3, 11):
    sys.exit("✗ twoway-router needs Python 3.11 or newer. Name one: make PYTHON=/path/to/python3.11 …")

from steps import ROOT, TOOLS, folder_appears, give_up, run, say

UV_VERSION = "0.13.9"
UV_FOLDER = TOOLS / f"uv-{UV_VERSION}"


def main() -> None:
    uv = find_uv() or install_uv()
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    environment.pop("VIRTUAL_ENV", None)
    if not (ROOT / ".venv").exists() and "UV_PROJECT_ENVIRONMENT" not in environment:
        say("making the project's environment in .venv (the first time only)")
        environment.setdefault("UV_PYTHON", sys.executable)
    os.execve(uv, [str(uv), *sys.argv[1:]], environment)


def find_uv() -> Path | None:
    on_path = shutil.which("uv")
    candidates = [*([Path(on_path)] if on_path else []), UV_FOLDER / "bin" / "uv"]
    return next((uv for uv in candidates if is_pinned(uv)), None)


def is_pinned(uv: Path) -> bool:
    if not uv.exists():
        return False
    done = subprocess.run([uv, "--version"], capture_output=True, text=True, check=False)
    return done.stdout.split()[1:2] == [UV_VERSION]


def install_uv() -> Path:
    """By pip, in an environment of its own, so that a system Python that refuses global installs does not mind."""
    say(f"installing uv {UV_VERSION} into {UV_FOLDER.relative_to(ROOT)}")
    require_pip()
    install = ["install", "--quiet", "--disable-pip-version-check", f"uv=={UV_VERSION}"]
    with folder_appears(UV_FOLDER) as folder:
        if importlib.util.find_spec("ensurepip"):
            run([sys.executable, "-m", "venv", str(folder / "pip")], what="making a private environment")
            pip = [str(folder / "pip" / "bin" / "python"), "-m", "pip"]
        else:
            pip = [sys.executable, "-m", "pip"]
        run([*pip, *install, "--target", str(folder)], what="fetching uv")
    return UV_FOLDER / "bin" / "uv"


def require_pip() -> None:
    if importlib.util.find_spec("ensurepip") or importlib.util.find_spec("pip"):
        return
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        give_up(f"this Python has neither ensurepip nor pip. Install the package {package} (or uv {UV_VERSION}) first.")
    run(["apt-get", "-o", "DPkg::Lock::Timeout=120", "update", "-q"], what="reading the package lists")
    run(
        ["apt-get", "-o", "DPkg::Lock::Timeout=120", "install", "-y", "-q", "--no-install-recommends", package],
        what=f"installing {package}",
    )
    importlib.invalidate_caches()


if __name__ == "__main__":
    main()
