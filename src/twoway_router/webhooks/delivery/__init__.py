"""Job ``webhook.deliver``: claim deliveries, sign and post them with no transaction open, settle what came back.

Webhooks are at least once: what a crash leaves claimed is tried again when its lease ends, with the same ``webhook-id``.
"""

from twoway_router.webhooks.delivery.post import WebhookDelivery, WebhookLimits
from twoway_router.webhooks.delivery.settling import TellOwners

__all__ = ["TellOwners", "WebhookDelivery", "WebhookLimits"]
