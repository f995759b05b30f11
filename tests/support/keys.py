"""The first key of an installation, for tests that set a router up over its management API."""

from datetime import UTC, datetime

from twoway_router.store import Engine, System, transaction
from twoway_router.tenants.rules import KeyWish
from twoway_router.tenants.service import create_key


async def make_operator_key(engine: Engine, name: str) -> str:
    """Its token. A key of an operator may do everything."""
    wish = KeyWish(tenant_id=None, name=name, mode="live", scopes=("*",))
    async with transaction(engine, System("test")) as session:
        return (await create_key(session, wish, now=datetime.now(UTC))).token
