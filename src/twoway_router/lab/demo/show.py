"""The demo from curtain to curtain: carrier and webhook sink, seed, play, and what to try next. Called by ``cli``."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from twoway_router.lab.behaviour import Behaviour, Receipts
from twoway_router.lab.carrier import running_carrier
from twoway_router.lab.demo import scenes
from twoway_router.lab.demo.play import play
from twoway_router.lab.demo.render import DemoReport
from twoway_router.lab.demo.sandbox import WORD, LabSandbox, open_sandbox
from twoway_router.lab.demo.world import Addresses, DemoWorld, seed
from twoway_router.lab.sink import running_sink
from twoway_router.lab.web import is_taken

CARRIER_PORT = 8090
SINK_PORT = 8091

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Show:
    """A demo that has been played and whose carrier and webhook sink still listen."""

    world: DemoWorld
    at: Addresses
    report: DemoReport
    sandbox: LabSandbox


@asynccontextmanager
async def showing(
    *,
    api_url: str,
    ingress_url: str,
    operator_key: str,
    state_folder: Path,
    say: Say,
    is_on_free_ports: bool = False,
) -> AsyncIterator[Show]:
    """Seed and play the demo on a router that serves already; the carrier and the sink stay while the block runs."""
    folder = state_folder / "demo"
    usual = (0, 0) if is_on_free_ports else (CARRIER_PORT, SINK_PORT)
    carrier_port, sink_port = (port_or_free(port, say) for port in usual)
    async with (
        running_carrier(folder / "carrier.jsonl", port=carrier_port) as carrier,
        running_sink(folder / "sink.jsonl", port=sink_port) as sink,
    ):
        at = Addresses(api_url=api_url, ingress_url=ingress_url, carrier_url=carrier.url, sink_url=sink.url)
        say("the demo's tenants, numbers and keywords go in by the management API")
        world = await seed(at, operator_key, folder / "world.json")
        carrier.behaviour = Behaviour(receipts=Receipts.SOON, receipt_url=world.connection.receipt_url)
        say(f"a simulated carrier sends {len(scenes.SCENES)} messages")
        report = await play(world, carrier, sink, api_url, operator_key)
        burgers = world.tenants[scenes.BURGERS].key
        sandbox = await open_sandbox(api_url, burgers, world.shared_number_id, folder / "sandbox.key")
        yield Show(world=world, at=at, report=report, sandbox=sandbox)


def port_or_free(port: int, say: Say) -> int:
    """The port, or 0 for any when somebody has it."""
    if not is_taken(port):
        return port
    say(f"port {port} is taken: the demo listens on a free one instead")
    return 0


def describe(show: Show, *, api_url: str, operator_key: str) -> str:
    """Addresses, keys and six lines to type."""
    world = show.world
    auth = f'-H "Authorization: Bearer {operator_key}"'
    json = '-H "Content-Type: application/json"'
    burgers = world.tenants[scenes.BURGERS].key
    mo = f'{{"id":"mine-1","from":"+447700900950","to":"{scenes.SHORT_CODE}","text":"freeburger"}}'
    preview = f'{{"number_id":"{world.shared_number_id}","text":"usedcars under 5000"}}'
    keyword = f'{{"number_id":"{world.shared_number_id}","word":"MENU24","actions":[{{"kind":"reply","text":"Today: soup"}}]}}'
    sandbox = show.sandbox
    made_up = (
        f'{{"country":"{sandbox.country}","number":"{sandbox.number}","sender":"+447700900001","text":"{WORD} hello"}}'
    )
    keys = [f"  {tenant.name:<18}{tenant.key}" for tenant in world.tenants.values()]
    return "\n".join(
        [
            f"Management API    {api_url}/v1",
            f"Carriers post to  {world.connection.mo_url}",
            f"Lab carrier       {show.at.carrier_url}   webhook sink  {show.at.sink_url}",
            f"Short code        {scenes.SHORT_CODE} (shared)   long number  {scenes.LONG_NUMBER} ({scenes.REPAIRS})",
            "Keys",
            f"  {'operator':<18}{operator_key}",
            *keys,
            f"  {'sandbox':<18}{sandbox.key}",
            "",
            "Try:",
            f"  curl -i {json} -d '{mo}' '{world.connection.mo_url}'",
            f"  curl {auth} '{api_url}/v1/inbound-messages?limit=1'",
            f"  curl {auth} '{api_url}/v1/outbound-messages?limit=1'",
            f"  curl {auth} {json} -d '{preview}' {api_url}/v1/route-previews",
            f"  curl -H \"Authorization: Bearer {burgers}\" {json} -d '{keyword}' {api_url}/v1/keywords",
            f"  curl -H \"Authorization: Bearer {sandbox.key}\" {json} -d '{made_up}' {api_url}/v1/sandbox/inbound-messages",
        ]
    )
