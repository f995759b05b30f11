"""Writes to a tenant whose webhook endpoint was disabled: its webhooks may be what is broken. Given to ``webhooks.delivery``."""

from collections.abc import Sequence
from datetime import datetime

from twoway_router.domain.ids import TenantId
from twoway_router.emails.service import EmailDraft, queue_emails
from twoway_router.store import Session
from twoway_router.webhooks.service import DisabledEndpoint

_BODY = (
    "Your webhook endpoint {url} gets no more events: {why}.\n\n"
    "Its deliveries are kept. Enable the endpoint again and redeliver what failed."
)
_WHY = {"gone": "it answered 410 Gone", "failing_for_five_days": "every delivery has failed since {since}"}


async def email_owners(session: Session, disabled: Sequence[DisabledEndpoint], now: datetime) -> None:
    """One e-mail per endpoint whose tenant has a contact address."""
    drafts = [
        EmailDraft(
            tenant_id=TenantId(endpoint.tenant_id),
            key=endpoint.key,
            recipient=endpoint.contact_email,
            subject="A webhook endpoint was disabled",
            body=_BODY.format(
                url=endpoint.url, why=_WHY[endpoint.reason].format(since=f"{endpoint.failing_since:%Y-%m-%d %H:%M} UTC")
            ),
        )
        for endpoint in disabled
        if endpoint.contact_email
    ]
    await queue_emails(session, drafts, now=now)


async def tell_nobody(session: Session, disabled: Sequence[DisabledEndpoint], now: datetime) -> None:
    """Without an SMTP server the event is all there is."""
