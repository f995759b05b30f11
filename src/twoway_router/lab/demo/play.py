"""Plays the demo: each message comes in over HTTP as from a carrier; then its effects are waited for and judged.

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
from twoway_router.lab.demo import scenes
from twoway_router.lab.demo.judge import Heard, Seen, Verdict, judge, read_code
from twoway_router.lab.demo.render import DemoReport
from twoway_router.lab.demo.scenes import SCENES, Scene, handset_address, message_id
from twoway_router.lab.demo.world import DemoWorld
from twoway_router.lab.dialects.dialect import Mt
from twoway_router.lab.emitter import Emission
from twoway_router.lab.mos import Mo
from twoway_router.lab.sink import Hook, WebhookSink

PATIENCE_SECONDS = 20.0
_POLL_SECONDS = 0.02
_STILL_OPEN = ("planned", "claimed", "unknown")


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """The world with its players. ``operator`` calls the management API."""

    world: DemoWorld
    carrier: SimulatedCarrier
    sink: WebhookSink
    operator: ManagementApi


@dataclass(kw_only=True, slots=True)
class _Played:
    verdicts: list[Verdict] = field(default_factory=list)
    codes: dict[int, str] = field(default_factory=dict)
    messages: dict[int, str] = field(default_factory=dict)
    """Inbound messages' ids by scene."""


async def play(
    world: DemoWorld, carrier: SimulatedCarrier, sink: WebhookSink, api_url: str, operator_key: str
) -> DemoReport:
    """Send every message, wait for what comes of it, judge it."""
    sink.secrets = (world.webhook_secret,)
    played = _Played()
    async with ManagementApi(api_url, operator_key) as operator:
        stage = Stage(world=world, carrier=carrier, sink=sink, operator=operator)
        for index, scene in enumerate(SCENES):
            seen = await _play_scene(stage, index, scene, played)
            verdict = judge(scene, seen, played.codes)
            played.verdicts.append(verdict)
            if (code := read_code(scene, seen)) is not None:
                played.codes[index] = code
    return DemoReport(verdicts=tuple(played.verdicts), unmet=tuple(_late_effects(stage, played.verdicts)))


async def _play_scene(stage: Stage, index: int, scene: Scene, played: _Played) -> Seen:
    """Send one message; return when everything that it must cause has happened, or patience is over."""
    handset = handset_address(scene.handset, stage.world.run)
    mo = Mo(
        id=message_id(index, stage.world.run_id),
        sender=handset,
        recipient=scenes.SHORT_CODE if scene.line == "shared" else scenes.LONG_NUMBER,
        text=scene.text,
    )
    mts_before = len(_mts_to(stage.carrier.mts.items, handset))
    hooks_before = len(stage.sink.hooks.items)
    started_ns = time.time_ns()
    emission = await stage.carrier.emit(stage.world.connection.mo_url, mo)
    if scene.reply is not None:
        await stage.carrier.mts.wait_for(
            lambda mts: True if len(_mts_to(mts, handset)) > mts_before else None, timeout_seconds=PATIENCE_SECONDS
        )
    if scene.hears is not None:
        await stage.sink.hooks.wait_for(
            lambda hooks: True if len(hooks) > hooks_before else None, timeout_seconds=PATIENCE_SECONDS
        )
    known = None if scene.again is None else played.messages.get(scene.again)
    message = await _wait_until_done(stage.operator, handset, known, frozenset(played.messages.values()))
    played.messages[index] = str(message.get("id"))
    mts = _mts_to(stage.carrier.mts.items, handset)[mts_before:]
    hooks = stage.sink.hooks.items[hooks_before:]
    return _seen(stage.world, emission, message, mts, hooks, started_ns)


def _mts_to(mts: Sequence[Mt], handset: str) -> Sequence[Mt]:
    return [mt for mt in mts if mt.recipient == handset and not mt.is_repeat]


async def _wait_until_done(
    operator: ManagementApi, sender: str, known: str | None, others: frozenset[str]
) -> dict[str, Any]:
    """The handset's newest message with its story, when it and its MTs are settled; empty when there is none.

    A repeat must have become no message of its own: then the newest one is the ``known`` one.
    """
    story: dict[str, Any] = {}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not _is_settled(story):
                page = await operator.get("/inbound-messages", sender=sender, limit=20)
                fresh = [row["id"] for row in page["data"] if row["id"] not in others]
                if (wanted := fresh[0] if fresh else known) is not None:
                    story = await operator.get(f"/inbound-messages/{wanted}")
                if not _is_settled(story):
                    await asyncio.sleep(_POLL_SECONDS)
    return story


def _is_settled(story: dict[str, Any]) -> bool:
    return (
        bool(story)
        and story["state"] != "accepted"
        and not any(mt["state"] in _STILL_OPEN for mt in story["outbound_messages"])
    )


def _seen(
    world: DemoWorld,
    emission: Emission,
    message: dict[str, Any],
    mts: Sequence[Mt],
    hooks: Sequence[Hook],
    started_ns: int,
) -> Seen:
    route = message.get("route") or {}
    word = world.keywords.get(route.get("keyword_id") or "")
    tenants = {tenant.id: tenant.name for tenant in world.tenants.values()}
    effects = [*(mt.at_ns for mt in mts), *(hook.at_ns for hook in hooks)]
    return Seen(
        status=emission.status,
        route=str(route.get("outcome", "")),
        rule=str(route.get("rule", "")),
        tenant=tenants.get(message.get("tenant_id") or ""),
        keyword=" ".join(filter(None, (word, route.get("sub_keyword")))) or None,
        replies=tuple(mt.text for mt in mts),
        heard=tuple(Heard(rest=_rest(hook), is_signed=hook.is_signed) for hook in hooks),
        milliseconds=(max(effects) - started_ns) / 1e6 if effects else None,
    )


def _rest(hook: Hook) -> str:
    """The text after the keyword, as the event tells it."""
    return str(hook.data.get("rest", ""))


def _late_effects(stage: Stage, verdicts: Sequence[Verdict]) -> Sequence[str]:
    """Effects that came after their scene had been judged."""
    counted = Counter({verdict.scene.handset: 0 for verdict in verdicts})
    for verdict in verdicts:
        counted[verdict.scene.handset] += len(verdict.seen.replies)
    found = {name: _mts_to(stage.carrier.mts.items, handset_address(name, stage.world.run)) for name in counted}
    return [
        f"{name} got {len(found[name])} MTs, not {counted[name]}"
        for name in counted
        if len(found[name]) != counted[name]
    ]
