"""A short code of a drill's own: its carrier, its connection, and two tenants on it, one of which hands out coupons."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from tests.crash.judge import Findings, judge
from tests.support.carrier import Carrier
from tests.support.system import System
from twoway_router.domain.messages import Capability, UnknownPolicy
from twoway_router.lab.api import ManagementApi
from twoway_router.lab.journal import read_journal
from twoway_router.lab.setup import LabConnection, make_connection, make_keyword, make_number, make_tenant

PRIZE: Final = "Lucky7"
PLAIN: Final = "oldcars"
REPLIES: Final = {PRIZE: "You win", PLAIN: "A dealer"}
SLOW_SECONDS: Final = 0.3
_FIRST_SENDER: Final = 393_310_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What the router is told of a carrier, what the carrier really does, and what happens to an MT that stays unknown."""

    short_code: str
    told: Capability
    does: Capability
    policy: UnknownPolicy = UnknownPolicy.AT_MOST_ONCE


IDEMPOTENT: Final = Terms(short_code="66777", told=Capability.IDEMPOTENT, does=Capability.IDEMPOTENT)


class Front:
    """Made over the management API of a running system."""

    def __init__(self, system: System, carrier: Carrier, terms: Terms = IDEMPOTENT) -> None:
        self._carrier = carrier
        self._terms = terms
        self._url = system.postgres.url
        self._connection = asyncio.run(_furnish(system, carrier, terms))

    def make_slow(self) -> None:
        """Every MT is taken at once and answered late: a kill finds many under way."""
        self._behave({"faults": {"slow": 1.0}, "slow_seconds": SLOW_SECONDS})

    def make_quick(self) -> None:
        """Answers come at once again."""
        self._behave({})

    def send_slice(self, number: int, size: int) -> None:
        """Let the carrier emit this many MOs, each of a sender of its own, at 600 a second for a whole slice of 200."""
        burst = {"url": self._connection.mo_url, "rate": 3.0 * size, "connections": 64}
        messages = [self._message(index) for index in range(number * size, (number + 1) * size)]
        self._carrier.tell("POST", "/control/mos", {**burst, "messages": messages})

    def stats(self) -> Mapping[str, int]:
        """The carrier's counts."""
        stats = self._carrier.stats()
        assert stats is not None, "the simulated carrier is gone"
        return stats

    def judge(self) -> Findings:
        """By the carrier's journal alone."""
        return judge(read_journal(self._carrier.journal), REPLIES)

    def senders_of(self, text: str) -> set[str]:
        """Who sent this text, by the carrier's journal."""
        records = read_journal(self._carrier.journal)
        return {str(record["sender"]) for record in records if record["kind"] == "mo" and record["text"] == text}

    def unknown(self) -> set[str]:
        """Whose answer the router itself reports as unknown."""
        return asyncio.run(_list_unknown(self._url, self._terms.short_code))

    def _behave(self, behaviour: Mapping[str, Any]) -> None:
        receipts = {"receipts": "soon", "receipt_url": self._connection.receipt_url}
        has_receipts = self._terms.does is Capability.RECEIPT
        wanted = {"mode": self._terms.does.value, **(receipts if has_receipts else {}), **behaviour}
        self._carrier.tell("PUT", "/control/behaviour", wanted)

    def _message(self, index: int) -> dict[str, str]:
        return {
            "id": f"drill-{index}",
            "sender": f"+{_FIRST_SENDER + index}",
            "recipient": self._terms.short_code,
            "text": list(REPLIES)[index % len(REPLIES)],
        }


async def _furnish(system: System, carrier: Carrier, terms: Terms) -> LabConnection:
    once = f"drill-{terms.short_code}"
    async with ManagementApi(system.api_url, system.operator_key) as operator:
        connection = await make_connection(
            operator, carrier_url=carrier.url, key="drill", once=once, capability=terms.told, name=once
        )
        fields = {
            "country": "IT",
            "address": terms.short_code,
            "kind": "short_code",
            "sharing": "shared",
            "connection_id": connection.id,
            "options": {"unknown_policy": terms.policy.value},
        }
        number_id = await make_number(operator, fields, once=once)
        winners = await make_tenant(operator, f"Winners {terms.short_code}", once=once)
        dealers = await make_tenant(operator, f"Dealers {terms.short_code}", once=once)
    async with ManagementApi(system.api_url, winners.key) as api:
        pool = await api.post("/coupon-pools", {"name": "Prizes", "source": "generated"}, once=once)
        actions = [
            {"kind": "issue_coupon", "pool_id": pool["id"]},
            {"kind": "reply", "text": "You win: code {{ coupon.code }}"},
        ]
        await make_keyword(api, number_id, "LUCKY7", actions, once=once)
    async with ManagementApi(system.api_url, dealers.key) as api:
        await make_keyword(api, number_id, "OLDCARS", [{"kind": "reply", "text": "A dealer calls you"}], once=once)
    return connection


async def _list_unknown(url: str, short_code: str) -> set[str]:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        rows = await connection.fetch(
            "SELECT recipient FROM outbound_messages WHERE state = 'unknown' AND sender = $1", short_code
        )
    finally:
        await connection.close()
    return {row["recipient"] for row in rows}
