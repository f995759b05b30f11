"""Sets up the router for a bench: one shared number and as many keywords as wanted, each with a reply of its own."""

import asyncio
import subprocess
import sys
from typing import Any, Final

import orjson
from tests.support.system import PROGRAM, System

from twoway_router.lab.api import ManagementApi
from twoway_router.lab.load import LoadPlan
from twoway_router.lab.setup import LabConnection, make_connection, make_keyword, make_number, make_tenant

SHORT_CODE: Final = "66777"
PER_TENANT: Final = 100
KEY: Final = "bench-key"


def word(number: int) -> str:
    """The keyword of that number."""
    return f"OFFER{number:05d}"


def reply_begins(number: int) -> str:
    """How the right reply to that keyword begins."""
    return f"Thanks for {word(number)}!"


def texts(keywords: int) -> list[str]:
    """One text per keyword, spread so that neighbours in time are different tenants."""
    return [f"{word(number * 7919 % keywords)} please" for number in range(keywords)]


def furnish(system: System, keywords: int) -> LabConnection:
    """Connection, number, tenants and keywords, by the management API."""
    return asyncio.run(_furnish(system, keywords))


async def _furnish(system: System, keywords: int) -> LabConnection:
    async with ManagementApi(system.api_url, system.operator_key) as operator:
        connection = await make_connection(
            operator, carrier_url=system.carrier.url, key=KEY, once="bench", country="GB"
        )
        fields = {
            "country": "GB",
            "address": SHORT_CODE,
            "kind": "short_code",
            "sharing": "shared",
            "connection_id": connection.id,
        }
        number_id = await make_number(operator, fields, once="bench")
        gate = asyncio.Semaphore(4)
        async with asyncio.TaskGroup() as group:
            for first in range(0, keywords, PER_TENANT):
                numbers = range(first, min(first + PER_TENANT, keywords))
                group.create_task(_furnish_tenant(system, operator, number_id, numbers, gate))
    return connection


async def _furnish_tenant(
    system: System, operator: ManagementApi, number_id: str, numbers: range, gate: asyncio.Semaphore
) -> None:
    async with gate:
        tenant = await make_tenant(operator, f"Tenant {numbers.start}", once="bench")
        async with ManagementApi(system.api_url, tenant.key) as api:
            for number in numbers:
                actions = [{"kind": "reply", "text": f"{reply_begins(number)} Show this message at the till."}]
                await make_keyword(api, number_id, word(number), actions, once="bench")


def start_load(plan: LoadPlan) -> "subprocess.Popen[bytes]":
    """The load generator as a process of its own."""
    process = subprocess.Popen([PROGRAM, "lab", "load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(plan.model_dump_json().encode())
    process.stdin.close()
    return process


def finish_load(process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """Its report."""
    assert process.stdout is not None
    printed = process.stdout.read()
    if process.wait() != 0:
        sys.exit("the load generator failed")
    report: dict[str, Any] = orjson.loads(printed)
    return report
