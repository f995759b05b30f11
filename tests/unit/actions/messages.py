"""A message whose actions run, for tests of what is planned for it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tests.cast import ANN
from twoway_router.actions.context import RunMessage
from twoway_router.domain.ids import InboundMessageId, NumberId, TenantId, new_id
from twoway_router.numbers.rules import RunNumber

NUMBER = RunNumber(
    id=NumberId(new_id()),
    address="12345",
    country="IT",
    zone=ZoneInfo("Europe/Rome"),
    languages=("it", "en"),
    texts={},
    owner=None,
)
MESSAGE = RunMessage(
    id=InboundMessageId(new_id()),
    tenant_id=TenantId(new_id()),
    tenant_name="Pizzeria",
    number=NUMBER,
    sender=ANN,
    text="PIZZA large",
    rest="large",
    route="keyword",
    keyword_id=new_id(),
    word="PIZZA",
    sub_keyword=None,
    language="",
    reply_token=None,
    received_at=datetime(2027, 3, 1, 12, 0, tzinfo=UTC),
)
