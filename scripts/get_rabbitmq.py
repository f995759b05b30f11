"""Get the RabbitMQ server that the tests start by themselves; nothing to do when one is installed or named.

As root Debian's package is installed, without starting a service. Otherwise the same packages are downloaded and
unpacked into .tools/rabbitmq: no root, no change to the system.
"""

import os
import shutil
from pathlib import Path

import debian
from steps import TOOLS, give_up, say

UNPACKED = TOOLS / "rabbitmq"
SYSTEM = Path("/usr/lib/rabbitmq")
OTHER_WAYS = (
    "Install RabbitMQ by the means of your system, or set TWOWAY_TEST_AMQP_URL to a broker that the tests may use."
)


def main() -> None:
    if os.environ.get("TWOWAY_TEST_AMQP_URL"):
        say("RabbitMQ: the one that TWOWAY_TEST_AMQP_URL names")
    elif (server := find_server()) is not None:
        say(f"RabbitMQ: {server}")
    else:
        debian.get("rabbitmq-server", into=UNPACKED, finish=move_erlang, otherwise=OTHER_WAYS)
        if find_server() is None:
            give_up(f"rabbitmq-server was fetched but is not where Debian puts it. {OTHER_WAYS}")


def find_server() -> Path | None:
    """The server's own script, not the wrapper on PATH that insists on being root or `rabbitmq`."""
    installed = [*SYSTEM.glob("lib/rabbitmq_server-*/sbin"), *UNPACKED.glob("usr/lib/rabbitmq/lib/*/sbin")]
    on_path = shutil.which("rabbitmq-server")
    if on_path is not None:
        installed.append(Path(on_path).resolve().parent)
    scripts = (folder / "rabbitmq-server" for folder in installed if (folder / "rabbitmq-env").exists())
    return next(scripts, None)


def move_erlang(folder: Path) -> None:
    """Erlang's start script names the folder that it was built for; point it at ours, as it will be called."""
    for script in (*folder.glob("usr/lib/erlang/bin/erl"), *folder.glob("usr/lib/erlang/erts-*/bin/erl")):
        text = script.read_text(encoding="utf-8")
        moved = text.replace('ROOTDIR="/usr/lib/erlang"', f'ROOTDIR="{UNPACKED}/usr/lib/erlang"')
        moved = moved.replace("ROOTDIR=/usr/lib/erlang\n", f'ROOTDIR="{UNPACKED}/usr/lib/erlang"\n')
        script.write_text(moved, encoding="utf-8")


if __name__ == "__main__":
    main()
