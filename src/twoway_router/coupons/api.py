"""``/v1/coupon-pools`` and ``/v1/coupon-codes``: make pools, upload codes, redeem and void."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from twoway_router.coupons import queries, service
from twoway_router.coupons.rules import TooManyTries, read_csv
from twoway_router.coupons.schemas import (
    CodeCounts,
    CodeOut,
    CodesIn,
    CodeState,
    FoundCodeOut,
    PoolIn,
    PoolOut,
    PoolPatch,
    PoolWithCounts,
    UploadOut,
)
from twoway_router.coupons.tables import CouponPools
from twoway_router.domain.errors import Conflict, NotFound
from twoway_router.domain.ids import CouponPoolId
from twoway_router.web.audit import CurrentTrail
from twoway_router.web.auth import CurrentPrincipal, CurrentTenant
from twoway_router.web.context import Context, DbSession, Now
from twoway_router.web.etags import IfMatch, tagged
from twoway_router.web.paging import Page, Pages
from twoway_router.web.route import api_router

pools = api_router("/coupon-pools", resource="coupons", tag="Coupons")
codes = api_router("/coupon-codes", resource="coupons", tag="Coupons")

TypedCode = Annotated[str, Path(min_length=1, max_length=100, examples=["BURGER-7K3M-2QXN-5TGA-9WHP"])]
_UPLOAD_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": CodesIn.model_json_schema()},
            "text/csv": {"schema": {"type": "string"}, "example": "code\nSAVE-0001\nSAVE-0002\n"},
        },
    }
}


def _revision(pool: CouponPools) -> int:
    return int(pool.updated_at.timestamp() * 1_000_000)


@pools.post("", status_code=201)
async def create_coupon_pool(
    body: PoolIn, tenant: CurrentTenant, session: DbSession, now: Now, response: Response
) -> PoolOut:
    """Make a pool of coupon codes."""
    pool = await service.create_pool(session, tenant, body.model_dump(), now=now)
    response.headers["Location"] = f"/v1/coupon-pools/{pool.id}"
    return tagged(response, _revision(pool), PoolOut.of(pool))


@pools.get("")
async def list_coupon_pools(tenant: CurrentTenant, session: DbSession, pages: Pages) -> Page[PoolOut]:
    """List your pools, newest first."""
    rows = await queries.list_pools(session, tenant, after=pages.after, limit=pages.fetch)
    return pages.page(rows, PoolOut.of)


@pools.get("/{pool_id}")
async def get_coupon_pool(
    pool_id: UUID, tenant: CurrentTenant, session: DbSession, response: Response
) -> PoolWithCounts:
    """Read a pool with the number of its codes in each state."""
    pool = await service.get_pool(session, tenant, CouponPoolId(pool_id))
    counts = CodeCounts.model_validate(await queries.count_codes(session, tenant, pool.id))
    return tagged(response, _revision(pool), PoolWithCounts.of(pool).model_copy(update={"codes": counts}))


@pools.patch("/{pool_id}")
async def change_coupon_pool(
    pool_id: UUID,
    body: PoolPatch,
    tenant: CurrentTenant,
    session: DbSession,
    now: Now,
    expected: IfMatch,
    response: Response,
) -> PoolOut:
    """Change a pool's name, limit or end."""
    pool = await service.get_pool(session, tenant, CouponPoolId(pool_id), for_update=True)
    expected.check(_revision(pool))
    changed = await service.change_pool(session, pool, body.model_dump(exclude_unset=True), now=now)
    return tagged(response, _revision(changed), PoolOut.of(changed))


@pools.post("/{pool_id}/codes", status_code=201, openapi_extra=_UPLOAD_BODY)
async def upload_coupon_codes(
    pool_id: UUID, request: Request, tenant: CurrentTenant, session: DbSession, now: Now
) -> UploadOut:
    """Add up to 10,000 codes, as JSON or as CSV (one code a line). Codes you already have are reported, not an error."""
    body = await _read_codes(request)
    result = await service.upload_codes(session, tenant, CouponPoolId(pool_id), body.codes, now=now)
    return UploadOut.model_validate(result, from_attributes=True)


@codes.get("")
async def list_coupon_codes(
    tenant: CurrentTenant,
    session: DbSession,
    pages: Pages,
    pool_id: UUID | None = None,
    state: CodeState | None = None,
    sender: Annotated[str | None, Query(pattern=r"^\+[0-9]{3,15}$", examples=["+390000000001"])] = None,
) -> Page[CodeOut]:
    """List codes, newest first."""
    rows = await queries.list_codes(
        session, tenant, pool_id=pool_id, state=state, sender=sender, after=pages.after, limit=pages.fetch
    )
    return pages.page(rows, CodeOut.of)


@codes.get("/{code}")
async def get_coupon_code(code: TypedCode, tenant: CurrentTenant, session: DbSession) -> FoundCodeOut:
    """Read a code, however it was typed."""
    return _found(await service.find_code(session, tenant, code))


@codes.post("/{code}/redemption")
async def redeem_coupon_code(
    code: TypedCode, context: Context, tenant: CurrentTenant, principal: CurrentPrincipal, session: DbSession, now: Now
) -> FoundCodeOut:
    """Redeem a code. Exactly one request succeeds; after five failures within a minute the key must wait."""
    tries = context.failed_redemptions
    if wait := tries.wait_seconds(principal.key_id, now):
        raise TooManyTries(headers={"Retry-After": str(wait)})
    try:
        return _found(await service.redeem(session, tenant, code, now=now))
    except (NotFound, Conflict):
        tries.note(principal.key_id, now)
        raise


@codes.post("/{code}/void")
async def void_coupon_code(
    code: TypedCode, tenant: CurrentTenant, session: DbSession, now: Now, trail: CurrentTrail
) -> FoundCodeOut:
    """Make a code void. Its sender may be given another one."""
    found = await service.find_code(session, tenant, code, for_update=True)
    async with trail.changing("coupon_code.voided", "coupon_codes", found.code.id):
        voided = await service.void(session, tenant, code, now=now)
    return _found(voided)


router = APIRouter()
router.include_router(pools)
router.include_router(codes)


def _found(found: service.FoundCode) -> FoundCodeOut:
    shown = FoundCodeOut.of(found.code)
    return shown.model_copy(update={"pool_name": found.pool_name, "valid_until": found.valid_until})


async def _read_codes(request: Request) -> CodesIn:
    try:
        if request.headers.get("content-type", "").startswith("text/csv"):
            text = (await request.body()).decode("utf-8").replace("\x00", "")
            return CodesIn.model_validate({"codes": read_csv(text)})
        return CodesIn.model_validate(await request.json())
    except ValidationError as error:
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in error.errors()]) from error
    except UnicodeDecodeError as error:
        wrong = {"type": "unicode", "loc": ("body",), "msg": "The CSV must be UTF-8", "input": None}
        raise RequestValidationError([wrong]) from error
