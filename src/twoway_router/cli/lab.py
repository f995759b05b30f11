"""``twoway-router lab …``: a simulated carrier, a webhook sink and a load generator, each a process of its own."""

import asyncio
import signal
import sys
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import orjson
import typer
from pydantic import ValidationError

from twoway_router.domain.messages import Capability
from twoway_router.lab.behaviour import Behaviour, Receipts
from twoway_router.lab.carrier import SimulatedCarrier, described, missing_faults, running_carrier
from twoway_router.lab.dialects.dialect import Dialect
from twoway_router.lab.dialects.registry import DIALECTS
from twoway_router.lab.load import LoadPlan, run_load
from twoway_router.lab.sink import WebhookSink, running_sink
from twoway_router.lab.web import is_taken

app = typer.Typer(no_args_is_help=True, help="Play the outside world: carriers, tenants' webhook receivers, load.")


def _listenable(port: int) -> int:
    if is_taken(port):
        raise typer.BadParameter(f"{port} is taken or not allowed; another one, or 0 for any free one, may do")
    return port


Port = Annotated[int, typer.Option(callback=_listenable, help="Port on 127.0.0.1; 0 takes a free one and prints it.")]


@app.command()
def carrier(
    port: Port = 8090,
    journal: Annotated[Path, typer.Option(help="Append-only file of MTs and acknowledged MOs.")] = Path(
        "carrier.jsonl"
    ),
    dialect: Annotated[str, typer.Option(help="The carrier that is played: a name of `lab dialects`.")] = "generic",
    mode: Annotated[
        Capability | None, typer.Option(help="What the carrier offers after a lost answer; by default what it has.")
    ] = None,
    receipts: Annotated[Receipts, typer.Option(help="When delivery receipts come.")] = Receipts.NONE,
    receipt_url: Annotated[str | None, typer.Option(help="Where receipts go: the connection's /dlr address.")] = None,
    fault: Annotated[list[str] | None, typer.Option(help="FAULT=PROBABILITY, such as drop=0.05; repeatable.")] = None,
    seed: Annotated[int, typer.Option(help="Chooses which sends fail; the same seed repeats them.")] = 0,
) -> None:
    """Take MTs as the carrier's API does and emit the MOs that are put to POST /control/mos (docs/lab.md)."""
    spoken = _find(dialect)
    faults = dict(_read_fault(text) for text in fault or [])
    fields = {"mode": mode, "receipts": receipts, "receipt_url": receipt_url, "faults": faults, "seed": seed}
    try:
        behaviour = Behaviour.model_validate(fields)
    except ValidationError as error:
        raise typer.BadParameter(_in_one_line(error)) from None
    if missing := missing_faults(spoken, behaviour):
        raise typer.BadParameter(f"{dialect} has no {', '.join(missing)}")
    asyncio.run(_serve(running_carrier(journal, behaviour, port=port, dialect=spoken)))


@app.command()
def dialects() -> None:
    """List the carriers that the lab can play, their variants, and the errors in their own words."""
    for name, spoken in sorted(DIALECTS.items()):
        variants = ", ".join(variant or "(usual)" for variant in spoken.variants)
        print(f"{name}: variants {variants}; errors {', '.join(sorted(spoken.refusals))}")


@app.command()
def account(
    dialect: Annotated[str, typer.Argument(help="The carrier that is played.")],
    url: Annotated[str, typer.Option(help="Where the lab's carrier listens.")] = "http://127.0.0.1:8090",
) -> None:
    """Print the lab's account at a carrier as JSON: the body for POST /v1/connections, but for the name."""
    print(orjson.dumps(described(_find(dialect).account.at(url)), option=orjson.OPT_INDENT_2).decode())


@app.command()
def sink(
    port: Port = 8091,
    journal: Annotated[Path, typer.Option(help="Append-only file of the webhooks received.")] = Path("sink.jsonl"),
    secret: Annotated[list[str] | None, typer.Option(help="Secret to check signatures with; repeatable.")] = None,
    answer: Annotated[list[int] | None, typer.Option(help="Statuses to answer in turn, the last one for ever.")] = None,
) -> None:
    """Receive webhooks on every path, check their signatures, write them down."""
    asyncio.run(_serve(running_sink(journal, secrets=secret or (), answers=answer or (204,), port=port)))


@app.command()
def load() -> None:
    """Send the load that a JSON plan on standard input describes; print its report as JSON."""
    try:
        plan = LoadPlan.model_validate_json(sys.stdin.read())
    except ValidationError as error:
        raise typer.BadParameter(f"the plan: {_in_one_line(error)}") from None
    report = asyncio.run(run_load(plan))
    print(orjson.dumps(asdict(report), option=orjson.OPT_NON_STR_KEYS).decode())


def _in_one_line(error: ValidationError) -> str:
    """What is wrong, and where."""
    errors = ((".".join(map(str, one["loc"])), one["msg"]) for one in error.errors())
    return "; ".join(f"{place}: {message}" if place else message for place, message in errors)


def _find(name: str) -> Dialect:
    if name not in DIALECTS:
        raise typer.BadParameter(f"{name!r} is none of {', '.join(sorted(DIALECTS))}")
    return DIALECTS[name]


async def _serve(
    server: AbstractAsyncContextManager[SimulatedCarrier] | AbstractAsyncContextManager[WebhookSink],
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with server as running:
        print(f"listening on {running.url}", flush=True)
        await stop.wait()


def _read_fault(text: str) -> tuple[str, float]:
    name, _, rate = text.partition("=")
    try:
        return name, float(rate)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not FAULT=PROBABILITY") from None
