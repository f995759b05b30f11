"""Only the package that declares a table names it in SQL; everybody else calls a query or a fragment of its owner.

A name counts when it follows FROM, JOIN, INTO, UPDATE or USING inside a string.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).parents[2] / "src" / "twoway_router"
NAMED: Final = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE|USING)\s+(?:ONLY\s+)?([a-z_]+)")

ALLOWED: Final[Mapping[str, Mapping[str, str]]] = {
    "emails": {"tenants": "whether the tenant is a sandbox decides the state in the INSERT itself"},
    "keywords": {
        "tenants": "a suspended tenant's keywords route as suspended, in the statement that loads a million rules",
        "changes": "only what the change feed names is loaded again, in one statement",
    },
    "dispatch": {"outbox": "the other half of store.outbox: takes, leases and deletes what it writes"},
    "contexts": {"inbound_messages": "what was open when a message came is found beside the message"},
    "webhooks": {"tenants": "the owner's address comes with the endpoint that is disabled"},
    "mts": {
        "connections": "whether a connection can be used, and its throughput, belong to the look before a claim",
        "numbers": "whether a number can be used, and its policy, belong to planning and to the look before a claim",
        "inbound_messages": "which tenants a person wrote to is one statement, asked only for departures",
        "keywords": "the same statement",
        "sending_paces": "deliveries write throughput and rests of a connection; the connection's own page only shows them",
    },
    "ingress": {"inbound_messages": "a late part corrects the text of its message in the statement that stores it"},
    "numbers": {
        "keywords": "whether anybody holds keywords on a number, and how many a tenant holds, is shown and asked with it"
    },
}
"""Package → foreign table → why its owner's query is not enough."""


def owners() -> dict[str, str]:
    """Every table with the package that declares it."""
    found: dict[str, str] = {}
    for path in SOURCE.rglob("tables.py"):
        for name in re.findall(r'__tablename__ = "([a-z_]+)"', path.read_text("utf-8")):
            found[name] = path.relative_to(SOURCE).parts[0]
    return found


def names_in(path: Path) -> Iterator[str]:
    """The tables that a module's strings name; literal parts of f-strings included."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from NAMED.findall(node.value)


def foreign_names() -> dict[str, set[str]]:
    """Package → tables of others that its SQL names."""
    owned = owners()
    found: dict[str, set[str]] = {}
    for path in SOURCE.rglob("*.py"):
        package = path.relative_to(SOURCE).parts[0]
        for name in names_in(path):
            if owned.get(name, package) != package:
                found.setdefault(package, set()).add(name)
    return found


def test_only_its_owner_names_a_table_in_sql() -> None:
    unexplained = {
        package: sorted(names - ALLOWED.get(package, {}).keys())
        for package, names in foreign_names().items()
        if names - ALLOWED.get(package, {}).keys()
    }

    assert unexplained == {}


def test_every_exception_is_still_needed() -> None:
    found = foreign_names()

    assert {
        package: sorted(set(tables) - found.get(package, set()))
        for package, tables in ALLOWED.items()
        if set(tables) - found.get(package, set())
    } == {}


def test_the_check_sees_a_foreign_table(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text('ONE = f"SELECT 1 FROM {x} JOIN numbers AS n"\nTWO = "DELETE FROM tenants USING keywords AS k"\n')

    assert set(names_in(path)) == {"numbers", "tenants", "keywords"}
