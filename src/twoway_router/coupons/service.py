"""Coupon pools: made, filled, issued from, redeemed. ``issue_codes`` is called by ``actions``, everything else by the API.

Issuing is exact: a repeat of (cause, ordinal) gets the same code again, in a pool with one code a sender the sender's
earlier one; transactions that issue to the same sender are serialised, others are not.
"""

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from twoway_router.coupons import queries
from twoway_router.coupons.codes import RANDOM_BYTES, candidate_keys, make_code, normalise_code
from twoway_router.coupons.rules import (
    AlreadyRedeemed,
    CodeNotFound,
    CouponRequest,
    IssuedCode,
    LimitBelowIssued,
    NewCode,
    PoolIsGenerated,
    PoolNameTaken,
    PoolNotFound,
    redemption_error,
    sort_upload,
)
from twoway_router.coupons.tables import CouponCodes, CouponPools
from twoway_router.domain.errors import FieldError, Unprocessable
from twoway_router.domain.ids import CouponCodeId, CouponPoolId, TenantId, new_id
from twoway_router.store import Session
from twoway_router.store.outbox import order_key

__all__ = ["CouponRequest", "IssuedCode", "issue_codes"]

Entropy = Callable[[int], bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundCode:
    """A code with what its pool says of it."""

    code: CouponCodes
    pool_name: str
    valid_until: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadResult:
    """How many codes were added, and which were not."""

    added: int
    duplicates: Sequence[str]
    invalid: Sequence[str]


async def create_pool(
    session: Session, tenant_id: TenantId, values: Mapping[str, object], *, now: datetime
) -> CouponPools:
    """A new pool; raises ``PoolNameTaken``."""
    owned = {"id": new_id(), "tenant_id": tenant_id, "created_at": now, "updated_at": now}
    pool_id = await queries.insert_pool(session, {**values, **owned})
    if pool_id is None:
        raise PoolNameTaken
    return await get_pool(session, tenant_id, CouponPoolId(pool_id))


async def get_pool(
    session: Session, tenant_id: TenantId, pool_id: CouponPoolId, *, for_update: bool = False
) -> CouponPools:
    """A tenant's pool; raises ``PoolNotFound``."""
    pool = await queries.find_pool(session, tenant_id, pool_id, for_update=for_update)
    if pool is None:
        raise PoolNotFound
    return pool


async def list_known_pools(session: Session, tenant_id: TenantId, ids: Collection[UUID]) -> frozenset[UUID]:
    """Those of these pools that are the tenant's."""
    return await queries.list_known_pools(session, tenant_id, ids)


async def change_pool(
    session: Session, pool: CouponPools, values: Mapping[str, object], *, now: datetime
) -> CouponPools:
    """Change a locked pool's name, limit or end."""
    limit = values.get("code_limit")
    if limit is not None and pool.source == "uploaded":
        raise Unprocessable(errors=[FieldError(pointer="/code_limit", detail="Belongs to generated pools.")])
    if isinstance(limit, int) and limit < pool.issued_count:
        raise LimitBelowIssued
    name = values.get("name", pool.name)
    if name != pool.name and await queries.find_pool_named(session, pool.tenant_id, str(name)):
        raise PoolNameTaken
    for field, value in values.items():
        setattr(pool, field, value)
    pool.updated_at = now
    await session.flush()
    return pool


async def upload_codes(
    session: Session, tenant_id: TenantId, pool_id: CouponPoolId, codes: Sequence[str], *, now: datetime
) -> UploadResult:
    """Add codes to an uploaded pool. A code that the tenant has already, in any pool, is reported and left alone."""
    pool = await get_pool(session, tenant_id, pool_id)
    if pool.source != "uploaded":
        raise PoolIsGenerated
    upload = sort_upload(codes)
    new = [NewCode(id=new_id(), code=code, key=normalise_code(code)) for code in upload.codes]
    added = await queries.insert_codes(session, tenant_id, pool_id, new, now=now)
    known = [code.code for code in new if code.id not in added]
    return UploadResult(added=len(added), duplicates=[*upload.duplicates, *known], invalid=upload.invalid)


async def issue_codes(
    session: Session,
    pool_id: CouponPoolId,
    tenant_id: TenantId,
    requests: Sequence[CouponRequest],
    *,
    now: datetime,
    entropy: Entropy = secrets.token_bytes,
) -> Sequence[IssuedCode | None]:
    """One code per request, in order; None where the pool has none left, has ended or is not the tenant's.

    Call it for several pools of one transaction in the order of their ids, so that transactions cannot deadlock.
    """
    if not requests:
        return []
    await queries.lock_senders(session, [order_key(pool_id, request.sender) for request in requests])
    pool = await queries.find_pool(session, tenant_id, pool_id)
    if pool is None:
        return [None] * len(requests)
    book = _Book(pool)
    for row in await queries.list_issued(session, pool_id, requests):
        book.note(row.id, row.code, row.sender, (row.cause_id, row.ordinal), is_once=row.is_once)
    wanting = book.wanting(requests)
    if wanting and (pool.valid_until is None or pool.valid_until > now):
        for code_id, code, request in await _take(session, pool, wanting, now=now, entropy=entropy):
            effect = (request.cause.id, request.ordinal)
            book.note(code_id, code, request.sender, effect, is_once=pool.is_one_per_sender, is_new=True)
    return [book.find(request) for request in requests]


async def redeem(session: Session, tenant_id: TenantId, code: str, *, now: datetime) -> FoundCode:
    """Redeem a code once and for all. Of callers at the same time exactly one succeeds."""
    keys = candidate_keys(code)
    is_done = await queries.redeem_code(session, tenant_id, keys, now=now)
    found = await find_code(session, tenant_id, code)
    if not is_done:
        raise redemption_error(found.code.state, found.code.redeemed_at)
    return found


async def void(session: Session, tenant_id: TenantId, code: str, *, now: datetime) -> FoundCode:
    """Make a code void; again is no error. A redeemed one stays redeemed."""
    found = await find_code(session, tenant_id, code, for_update=True)
    if found.code.state == "redeemed":
        raise AlreadyRedeemed
    if found.code.state != "void":
        await queries.void_code(session, found.code.id, now=now)
    return await find_code(session, tenant_id, code)


async def find_code(session: Session, tenant_id: TenantId, code: str, *, for_update: bool = False) -> FoundCode:
    """A code however it was typed; raises ``CodeNotFound``."""
    row = await queries.find_code(session, tenant_id, candidate_keys(code), for_update=for_update)
    if row is None:
        raise CodeNotFound
    return FoundCode(code=row[0], pool_name=row[1], valid_until=row[2])


class _Book:
    """Who has which code of one pool: by effect, and by sender where a sender gets one code only."""

    def __init__(self, pool: CouponPools) -> None:
        self._pool = pool
        self._by_effect: dict[tuple[UUID | None, int | None], IssuedCode] = {}
        self._by_sender: dict[str, IssuedCode] = {}

    def note(
        self,
        code_id: UUID,
        code: str,
        sender: str,
        effect: tuple[UUID | None, int | None],
        *,
        is_once: bool,
        is_new: bool = False,
    ) -> None:
        issued = IssuedCode(
            code_id=CouponCodeId(code_id),
            pool_id=CouponPoolId(self._pool.id),
            code=code,
            valid_until=self._pool.valid_until,
            is_new=is_new,
        )
        self._by_effect[effect] = issued
        if is_once:
            self._by_sender[sender] = issued

    def find(self, request: CouponRequest) -> IssuedCode | None:
        effect = self._by_effect.get((request.cause.id, request.ordinal))
        return effect or self._by_sender.get(request.sender)

    def wanting(self, requests: Sequence[CouponRequest]) -> list[CouponRequest]:
        """Requests that need a code of their own: one per effect, and one per sender where the pool says so."""
        first: dict[object, CouponRequest] = {}
        for request in requests:
            if self.find(request) is None:
                effect = (request.cause.id, request.ordinal)
                first.setdefault(request.sender if self._pool.is_one_per_sender else effect, request)
        return list(first.values())


async def _take(
    session: Session, pool: CouponPools, requests: Sequence[CouponRequest], *, now: datetime, entropy: Entropy
) -> list[tuple[UUID, str, CouponRequest]]:
    """New codes for as many of the requests as there are."""
    if pool.source == "uploaded":
        taken = await queries.take_free_codes(session, pool, requests, now=now)
        return [(code_id, code, requests[place]) for code_id, code, place in taken]
    granted = requests[: await queries.reserve_generated(session, pool, len(requests))]
    made = [make_code(entropy(RANDOM_BYTES), pool.code_prefix) for _ in granted]
    codes = [NewCode(id=new_id(), code=code, key=normalise_code(code)) for code in made]
    if codes:
        await queries.insert_issued(session, pool, granted, codes, now=now)
    return [(code.id, code.code, request) for code, request in zip(codes, granted, strict=True)]
