"""The table of commands: what it says of a command is what the command says, and no command is imported before it is called."""

import subprocess
import sys

import pytest

from twoway_router.cli.main import COMMANDS, load

HEAVY = ("sqlalchemy", "fastapi", "starlette", "pydantic", "phonenumbers", "yaml", "httpx", "liquid", "cryptography")
OF_OURS = {"twoway_router", "twoway_router.cli", "twoway_router.cli.main"}
SCRIPT = """
import sys
from twoway_router.cli import app
try:
    app()
finally:
    print(*sys.modules, sep="\\n", file=sys.stderr)
"""


def modules_of(*arguments: str) -> set[str]:
    """What Python has imported when a command ends."""
    done = subprocess.run([sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_what_needs_no_command_imports_none(argument: str) -> None:
    modules = modules_of(argument)

    assert [name for name in HEAVY if name in modules] == []
    assert {name for name in modules if name.split(".")[0] == "twoway_router"} == OF_OURS


@pytest.mark.parametrize(
    ("command", "unneeded"),
    [
        (["settings"], ("sqlalchemy", "fastapi", "phonenumbers", "httpx")),
        (["keys", "--help"], ("twoway_router.lab", "twoway_router.management", "twoway_router.executor")),
        (
            ["rules", "--help"],
            ("uvicorn", "twoway_router.processes", "twoway_router.lab"),
        ),  # checks actions: their files
        (["route", "--help"], ("sqlalchemy", "fastapi", "uvicorn", "twoway_router.processes")),
        (["carriers", "list"], ("sqlalchemy", "fastapi", "uvicorn", "twoway_router.processes")),
    ],
)
def test_a_command_imports_what_it_needs(command: list[str], unneeded: tuple[str, ...]) -> None:
    modules = modules_of(*command)

    assert [name for name in unneeded if name in modules] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_the_command_says(name: str) -> None:
    place, summary = COMMANDS[name]

    assert load(place).help == summary
