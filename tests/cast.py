"""The named cast of all tests and builders with defaults. Rows are written through the services that write them for real."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from twoway_router.domain.ids import ConnectionId, Msisdn, NumberId, TenantId
from twoway_router.domain.messages import NumberKind, Sharing
from twoway_router.kit.ids import new_id
from twoway_router.kit.sealing import Sealer
from twoway_router.numbers import service as numbers
from twoway_router.numbers.schemas import ConnectionIn, NumberIn, NumberTexts
from twoway_router.store import Session
from twoway_router.tenants import service as tenants
from twoway_router.tenants.rules import KeyWish

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
    return ConnectionId((await numbers.create_connection(session, SEALER, row, wanted.secrets)).id)


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


async def a_key(
    session: Session,
    tenant_id: TenantId | None,
    *,
    scopes: tuple[str, ...] = ("*",),
    expires_at: datetime | None = None,
    now: datetime = NOON,
) -> str:
    """The token of a new API key; without a tenant an operator's."""
    wish = KeyWish(tenant_id=tenant_id, name=f"key {new_id()}", mode="test", scopes=scopes, expires_at=expires_at)
    return (await tenants.create_key(session, wish, now=now)).token
