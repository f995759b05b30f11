"""Starts the demo: carrier and webhook sink, set-up, messages, and what to try next. Called by ``cli``."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from twoway_router.lab.behaviour import Behaviour, Receipts
from twoway_router.lab.carrier import running_carrier
from twoway_router.lab.demo import messages
from twoway_router.lab.demo.report import DemoReport
from twoway_router.lab.demo.sandbox import WORD, LabSandbox, open_sandbox
from twoway_router.lab.demo.seed import Addresses, DemoSetup, seed
from twoway_router.lab.demo.sending import send_messages
from twoway_router.lab.sink import running_sink
from twoway_router.lab.web import is_taken

CARRIER_PORT = 8090
SINK_PORT = 8091

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningDemo:
    """A demo whose messages have been sent and whose carrier and webhook sink still listen."""

    setup: DemoSetup
    at: Addresses
    report: DemoReport
    sandbox: LabSandbox


@asynccontextmanager
async def running_demo(
    *,
    api_url: str,
    ingress_url: str,
    operator_key: str,
    state_folder: Path,
    say: Say,
    is_on_free_ports: bool = False,
) -> AsyncIterator[RunningDemo]:
    """Set the demo up on a router that serves already and send its messages; carrier and sink stay while the block runs."""
    folder = state_folder / "demo"
    usual = (0, 0) if is_on_free_ports else (CARRIER_PORT, SINK_PORT)
    carrier_port, sink_port = (port_or_free(port, say) for port in usual)
    async with (
        running_carrier(folder / "carrier.jsonl", port=carrier_port) as carrier,
        running_sink(folder / "sink.jsonl", port=sink_port) as sink,
    ):
        at = Addresses(api_url=api_url, ingress_url=ingress_url, carrier_url=carrier.url, sink_url=sink.url)
        say("the demo's tenants, numbers and keywords go in by the management API")
        setup = await seed(at, operator_key, folder / "setup.json")
        carrier.behaviour = Behaviour(receipts=Receipts.SOON, receipt_url=setup.connection.receipt_url)
        say(f"a simulated carrier sends {len(messages.MESSAGES)} messages")
        report = await send_messages(setup, carrier, sink, api_url, operator_key)
        burgers = setup.tenants[messages.BURGERS].key
        sandbox = await open_sandbox(api_url, burgers, setup.shared_number_id, folder / "sandbox.key")
        yield RunningDemo(setup=setup, at=at, report=report, sandbox=sandbox)


def port_or_free(port: int, say: Say) -> int:
    """The port, or 0 for any when somebody has it."""
    if not is_taken(port):
        return port
    say(f"port {port} is taken: the demo listens on a free one instead")
    return 0


def describe(demo: RunningDemo, *, api_url: str, operator_key: str) -> str:
    """Addresses, keys and six lines to type."""
    setup = demo.setup
    auth = f'-H "Authorization: Bearer {operator_key}"'
    json = '-H "Content-Type: application/json"'
    burgers = setup.tenants[messages.BURGERS].key
    mo = f'{{"id":"mine-1","from":"+447700900950","to":"{messages.SHORT_CODE}","text":"freeburger"}}'
    preview = f'{{"number_id":"{setup.shared_number_id}","text":"usedcars under 5000"}}'
    keyword = f'{{"number_id":"{setup.shared_number_id}","word":"MENU24","actions":[{{"kind":"reply","text":"Today: soup"}}]}}'
    sandbox = demo.sandbox
    made_up = (
        f'{{"country":"{sandbox.country}","number":"{sandbox.number}","sender":"+447700900001","text":"{WORD} hello"}}'
    )
    keys = [f"  {tenant.name:<18}{tenant.key}" for tenant in setup.tenants.values()]
    return "\n".join(
        [
            f"Management API    {api_url}/v1",
            f"Carriers post to  {setup.connection.mo_url}",
            f"Lab carrier       {demo.at.carrier_url}   webhook sink  {demo.at.sink_url}",
            f"Short code        {messages.SHORT_CODE} (shared)   long number  {messages.LONG_NUMBER} ({messages.REPAIRS})",
            "Keys",
            f"  {'operator':<18}{operator_key}",
            *keys,
            f"  {'sandbox':<18}{sandbox.key}",
            "",
            "Try:",
            f"  curl -i {json} -d '{mo}' '{setup.connection.mo_url}'",
            f"  curl {auth} '{api_url}/v1/inbound-messages?limit=1'",
            f"  curl {auth} '{api_url}/v1/outbound-messages?limit=1'",
            f"  curl {auth} {json} -d '{preview}' {api_url}/v1/route-previews",
            f"  curl -H \"Authorization: Bearer {burgers}\" {json} -d '{keyword}' {api_url}/v1/keywords",
            f"  curl -H \"Authorization: Bearer {sandbox.key}\" {json} -d '{made_up}' {api_url}/v1/sandbox/inbound-messages",
        ]
    )
