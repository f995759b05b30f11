"""Run uv, the pinned version, with these arguments: the one on PATH, else one installed under .tools/uv.

Called by the Makefile with nothing but Python 3.11 at hand, so it imports the standard library only. It hands itself over
to uv, which makes the project's environment.
"""

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
        if "--no-dev" in sys.argv:
            # The program starts fast the first time too. With the development tools it would take half a minute of CPU.
            environment.setdefault("UV_COMPILE_BYTECODE", "1")
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
    """By pip into a folder, which a system Python that refuses other installs allows too."""
    say(f"installing uv {UV_VERSION} into {UV_FOLDER.relative_to(ROOT)}")
    with folder_appears(UV_FOLDER) as folder:
        python = sys.executable
        if subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode != 0:
            if importlib.util.find_spec("ensurepip") is None:
                install_ensurepip()
            run([python, "-m", "venv", str(folder / "pip")], what="making an environment that has pip")
            python = str(folder / "pip" / "bin" / "python")
        install = ["install", "--quiet", "--disable-pip-version-check", "--target", str(folder), f"uv=={UV_VERSION}"]
        # A pip that is set up to install for the user, or into environments only, would refuse a folder.
        run([python, "-m", "pip", *install], what="fetching uv", env={"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"})
        shutil.rmtree(folder / "pip", ignore_errors=True)
    return UV_FOLDER / "bin" / "uv"


def install_ensurepip() -> None:
    """Debian keeps it in a package of its own, which only root can install."""
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        give_up(f"this Python has neither pip nor ensurepip. Install the package {package} (or uv {UV_VERSION}) first.")
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=120"]
    run([*apt, "update", "-q"], what="reading the package lists")
    run([*apt, "install", "-y", "-q", "--no-install-recommends", package], what=f"installing {package}")


if __name__ == "__main__":
    main()
