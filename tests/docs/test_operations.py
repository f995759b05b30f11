"""The commands of docs/operations.md, in the order in which an operator types them."""

import os
import re
import subprocess
from base64 import b64encode
from pathlib import Path

from tests.support.system import PROGRAM, ROLES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def run(url: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TWOWAY_")},
        "TWOWAY_DATABASE_URL": url,
        "TWOWAY_SECRET_KEY": b64encode(bytes(32)).decode(),
        "TWOWAY_API_URL": "http://127.0.0.1:1",
    }
    return subprocess.run([PROGRAM, *arguments], env=environment, capture_output=True, text=True, check=False)


def test_the_first_start_works_as_it_is_written(empty_database_url: str) -> None:
    lines = re.findall(r"^twoway-router ([^#\n]+)", PAGE, re.MULTILINE)
    commands = [tuple(line.split()) for line in lines]

    done = [run(empty_database_url, *command) for command in commands if command[0] != "serve"]

    assert [each.returncode for each in done] == [0] * len(done), [each.stderr for each in done]
    assert done[-1].stdout.startswith("twr_live_")
    assert [command[1] for command in commands if command[0] == "serve"] == list(ROLES)


def test_migrating_twice_changes_nothing(empty_database_url: str) -> None:
    assert run(empty_database_url, "migrate", "expand").returncode == 0
    assert run(empty_database_url, "migrate", "expand").returncode == 0


def test_keys_of_today_need_no_migration(database_url: str) -> None:
    done = run(database_url, "migrate", "keys")

    assert (done.returncode, done.stdout.startswith("Keys are those of ")) == (0, True)


def test_the_ways_out_of_trouble_exist(database_url: str) -> None:
    assert run(database_url, "parked", "list").returncode == 0
    assert run(database_url, "parked", "requeue", "--all").returncode == 0
    assert run(database_url, "outbox", "list").returncode == 0


def test_every_setting_that_the_page_names_exists() -> None:
    listed = run("postgresql://127.0.0.1/unused", "settings").stdout

    assert [name for name in re.findall(r"`(TWOWAY_[A-Z_]+)`", PAGE) if name not in listed] == []
