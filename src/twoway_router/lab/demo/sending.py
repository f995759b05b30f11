"""Sends the demo's messages over HTTP as a carrier does; waits for their effects and checks them. Called by ``start``.

It waits for effects, never for time; what must *not* happen is looked at when the message is done, and once more at the end.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from twoway_router.lab.api import ManagementApi
from twoway_router.lab.carrier import SimulatedCarrier
from twoway_router.lab.demo.checks import Effects, ReceivedWebhook, Result, check, read_code
from twoway_router.lab.demo.messages import (
    LONG_NUMBER,
    MESSAGES,
    SHORT_CODE,
    DemoMessage,
    handset_address,
    message_id,
)
from twoway_router.lab.demo.report import DemoReport
from twoway_router.lab.demo.seed import DemoSetup
from twoway_router.lab.dialects.dialect import Mt
from twoway_router.lab.mos import Mo
from twoway_router.lab.sink import WebhookSink

PATIENCE_SECONDS = 20.0
_POLL_SECONDS = 0.02
_STILL_OPEN = ("planned", "claimed", "unknown")


@dataclass(kw_only=True, slots=True)
class _Run:
    """The demo's parts, and what the messages so far have caused. ``operator`` calls the management API."""

    setup: DemoSetup
    carrier: SimulatedCarrier
    sink: WebhookSink
    operator: ManagementApi
    results: list[Result] = field(default_factory=list)
    codes: dict[int, str] = field(default_factory=dict)
    inbound_ids: dict[int, str] = field(default_factory=dict)

    def mts_to(self, handset: str) -> Sequence[Mt]:
        return [mt for mt in self.carrier.mts.items if mt.recipient == handset and not mt.is_repeat]


async def send_messages(
    setup: DemoSetup, carrier: SimulatedCarrier, sink: WebhookSink, api_url: str, operator_key: str
) -> DemoReport:
    """Send every message, wait for its effects, check them."""
    sink.secrets = (setup.webhook_secret,)
    async with ManagementApi(api_url, operator_key) as operator:
        run = _Run(setup=setup, carrier=carrier, sink=sink, operator=operator)
        for index, message in enumerate(MESSAGES):
            effects = await _send(run, index, message)
            run.results.append(check(message, effects, run.codes))
            if (code := read_code(message, effects)) is not None:
                run.codes[index] = code
    # MTs that came after their message had been checked.
    expected = Counter({result.message.handset: 0 for result in run.results})
    for result in run.results:
        expected[result.message.handset] += len(result.effects.replies)
    counts = {name: len(run.mts_to(handset_address(name, setup.run))) for name in expected}
    late = [
        f"{name} got {counts[name]} MTs, not {expected[name]}" for name in expected if counts[name] != expected[name]
    ]
    return DemoReport(results=tuple(run.results), unmet=tuple(late))


async def _send(run: _Run, index: int, message: DemoMessage) -> Effects:
    """Send one message; return when everything that it must cause has happened, or patience is over."""
    setup, handset = run.setup, handset_address(message.handset, run.setup.run)
    mo = Mo(
        id=message_id(index, setup.run_id),
        sender=handset,
        recipient=SHORT_CODE if message.line == "shared" else LONG_NUMBER,
        text=message.text,
    )
    mts_before, hooks_before = len(run.mts_to(handset)), len(run.sink.hooks.items)
    started_ns = time.time_ns()
    emission = await run.carrier.emit(setup.connection.mo_url, mo)
    if message.reply is not None:
        await run.carrier.mts.wait_for(
            lambda _: True if len(run.mts_to(handset)) > mts_before else None, timeout_seconds=PATIENCE_SECONDS
        )
    if message.webhook_rest is not None:
        await run.sink.hooks.wait_for(
            lambda hooks: True if len(hooks) > hooks_before else None, timeout_seconds=PATIENCE_SECONDS
        )
    known = None if message.again is None else run.inbound_ids.get(message.again)
    inbound = await _wait_until_done(run, handset, known)
    run.inbound_ids[index] = str(inbound.get("id"))
    mts, hooks = run.mts_to(handset)[mts_before:], run.sink.hooks.items[hooks_before:]
    route = inbound.get("route") or {}
    word = setup.keywords.get(route.get("keyword_id") or "")
    tenants = {tenant.id: tenant.name for tenant in setup.tenants.values()}
    ended_ns = [*(mt.at_ns for mt in mts), *(hook.at_ns for hook in hooks)]
    return Effects(
        status=emission.status,
        route=str(route.get("outcome", "")),
        rule=str(route.get("rule", "")),
        tenant=tenants.get(inbound.get("tenant_id") or ""),
        keyword=" ".join(filter(None, (word, route.get("sub_keyword")))) or None,
        replies=tuple(mt.text for mt in mts),
        webhooks=tuple(
            ReceivedWebhook(rest=str(hook.data.get("rest", "")), is_signed=hook.is_signed) for hook in hooks
        ),
        milliseconds=(max(ended_ns) - started_ns) / 1e6 if ended_ns else None,
    )


async def _wait_until_done(run: _Run, sender: str, known: str | None) -> dict[str, Any]:
    """The handset's newest inbound message, when it and its MTs are settled; empty when there is none.

    A repeat must have become no message of its own: then the newest one is the ``known`` one.
    """
    others = frozenset(run.inbound_ids.values())
    inbound: dict[str, Any] = {}

    def is_settled() -> bool:
        is_done = bool(inbound) and inbound["state"] != "accepted"
        return is_done and not any(mt["state"] in _STILL_OPEN for mt in inbound["outbound_messages"])

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_settled():
                page = await run.operator.get("/inbound-messages", sender=sender, limit=20)
                fresh = [row["id"] for row in page["data"] if row["id"] not in others]
                if (newest := fresh[0] if fresh else known) is not None:
                    inbound = await run.operator.get(f"/inbound-messages/{newest}")
                if not is_settled():
                    await asyncio.sleep(_POLL_SECONDS)
    return inbound
