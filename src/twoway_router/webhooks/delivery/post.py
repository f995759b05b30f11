"""Delivers the webhooks that jobs name: the loop of claim, try and settle. Called by ``executor`` with the ids of a job."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from twoway_router.carriers.http import HttpReply
from twoway_router.domain.clock import Clock
from twoway_router.outbound.errors import SendRefused, SendUnknown
from twoway_router.outbound.gate import Gate, Gates
from twoway_router.outbound.http import HttpClient
from twoway_router.outbound.webhook import post_webhook
from twoway_router.store import Engine, Session, System, outbox, transaction
from twoway_router.store.group_commit import GroupCommit
from twoway_router.store.sealing import SealBroken, Sealer
from twoway_router.store.until_stored import until_stored
from twoway_router.telemetry.metrics import PATH_SECONDS, WEBHOOK_ATTEMPTS
from twoway_router.webhooks.delivery.schedule import THROTTLING, judge, read_retry_after, shown
from twoway_router.webhooks.delivery.settling import TellOwners, WebhookResult, WebhookSettler
from twoway_router.webhooks.queries import claims
from twoway_router.webhooks.queries.claims import ClaimedWebhook
from twoway_router.webhooks.rules import signing_secrets
from twoway_router.webhooks.service import JOB

log = structlog.get_logger(__name__)

CLOCK_SKEW: Final = timedelta(seconds=1)
LONGEST_PUT_OFF: Final = timedelta(seconds=60)
WAIT_FOR_ROOM: Final = timedelta(seconds=10)


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookLimits:
    """Times and bounds, from the settings. ``per_endpoint`` keeps a slow endpoint from taking what others need."""

    lease: timedelta
    timeout: timedelta
    per_endpoint: int = 8
    at_once: int = 256


class WebhookDelivery:
    """One per process."""

    def __init__(
        self,
        engine: Engine,
        client: HttpClient,
        sealer: Sealer,
        *,
        limits: WebhookLimits,
        clock: Clock,
        tell_owners: TellOwners,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._engine = engine
        self._client = client
        self._sealer = sealer
        self._limits = limits
        self._clock = clock
        self._chance = chance
        self._gates: Gates[UUID] = Gates(limits.per_endpoint)
        self._room = Gate(limits.at_once)
        settler = WebhookSettler(engine, clock=clock, tell_owners=tell_owners)
        self._claims: GroupCommit[Sequence[UUID], Sequence[ClaimedWebhook]] = GroupCommit(self._claim, max_rows=20)
        self._settles: GroupCommit[WebhookResult, None] = GroupCommit(settler.settle)
        self._under_way: set[asyncio.Task[None]] = set()

    async def deliver(self, ids: Sequence[UUID]) -> None:
        """Return when all that could be claimed is under way; the rest is due later.

        What waits for room here is not claimed: its lease would end before its try begins.
        """
        waiting = list(ids)
        while waiting:
            if not await self._room.wait(WAIT_FOR_ROOM):
                due_at = self._clock() + WAIT_FOR_ROOM * (0.5 + self._chance())
                async with transaction(self._engine, System("executor")) as session:
                    await _put_off(session, dict.fromkeys(waiting, due_at))
                return
            room = self._room.room()
            now_due, waiting = waiting[:room], waiting[room:]
            await self._begin(now_due)

    async def _begin(self, ids: Sequence[UUID]) -> None:
        self._room.enter(len(ids))
        claimed: Sequence[ClaimedWebhook] = ()
        try:
            claimed = await self._claims.submit(ids)
        finally:
            self._room.give_back(len(ids) - len(claimed))
        for each in claimed:
            task = asyncio.get_running_loop().create_task(self._attempt(each))
            self._under_way.add(task)
            task.add_done_callback(self._ended)

    async def drain(self) -> None:
        """Wait until every try under way has settled."""
        while self._under_way:
            await asyncio.wait(self._under_way)
        await self._settles.drain()

    async def _claim(self, jobs: Sequence[Sequence[UUID]]) -> Sequence[Sequence[ClaimedWebhook]]:
        """One look and one claim for all jobs. What has no room at its endpoint is put off, the longer the more waits."""
        now = self._clock()
        async with transaction(self._engine, System("executor")) as session:
            found = await claims.look(session, {each for job in jobs for each in job}, now + CLOCK_SKEW)
            ready, late = self._sort(found, now)
            taken = await claims.claim(session, ready, now, now + CLOCK_SKEW, now + self._limits.lease)
            await _put_off(session, late)
        for each in taken:
            self._gates.of(each.endpoint_id).enter(1)
        owners = {each: position for position, job in enumerate(jobs) for each in job}
        shares: list[list[ClaimedWebhook]] = [[] for _ in jobs]
        for each in taken:
            shares[owners[each.id]].append(each)
        return shares

    def _sort(self, found: Sequence[tuple[UUID, UUID]], now: datetime) -> tuple[Sequence[UUID], dict[UUID, datetime]]:
        ready: list[UUID] = []
        late: dict[UUID, datetime] = {}
        given: dict[UUID, int] = {}
        crowd: dict[UUID, int] = {}
        for delivery_id, endpoint_id in found:
            gate = self._gates.of(endpoint_id)
            if rests_until := gate.rests_until(now):
                late[delivery_id] = rests_until + timedelta(seconds=self._chance())
            elif gate.room() <= given.get(endpoint_id, 0):
                crowd[endpoint_id] = crowd.get(endpoint_id, 0) + 1
                wait = timedelta(seconds=1 + 0.2 * crowd[endpoint_id]) * (0.5 + self._chance())
                late[delivery_id] = now + min(wait, LONGEST_PUT_OFF)
            else:
                given[endpoint_id] = given.get(endpoint_id, 0) + 1
                ready.append(delivery_id)
        return ready, late

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A result that could not be stored stays claimed; when its lease ends it is tried again."""
        self._under_way.discard(task)
        self._room.give_back(1)
        if not task.cancelled() and (error := task.exception()):
            log.error("webhook.settle_failed", error=type(error).__name__)

    async def _attempt(self, claimed: ClaimedWebhook) -> None:
        started_at = self._clock()
        reply: HttpReply | None = None
        reason: str | None = None
        try:
            reply = await self._post(claimed, started_at)
        except (SendRefused, SendUnknown) as error:
            reason = error.reason
        except SealBroken:
            reason = "secret_unreadable"
        finally:
            now = self._clock()
            is_throttled = reply is not None and reply.status in THROTTLING
            pause = read_retry_after(reply, now) if reply and is_throttled else None
            self._gates.of(claimed.endpoint_id).leave(
                has_answered=reply is not None, now=now, pause=min(pause, LONGEST_PUT_OFF) if pause else None
            )
        verdict = judge(reply, reason, claimed.attempt, now, self._chance())
        WEBHOOK_ATTEMPTS.labels(verdict.state).inc()
        if claimed.attempt == 1:
            PATH_SECONDS.labels("webhook").observe(max(0.0, (now - claimed.created_at).total_seconds()))
        result = WebhookResult(
            claimed=claimed,
            verdict=verdict,
            status=reply.status if reply else None,
            response=shown(reply.body) if reply else None,
            started_at=started_at,
            finished_at=now,
        )
        await until_stored(lambda: self._settles.submit(result))

    async def _post(self, claimed: ClaimedWebhook, now: datetime) -> HttpReply:
        secrets = signing_secrets(self._sealer.open(claimed.secrets), claimed.previous_secret_expires_at, now)
        return await post_webhook(
            self._client,
            claimed.url,
            webhook_id=str(claimed.id),
            body=claimed.body,
            secrets=secrets,
            now=now,
            timeout=self._limits.timeout,
        )


async def _put_off(session: Session, due: Mapping[UUID, datetime]) -> None:
    """Make pending deliveries due later, each with a job at its time."""
    if due:
        late = await claims.postpone(session, due)
        await outbox.add_later(session, JOB, list(late), [0] * len(late), list(late.values()))
