"""The named cast of all tests and builders with defaults. Rows are written through the services that write them for real."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final
from uuid import UUID

from twoway_router.domain.causes import Cause, CauseKind, EffectKey
from twoway_router.domain.ids import (
    ConnectionId,
    InboundMessageId,
    Msisdn,
    NumberId,
    OutboundMessageId,
    TenantId,
    new_id,
)
from twoway_router.domain.messages import NumberKind, Sharing
from twoway_router.inbound.tables import InboundMessages
from twoway_router.mts.tables import OutboundMessages
from twoway_router.numbers import connection_service as connections
from twoway_router.numbers import service as numbers
from twoway_router.numbers.connection_schemas import ConnectionIn
from twoway_router.numbers.schemas import NumberIn
from twoway_router.numbers.texts import NumberTexts
from twoway_router.store import Session
from twoway_router.store.periods import first_id_of
from twoway_router.store.sealing import Sealer
from twoway_router.tenants import service as tenants
from twoway_router.tenants.rules import KeyWish
from twoway_router.web.auth import KeyMode

PIZZERIA: Final = "Pizzeria Bella"
GYM: Final = "Palestra Forte"
SHARED: Final = "12345"
OWNED: Final = "+39065550100"
ANN: Final = Msisdn("+393200000001")
BOB: Final = Msisdn("+393200000002")
NOON: Final = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
SEALER: Final = Sealer([bytes(range(32))])
PUBLIC_URL: Final = "https://in.router.example"


@dataclass(kw_only=True, slots=True)
class FakeClock:
    """A clock that stands still until it is told to go on."""

    now: datetime = field(default=NOON)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        """Go on by ``timedelta(**duration)``."""
        self.now += timedelta(**duration)


async def a_tenant(session: Session, name: str = PIZZERIA) -> TenantId:
    """A tenant."""
    return TenantId((await tenants.create_tenant(session, name, None)).id)


async def a_connection(
    session: Session, name: str = "lab", *, country: str = "IT", key: str = "carrier-key"
) -> ConnectionId:
    """A connection to the generic carrier."""
    wanted = ConnectionIn(
        name=name,
        carrier="generic",
        country=country,
        settings={"send_url": "https://lab.example/send"},
        secrets={"key": key},
    )
    row = wanted.to_row(new_id(), NOON)
    return ConnectionId((await connections.create_connection(session, SEALER, row, wanted.secrets)).id)


async def a_number(
    session: Session,
    connection_id: ConnectionId,
    address: str = SHARED,
    *,
    country: str = "IT",
    owner: TenantId | None = None,
    languages: tuple[str, ...] = ("it", "en"),
    texts: Mapping[str, str] | None = None,
) -> NumberId:
    """A shared short code, or a dedicated number when it has an owner or a plus."""
    is_long = address.startswith("+")
    wanted = NumberIn(
        country=country,
        address=address,
        kind=NumberKind.LONG_CODE if is_long else NumberKind.SHORT_CODE,
        sharing=Sharing.DEDICATED if is_long or owner else Sharing.SHARED,
        connection_id=connection_id,
        tenant_id=owner,
        languages=languages,
        time_zone="Europe/Rome",
        texts=NumberTexts(**(texts or {})),
    )
    return NumberId((await numbers.create_number(session, wanted.to_row(new_id(), NOON))).id)


_made = count(1)


def an_id(at: datetime) -> UUID:
    """A UUIDv7 made at a moment; later ones are higher."""
    return UUID(int=first_id_of(at).int | next(_made))


async def an_inbound(
    session: Session, connection_id: ConnectionId, number_id: NumberId | None, **columns: Any
) -> InboundMessageId:
    """An MO as the ingress stores it; without a tenant nobody's."""
    message_id = an_id(columns.get("received_at", NOON))
    values: dict[str, Any] = {
        "carrier_message_id": str(message_id),
        "sender": ANN,
        "sender_kind": "msisdn",
        "recipient": SHARED,
        "text": "PIZZA grande",
        "state": "done",
        "order_key": 1,
        "route": "keyword" if columns.get("tenant_id") else "none",
        "rule": "keyword",
        "rest": "grande",
        "route_details": {"word": "PIZZA"},
        "received_at": NOON,
    }
    session.add(InboundMessages(id=message_id, connection_id=connection_id, number_id=number_id, **(values | columns)))
    await session.flush()
    return InboundMessageId(message_id)


async def an_outbound(
    session: Session, connection_id: ConnectionId, number_id: NumberId, **columns: Any
) -> OutboundMessageId:
    """An MT as the ledger keeps it, handed over."""
    message_id = an_id(columns.get("created_at", NOON))
    values: dict[str, Any] = {
        "cause_id": new_id(),
        "cause_kind": CauseKind.INBOUND_MESSAGE,
        "sender": SHARED,
        "recipient": ANN,
        "text": "La tua pizza arriva",
        "encoding": "gsm7",
        "segments": 1,
        "origin": "reply",
        "state": "handed_over",
        "order_key": 1,
        "first_due_at": NOON,
        "due_at": NOON,
        "expires_at": NOON + timedelta(hours=12),
        "created_at": NOON,
    }
    session.add(OutboundMessages(id=message_id, connection_id=connection_id, number_id=number_id, **(values | columns)))
    await session.flush()
    return OutboundMessageId(message_id)


async def a_key(
    session: Session,
    tenant_id: TenantId | None,
    *,
    scopes: tuple[str, ...] = ("*",),
    expires_at: datetime | None = None,
    now: datetime = NOON,
    mode: KeyMode = "live",
) -> str:
    """The token of a new API key; without a tenant an operator's; a test key is the sandbox's."""
    wish = KeyWish(tenant_id=tenant_id, name=f"key {new_id()}", mode=mode, scopes=scopes, expires_at=expires_at)
    return (await tenants.create_key(session, wish, now=now)).token


def an_effect(kind: CauseKind = CauseKind.API_REQUEST, ordinal: int = 0) -> EffectKey:
    """The key of an effect of something that has just happened."""
    return EffectKey(cause=Cause(kind=kind, id=new_id()), ordinal=ordinal)
