"""Stores what webhook tries brought, many in one transaction, and disables endpoints that are gone. Called by ``post``."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from twoway_router.domain.causes import Cause, CauseKind, EffectKey
from twoway_router.domain.clock import Clock
from twoway_router.domain.ids import TenantId
from twoway_router.events.catalogue import EndpointDisabled
from twoway_router.events.news import Event, News
from twoway_router.store import Engine, Session, System, outbox, transaction
from twoway_router.webhooks.delivery.schedule import DISABLE_AFTER, Verdict
from twoway_router.webhooks.listener import tell_endpoints
from twoway_router.webhooks.queries import claims
from twoway_router.webhooks.queries.claims import ClaimedWebhook, DisabledEndpoint
from twoway_router.webhooks.service import JOB

TellOwners = Callable[[Session, Sequence[DisabledEndpoint], datetime], Awaitable[None]]
"""What else happens when endpoints are disabled: the executor sends their owners an e-mail."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookResult:
    """One try and what it means."""

    claimed: ClaimedWebhook
    verdict: Verdict
    status: int | None
    response: str | None
    started_at: datetime
    finished_at: datetime


class WebhookSettler:
    """Turns results into rows."""

    def __init__(self, engine: Engine, *, clock: Clock, tell_owners: TellOwners) -> None:
        self._engine = engine
        self._clock = clock
        self._tell_owners = tell_owners

    async def settle(self, results: Sequence[WebhookResult]) -> Sequence[None]:
        """One transaction for all of them."""
        now = self._clock()
        columns: dict[str, Sequence[object]] = {
            "ids": [each.claimed.id for each in results],
            "attempts": [each.claimed.attempt for each in results],
            "states": [each.verdict.state for each in results],
            "reasons": [each.verdict.reason for each in results],
            "statuses": [each.status for each in results],
            "due": [each.verdict.due_at for each in results],
            "tenants": [each.claimed.tenant_id for each in results],
            "outcomes": ["done" if each.verdict.state == "done" else "failed" for each in results],
            "responses": [each.response for each in results],
            "started": [each.started_at for each in results],
            "finished": [each.finished_at for each in results],
        }
        async with transaction(self._engine, System("executor")) as session:
            settled = await claims.settle(session, columns, now)
            due = [(each.claimed.id, each.verdict.due_at) for each in results if each.claimed.id in settled]
            again = {delivery_id: due_at for delivery_id, due_at in due if due_at is not None}
            await outbox.add_later(session, JOB, list(again), [0] * len(again), list(again.values()))
            healthy = {each.claimed.endpoint_id for each in results if each.verdict.state == "done"}
            failing = {each.claimed.endpoint_id for each in results} - healthy
            gone = {each.claimed.endpoint_id for each in results if each.verdict.is_gone}
            await claims.note_health(session, healthy, failing, now)
            keys = {
                each.claimed.endpoint_id: EffectKey(
                    cause=Cause(kind=CauseKind.WEBHOOK_DELIVERY, id=each.claimed.id), generation=each.claimed.attempt
                )
                for each in results
            }
            disabled = await claims.disable(session, gone, failing, keys, now, now - DISABLE_AFTER)
            await tell_endpoints(session, News(events=tuple(_event(endpoint) for endpoint in disabled)), now)
            if disabled:
                await self._tell_owners(session, disabled, now)
        return [None] * len(results)


def _event(endpoint: DisabledEndpoint) -> Event:
    data = EndpointDisabled(
        endpoint_id=endpoint.id, url=endpoint.url, failing_since=endpoint.failing_since, reason=endpoint.reason
    )
    return Event(
        tenant_id=TenantId(endpoint.tenant_id),
        type="endpoint.disabled",
        data=data,
        key=endpoint.key,
    )
