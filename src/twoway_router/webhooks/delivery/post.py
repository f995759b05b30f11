"""Delivers the webhooks that jobs name, by ``outbound.delivery_loop``. Made by ``executor``, called with the ids of a job."""

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from twoway_router.carriers.http import HttpReply
from twoway_router.domain.clock import Clock
from twoway_router.outbound.delivery_loop import LONGEST_PUT_OFF, DeliveryLoop, Tried
from twoway_router.outbound.errors import SendRefused, SendUnknown
from twoway_router.outbound.gate import Gate, Gates
from twoway_router.outbound.http import HttpClient
from twoway_router.outbound.webhook import post_webhook
from twoway_router.store import Engine, Session, outbox
from twoway_router.store.sealing import SealBroken, Sealer
from twoway_router.telemetry.metrics import PATH_SECONDS, WEBHOOK_ATTEMPTS
from twoway_router.webhooks.delivery.schedule import THROTTLING, judge, read_retry_after, shown
from twoway_router.webhooks.delivery.settling import TellOwners, WebhookResult, WebhookSettler
from twoway_router.webhooks.queries import claims
from twoway_router.webhooks.queries.claims import ClaimedWebhook, DueWebhook
from twoway_router.webhooks.rules import signing_secrets
from twoway_router.webhooks.service import JOB

CLOCK_SKEW: Final = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookLimits:
    """Times and bounds, from the settings. ``process_number`` is the process that claims.

    ``per_endpoint`` keeps a slow endpoint from taking what others need.
    """

    lease: timedelta
    timeout: timedelta
    process_number: int | None = None
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
        self._client = client
        self._sealer = sealer
        self._limits = limits
        self._clock = clock
        self._chance = chance
        self.settle = WebhookSettler(engine, clock=clock, tell_owners=tell_owners).settle
        self._loop = DeliveryLoop(
            engine,
            self,
            name="webhook",
            room=Gate(limits.at_once),
            gates=Gates(limits.per_endpoint),
            clock=clock,
            chance=chance,
            puts_off=True,
        )
        self.deliver = self._loop.deliver
        self.drain = self._loop.drain

    async def look(self, session: Session, ids: Collection[UUID], now: datetime) -> Sequence[DueWebhook]:
        """Deliveries that are due."""
        return await claims.look(session, ids, now + CLOCK_SKEW)

    async def claim(self, session: Session, rows: Sequence[DueWebhook], now: datetime) -> Sequence[ClaimedWebhook]:
        """Claim them; those of a disabled endpoint fail."""
        limits = self._limits
        lease_until = now + limits.lease
        ids = [row.id for row in rows]
        return await claims.claim(session, ids, now, now + CLOCK_SKEW, lease_until, limits.process_number)

    async def postpone(self, session: Session, dues: Mapping[UUID, datetime], reason: str) -> None:
        """Make pending deliveries due later."""
        if dues:
            late = await claims.postpone(session, dues)
            await outbox.add_later(session, JOB, list(late), [0] * len(late), list(late.values()))

    async def attempt(self, claimed: ClaimedWebhook) -> Tried[WebhookResult]:
        """Sign and post one delivery."""
        started_at = self._clock()
        reply: HttpReply | None = None
        reason: str | None = None
        try:
            reply = await post_webhook(
                self._client,
                claimed.url,
                webhook_id=str(claimed.id),
                body=claimed.body,
                secrets=signing_secrets(
                    self._sealer.open(claimed.secrets), claimed.previous_secret_expires_at, started_at
                ),
                now=started_at,
                timeout=self._limits.timeout,
            )
        except (SendRefused, SendUnknown) as error:
            reason = error.reason
        except SealBroken:
            reason = "secret_unreadable"
        now = self._clock()
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
        pause = read_retry_after(reply, now) if reply and reply.status in THROTTLING else None
        return Tried(
            result=result, has_answered=reply is not None, pause=min(pause, LONGEST_PUT_OFF) if pause else None
        )
