"""Identifiers and addresses as distinct types, so that a tenant's id can never stand in for a number's."""

from typing import NewType
from uuid import UUID

import uuid_utils.compat

TenantId = NewType("TenantId", UUID)
ApiKeyId = NewType("ApiKeyId", UUID)
ConnectionId = NewType("ConnectionId", UUID)
NumberId = NewType("NumberId", UUID)
KeywordId = NewType("KeywordId", UUID)
InboundMessageId = NewType("InboundMessageId", UUID)
OutboundMessageId = NewType("OutboundMessageId", UUID)
CouponPoolId = NewType("CouponPoolId", UUID)
CouponCodeId = NewType("CouponCodeId", UUID)
WebhookEndpointId = NewType("WebhookEndpointId", UUID)
WebhookDeliveryId = NewType("WebhookDeliveryId", UUID)

Msisdn = NewType("Msisdn", str)
"""A phone number in E.164 with its leading ``+``; only ``domain.msisdn.read_msisdn`` makes one."""


def new_id() -> UUID:
    """A fresh UUIDv7 (RFC 9562); ids made by one process are strictly increasing. PostgreSQL below 18 makes none."""
    return uuid_utils.compat.uuid7()
