"""docs/actions.md: its commands work as they stand, and its tables are what the code knows."""

import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from tests.docs.conftest import find
from twoway_router.actions.conditions import Condition
from twoway_router.actions.registry import KINDS
from twoway_router.actions.spec import VARIABLES
from twoway_router.outbound.webhook import sign
from twoway_router.templates.filters import FILTERS

PAGE = (Path(__file__).parents[2] / "docs" / "actions.md").read_text(encoding="utf-8")
_SET_UP, *COMMANDS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


def section(title: str) -> str:
    return find(rf"(?s)\n## {title}\n(.*?)(?=\n## |\Z)", PAGE)


def first_column(title: str) -> set[str]:
    cells = re.findall(r"^\| (`[^|]*`) \|", section(title), re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([\w.]+)`", cell)} - {"kind"}


def kinds(union: object) -> set[str]:
    return {get_args(model.model_fields["kind"].annotation)[0] for model in get_args(get_args(union)[0])}


def test_the_commands_work_in_their_order(shown: str, tmp_path: Path) -> None:
    api, key = find(r"Management API +(\S+)/v1", shown), find(r"Burger Chain +(twr_\S+)", shown)

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(COMMANDS)],
        env={**os.environ, "API": api, "TENANT_KEY": key},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    texts = re.findall(r'"text":"(Hello! Your code|Welcome back. It is still|Sorry, all are gone)', done.stdout)
    assert texts[-3:] == ["Sorry, all are gone", "Welcome back. It is still", "Hello! Your code"]
    assert '"state":"redeemed"' in done.stdout


def test_every_kind_of_action_is_listed() -> None:
    assert first_column("Actions") == set(KINDS)


def test_every_kind_of_condition_is_listed() -> None:
    assert first_column("Conditions") == kinds(Condition)


def test_every_variable_is_listed() -> None:
    assert first_column("Templates") == set(VARIABLES)


def test_every_filter_is_listed() -> None:
    assert re.findall(r"`(\w+)`", find(r"Filters: ([^.]*)\.", PAGE)) == list(FILTERS)


def test_the_code_for_receivers_verifies_what_we_sign() -> None:
    secret, body, now = "whsec_" + "A" * 43 + "=", b'{"type": "webhook.test"}', int(datetime.now(UTC).timestamp())
    signature = sign([secret], webhook_id="1", timestamp=now, body=body)
    headers = {"webhook-id": "1", "webhook-timestamp": str(now), "webhook-signature": signature}
    code: dict[str, Any] = {}
    exec(find(r"(?s)```python\n(.*?)```", PAGE), code)

    assert code["read_event"](secret, headers, body) == {"type": "webhook.test"}
