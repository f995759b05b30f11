"""``twoway-router openapi``: writes the API's OpenAPI document, or checks that the file is up to date."""

from pathlib import Path
from typing import Annotated, Final

import typer
import yaml

from twoway_router.management.app import create_app
from twoway_router.routing.index import RoutingTable
from twoway_router.store.engine import make_engine
from twoway_router.store.sealing import KEY_BYTES, Sealer

FILE: Final = Path("openapi/twoway-router.yaml")


class _Plain(yaml.SafeDumper):
    """No anchors, and texts of several lines as blocks: the file is read by people and by every tool."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def represent_text(self, text: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Plain.add_representer(str, _Plain.represent_text)


def document() -> str:
    """The document as YAML, always in the same order. Needs no database."""
    app = create_app(
        engine=make_engine("postgresql://nowhere/none"),
        sealer=Sealer([bytes(KEY_BYTES)]),
        routing_table=lambda: RoutingTable.build((), ()),
        public_url="https://in.example",
    )
    return yaml.dump(app.openapi(), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)


def openapi(
    out: Annotated[Path, typer.Option(help="The file to write or to check.")] = FILE,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail when the file is not up to date.")
    ] = False,
) -> None:
    """Write the OpenAPI 3.1 document of the management API."""
    current = document()
    if not check:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(current, encoding="utf-8")
        return
    if not out.exists() or out.read_text(encoding="utf-8") != current:
        typer.echo(f"{out} is not up to date. Run `twoway-router openapi` and commit it.", err=True)
        raise typer.Exit(1)
