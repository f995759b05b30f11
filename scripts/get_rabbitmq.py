"""Get the RabbitMQ server that the tests start by themselves; nothing to do when one is installed or named.

As root Debian's package is installed, without starting a service. Otherwise the same packages are downloaded and
unpacked into .tools/rabbitmq: no root, no change to the system.
"""

import os
import shutil
from pathlib import Path

from steps import ROOT, TOOLS, folder_appears, give_up, run, say

UNPACKED = TOOLS / "rabbitmq"
SYSTEM = Path("/usr/lib/rabbitmq")
POLICY = Path("/usr/sbin/policy-rc.d")
OTHER_WAYS = (
    "Install RabbitMQ by the means of your system, or set TWOWAY_TEST_AMQP_URL to a broker that the tests may use."
)


def main() -> None:
    if os.environ.get("TWOWAY_TEST_AMQP_URL"):
        say("RabbitMQ: the one that TWOWAY_TEST_AMQP_URL names")
    elif (server := find_server()) is not None:
        say(f"RabbitMQ: {server}")
    elif shutil.which("apt-get") is None:
        give_up(f"the tests need RabbitMQ, and this system has no apt-get to get it with. {OTHER_WAYS}")
    elif os.geteuid() == 0:
        install()
    else:
        unpack()


def find_server() -> Path | None:
    """The server's own script, not the wrapper on PATH that insists on being root or `rabbitmq`."""
    installed = [*SYSTEM.glob("lib/rabbitmq_server-*/sbin"), *UNPACKED.glob("usr/lib/rabbitmq/lib/*/sbin")]
    on_path = shutil.which("rabbitmq-server")
    if on_path is not None:
        installed.append(Path(on_path).resolve().parent)
    scripts = (folder / "rabbitmq-server" for folder in installed if (folder / "rabbitmq-env").exists())
    return next(scripts, None)


def install() -> None:
    say("installing Debian's rabbitmq-server (no service is started)")
    run(["apt-get", "-o", "DPkg::Lock::Timeout=120", "update", "-q"], what="reading the package lists")
    made_policy = not POLICY.exists()
    if made_policy:
        POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")  # Debian's way to say: start nothing
        POLICY.chmod(0o755)
    try:
        run(
            [
                "apt-get",
                "-o",
                "DPkg::Lock::Timeout=120",
                "install",
                "-y",
                "-q",
                "--no-install-recommends",
                "rabbitmq-server",
            ],
            what="installing rabbitmq-server",
            env={"DEBIAN_FRONTEND": "noninteractive"},
        )
    finally:
        if made_policy:
            POLICY.unlink()
    if find_server() is None:
        give_up(f"rabbitmq-server was installed but is not where Debian puts it. {OTHER_WAYS}")


def unpack() -> None:
    say(f"unpacking Debian's RabbitMQ into {UNPACKED.relative_to(ROOT)} (no root needed)")
    with folder_appears(UNPACKED) as folder:
        apt = private_apt(folder / "apt")
        run(["apt-get", *apt, "update", "-q"], what="reading the package lists")
        wanted = ["install", "--simulate", "--no-install-recommends", "rabbitmq-server"]
        plan = run(["apt-get", *apt, *wanted], what="choosing the packages")
        packages = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
        if not packages:
            give_up(f"apt-get knows nothing to install for rabbitmq-server. {OTHER_WAYS}")
        run(["apt-get", *apt, "download", *packages], what=f"downloading {len(packages)} packages", cwd=folder)
        for archive in sorted(folder.glob("*.deb")):
            run(["dpkg", "--extract", str(archive), str(folder)], what=f"unpacking {archive.name}")
            archive.unlink()
        shutil.rmtree(folder / "apt")
        move_erlang(folder)
    if find_server() is None:
        give_up(f"the downloaded packages hold no RabbitMQ server. {OTHER_WAYS}")


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


def move_erlang(folder: Path) -> None:
    """Erlang's start script names the folder that it was built for; point it at ours, as it will be called."""
    for script in (*folder.glob("usr/lib/erlang/bin/erl"), *folder.glob("usr/lib/erlang/erts-*/bin/erl")):
        text = script.read_text(encoding="utf-8")
        moved = text.replace('ROOTDIR="/usr/lib/erlang"', f'ROOTDIR="{UNPACKED}/usr/lib/erlang"')
        moved = moved.replace("ROOTDIR=/usr/lib/erlang\n", f'ROOTDIR="{UNPACKED}/usr/lib/erlang"\n')
        script.write_text(moved, encoding="utf-8")


if __name__ == "__main__":
    main()
