"""Action ``call_webhook``: queue the event ``keyword.matched`` for one of the tenant's endpoints."""

from collections.abc import Sequence
from typing import Final, Literal
from uuid import UUID

from pydantic import Field

from twoway_router.actions.context import Run, RunContext
from twoway_router.actions.kind import ActionKind, Reference
from twoway_router.actions.spec import ActionBase
from twoway_router.domain.ids import WebhookEndpointId
from twoway_router.domain.outcomes import Done, Failed, Outcome
from twoway_router.events.catalogue import KeywordMatched
from twoway_router.store import Session
from twoway_router.webhooks.rules import DeliveryDraft
from twoway_router.webhooks.service import list_known_endpoints, queue_deliveries


class CallWebhookSpec(ActionBase):
    """Deliver the event ``keyword.matched`` to one of the tenant's webhook endpoints."""

    kind: Literal["call_webhook"]
    endpoint_id: UUID = Field(description="One of your endpoints, whatever events it is subscribed to.")


async def run(session: Session, runs: Sequence[Run[CallWebhookSpec]], context: RunContext) -> Sequence[Outcome]:
    """One delivery per run, with the values of the actions before it."""
    ids = await queue_deliveries(session, [_draft(each) for each in runs], now=context.now)
    return [
        Failed(reason="endpoint_gone") if delivery_id is None else Done(values={"delivery_id": str(delivery_id)})
        for delivery_id in ids
    ]


def _draft(each: Run[CallWebhookSpec]) -> DeliveryDraft:
    message = each.message
    facts = {
        "inbound_message_id": message.id,
        "number": message.number.address,
        "country": message.number.country,
        "sender": message.sender,
        "text": message.text,
        "keyword_id": message.keyword_id,
        "keyword": message.word,
        "sub_keyword": message.sub_keyword,
        "rest": message.rest,
        "window": message.window.value,
        "received_at": message.received_at,
        "values": each.values,
    }
    return DeliveryDraft(
        tenant_id=message.owner,
        endpoint_id=WebhookEndpointId(each.spec.endpoint_id),
        event_type="keyword.matched",
        data=KeywordMatched.model_validate(facts).model_dump(mode="json"),
        key=each.key,
    )


KIND: Final = ActionKind(
    spec=CallWebhookSpec,
    run=run,
    references=(Reference(field="endpoint_id", noun="endpoint", list_known=list_known_endpoints),),
)
