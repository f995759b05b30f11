"""Get a server from Debian's packages: installed as root without starting a service, or unpacked without root.

Called by the scripts that get what the tests start by themselves.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from steps import ROOT, folder_appears, give_up, run, say

POLICY = Path("/usr/sbin/policy-rc.d")
LOCK = ("-o", "DPkg::Lock::Timeout=120")


def get(package: str, *, into: Path, finish: Callable[[Path], None] | None = None, otherwise: str) -> None:
    """Install as root, or unpack into a folder that ``finish`` may adapt; give up with what to do ``otherwise``."""
    if shutil.which("apt-get") is None:
        give_up(f"the tests need {package}, and this system has no apt-get to get it with. {otherwise}")
    if os.geteuid() == 0:
        install(package)
    else:
        unpack(package, into=into, finish=finish, otherwise=otherwise)


def install(package: str) -> None:
    """As root, for everybody on this system."""
    say(f"installing Debian's {package} (no service is started)")
    run(["apt-get", *LOCK, "update", "-q"], what="reading the package lists")
    made_policy = not POLICY.exists()
    if made_policy:
        POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")  # Debian's way to say: start nothing
        POLICY.chmod(0o755)
    try:
        run(
            ["apt-get", *LOCK, "install", "-y", "-q", "--no-install-recommends", package],
            what=f"installing {package}",
            env={"DEBIAN_FRONTEND": "noninteractive"},
        )
    finally:
        if made_policy:
            POLICY.unlink()


def unpack(package: str, *, into: Path, finish: Callable[[Path], None] | None = None, otherwise: str) -> None:
    """The package and what it needs that is not installed here: no root, no change to the system."""
    say(f"unpacking Debian's {package} into {into.relative_to(ROOT)} (no root needed)")
    with folder_appears(into) as folder:
        apt = private_apt(folder / "apt")
        run(["apt-get", *apt, "update", "-q"], what="reading the package lists")
        simulation = ["install", "--simulate", "--no-install-recommends", package]
        plan = run(["apt-get", *apt, *simulation], what="choosing the packages")
        packages = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
        if not packages:
            give_up(f"apt-get knows nothing to install for {package}. {otherwise}")
        run(["apt-get", *apt, "download", *packages], what=f"downloading {len(packages)} packages", cwd=folder)
        for archive in sorted(folder.glob("*.deb")):
            run(["dpkg", "--extract", str(archive), str(folder)], what=f"unpacking {archive.name}")
            archive.unlink()
        shutil.rmtree(folder / "apt")
        if finish is not None:
            finish(folder)


def private_apt(folder: Path) -> list[str]:
    """Options that make apt-get keep its lists and caches in a folder of ours, so that it needs no root."""
    for name in ("lists/partial", "cache/archives/partial", "log"):
        (folder / name).mkdir(parents=True)
    return [
        *("-o", f"Dir::State::lists={folder}/lists"),
        *("-o", f"Dir::Cache={folder}/cache"),
        *("-o", f"Dir::Log={folder}/log"),
        *("-o", "Debug::NoLocking=1"),
        *("-o", "APT::Sandbox::User="),
    ]
