"""``twoway-router keys``: makes, lists and revokes API keys on the database, for the first key and for lost ones."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

import typer

from twoway_router.cli.work import in_transaction
from twoway_router.domain.clock import utc_now
from twoway_router.domain.ids import TenantId
from twoway_router.store import Session
from twoway_router.store.audit import SYSTEM
from twoway_router.tenants import service
from twoway_router.tenants.rules import SCOPES, KeyWish
from twoway_router.tenants.tables import ApiKeys
from twoway_router.web.audit import Trail

app = typer.Typer(no_args_is_help=True, help="API keys of operators and tenants.")


@app.command()
def create(
    operator: Annotated[bool, typer.Option("--operator", help="A key that sees and may do everything.")] = False,
    tenant: Annotated[UUID | None, typer.Option(help="A key of this tenant.")] = None,
    name: Annotated[str, typer.Option(help="What the key is for.")] = "made on the command line",
    scope: Annotated[list[str] | None, typer.Option(help="What it may do; repeatable. Everything if left out.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="Expires after so many days.")] = None,
    test: Annotated[bool, typer.Option("--test", help="A key of the tenant's sandbox: twr_test_…")] = False,
) -> None:
    """Make a key and print it. It cannot be shown again."""
    if operator is (tenant is not None):
        raise typer.BadParameter("give --operator or --tenant")
    if unknown := set(scope or ()) - SCOPES:
        raise typer.BadParameter(f"no such scope: {', '.join(sorted(unknown))}. Known: {', '.join(sorted(SCOPES))}")
    now = utc_now()
    wish = KeyWish(
        tenant_id=TenantId(tenant) if tenant else None,
        name=name,
        mode="test" if test else "live",
        scopes=tuple(scope or ("*",)),
        expires_at=now + timedelta(days=days) if days else None,
    )

    async def make(session: Session) -> str:
        if wish.tenant_id is not None:
            await service.get_tenant(session, wish.tenant_id)
        new = await service.create_key(session, wish, now=now)
        await Trail(session=session, by=SYSTEM, now=now).made("api_key.created", "api_keys", new.row.id)
        return new.token

    typer.echo(in_transaction(make))


@app.command("list")
def list_keys() -> None:
    """List all keys: kid, owner, state, name."""

    async def read(session: Session) -> list[ApiKeys]:
        return list(await service.list_keys(session, tenant_id=None, after=None, limit=1000))

    for key in in_transaction(read):
        state = "revoked" if key.revoked_at else f"expires {key.expires_at:%Y-%m-%d}" if key.expires_at else "active"
        typer.echo(f"{key.id}  {key.kid}  {key.tenant_id or 'operator'}  {state}  {key.name}")


@app.command()
def revoke(key_id: Annotated[UUID, typer.Argument(help="The key's id, as `keys list` shows it.")]) -> None:
    """Revoke a key for ever. It is refused within five seconds."""
    now = utc_now()

    async def end(session: Session) -> None:
        async with Trail(session=session, by=SYSTEM, now=now).changing("api_key.revoked", "api_keys", key_id):
            await service.revoke_key(session, key_id, within=None, now=now)

    in_transaction(end)
