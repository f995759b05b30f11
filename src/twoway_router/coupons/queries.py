"""SQL of coupon pools and codes: what the API reads and writes, and how codes are issued, set-based. Called by ``service``."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from twoway_router.coupons.rules import CouponRequest, NewCode
from twoway_router.coupons.tables import CouponCodes, CouponPools
from twoway_router.store import Session

_INSERT_CODES = text(
    "INSERT INTO coupon_codes (id, tenant_id, pool_id, code, code_key, state, created_at)"
    " SELECT new.id, :tenant_id, :pool_id, new.code, new.key, 'free', :now"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:codes AS text[]), CAST(:keys AS text[])) AS new (id, code, key)"
    " ON CONFLICT (tenant_id, code_key) DO NOTHING RETURNING id"
)
_REDEEM = text(
    "UPDATE coupon_codes AS code SET state = 'redeemed', redeemed_at = :now FROM coupon_pools AS pool"
    " WHERE code.tenant_id = :tenant_id AND code.code_key = ANY(CAST(:keys AS text[])) AND code.state = 'issued'"
    " AND pool.id = code.pool_id AND coalesce(pool.valid_until > :now, true) RETURNING code.id"
)

_WANTED = (
    "unnest(CAST(:causes AS uuid[]), CAST(:kinds AS text[]), CAST(:ordinals AS smallint[]), CAST(:senders AS text[]))"
)
_LOCK = text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key")
_ISSUED = text(
    "SELECT code.id, code.code, code.sender, code.cause_id, code.ordinal, code.is_once"
    f" FROM {_WANTED} AS wanted (cause, kind, ordinal, sender)"
    # The fence (OFFSET 0): a plan made on an empty table would join by reading the whole pool.
    " CROSS JOIN LATERAL (SELECT * FROM coupon_codes AS own WHERE own.cause_id = wanted.cause"
    "  AND own.ordinal = wanted.ordinal AND own.pool_id = :pool_id AND own.cause_id IS NOT NULL OFFSET 0) AS code"
    " UNION SELECT code.id, code.code, code.sender, code.cause_id, code.ordinal, code.is_once"
    " FROM coupon_codes AS code WHERE code.pool_id = :pool_id AND code.is_once AND code.sender IS NOT NULL"
    " AND code.sender = ANY(CAST(:senders AS text[]))"
)
_TAKE_FREE = text(
    "WITH free AS MATERIALIZED (SELECT id FROM coupon_codes WHERE pool_id = :pool_id AND state = 'free'"
    " ORDER BY id LIMIT :count FOR UPDATE SKIP LOCKED),"
    " numbered AS (SELECT id, row_number() OVER (ORDER BY id) AS place FROM free)"
    " UPDATE coupon_codes AS code SET state = 'issued', sender = wanted.sender, is_once = :is_once, issued_at = :now,"
    " cause_id = wanted.cause, cause_kind = wanted.kind, ordinal = wanted.ordinal"
    f" FROM numbered JOIN {_WANTED} WITH ORDINALITY AS wanted (cause, kind, ordinal, sender, place) USING (place)"
    " WHERE code.id = numbered.id RETURNING code.id, code.code, wanted.place"
)
_RESERVE = text(
    "WITH pool AS (SELECT id, greatest(0, least(CAST(:count AS integer), code_limit - issued_count)) AS granted"
    " FROM coupon_pools WHERE id = :pool_id FOR UPDATE)"
    " UPDATE coupon_pools SET issued_count = issued_count + pool.granted FROM pool WHERE coupon_pools.id = pool.id"
    " RETURNING pool.granted"
)
_INSERT_ISSUED = text(
    "INSERT INTO coupon_codes (id, tenant_id, pool_id, code, code_key, state, is_once, sender, cause_id, cause_kind,"
    " ordinal, created_at, issued_at)"
    " SELECT new.id, :tenant_id, :pool_id, new.code, new.key, 'issued', :is_once, new.sender, new.cause, new.kind,"
    " new.ordinal, :now, :now"
    " FROM unnest(CAST(:new_ids AS uuid[]), CAST(:codes AS text[]), CAST(:keys AS text[]), CAST(:causes AS uuid[]),"
    " CAST(:kinds AS text[]), CAST(:ordinals AS smallint[]), CAST(:senders AS text[]))"
    " AS new (id, code, key, cause, kind, ordinal, sender)"
)


async def insert_pool(session: Session, values: Mapping[str, object]) -> UUID | None:
    """The new pool's id; None when the tenant has one of that name."""
    statement = insert(CouponPools).values(**values).on_conflict_do_nothing(index_elements=["tenant_id", "name"])
    return await session.scalar(statement.returning(CouponPools.id))


async def find_pool(
    session: Session, tenant_id: UUID, pool_id: UUID, *, for_update: bool = False
) -> CouponPools | None:
    """A tenant's pool."""
    statement = select(CouponPools).where(CouponPools.tenant_id == tenant_id, CouponPools.id == pool_id)
    return await session.scalar(statement.with_for_update() if for_update else statement)


async def list_known_pools(session: Session, tenant_id: UUID, ids: Collection[UUID]) -> frozenset[UUID]:
    """Those of these pools that are the tenant's."""
    statement = select(CouponPools.id).where(CouponPools.tenant_id == tenant_id, CouponPools.id.in_(ids))
    return frozenset(await session.scalars(statement))


async def find_pool_named(session: Session, tenant_id: UUID, name: str) -> UUID | None:
    """The id of a tenant's pool by its name."""
    return await session.scalar(
        select(CouponPools.id).where(CouponPools.tenant_id == tenant_id, CouponPools.name == name)
    )


async def list_pools(session: Session, tenant_id: UUID, *, after: UUID | None, limit: int) -> Sequence[CouponPools]:
    """A tenant's pools, newest first."""
    statement = select(CouponPools).where(CouponPools.tenant_id == tenant_id)
    if after is not None:
        statement = statement.where(CouponPools.id < after)
    return (await session.scalars(statement.order_by(CouponPools.id.desc()).limit(limit))).all()


async def count_codes(session: Session, tenant_id: UUID, pool_id: UUID) -> Mapping[str, int]:
    """How many codes of a pool are in each state."""
    rows = await session.execute(
        select(CouponCodes.state, func.count().label("count_"))
        .where(CouponCodes.tenant_id == tenant_id, CouponCodes.pool_id == pool_id)
        .group_by(CouponCodes.state)
    )
    return {row.state: row.count_ for row in rows}


async def insert_codes(
    session: Session, tenant_id: UUID, pool_id: UUID, codes: Sequence[NewCode], *, now: datetime
) -> frozenset[UUID]:
    """Add free codes; the ids of those that were new to the tenant."""
    rows = await session.execute(
        _INSERT_CODES,
        {
            "tenant_id": tenant_id,
            "pool_id": pool_id,
            "now": now,
            "ids": [code.id for code in codes],
            "codes": [code.code for code in codes],
            "keys": [code.key for code in codes],
        },
    )
    return frozenset(rows.scalars())


async def find_code(
    session: Session, tenant_id: UUID, keys: Sequence[str], *, for_update: bool = False
) -> Row[CouponCodes, str, datetime | None] | None:
    """A tenant's code by any of its keys, the first key first; with the name and the end of its pool."""
    statement = (
        select(CouponCodes, CouponPools.name, CouponPools.valid_until)
        .join(CouponPools, CouponPools.id == CouponCodes.pool_id)
        .where(CouponCodes.tenant_id == tenant_id, CouponCodes.code_key.in_(keys))
        .order_by(CouponCodes.code_key != keys[0])
        .limit(1)
    )
    statement = statement.execution_options(populate_existing=True)
    return (await session.execute(statement.with_for_update(of=CouponCodes) if for_update else statement)).first()


async def list_codes(
    session: Session,
    tenant_id: UUID,
    *,
    pool_id: UUID | None,
    state: str | None,
    sender: str | None,
    after: UUID | None,
    limit: int,
) -> Sequence[CouponCodes]:
    """A tenant's codes, newest first."""
    statement = select(CouponCodes).where(CouponCodes.tenant_id == tenant_id)
    if pool_id is not None:
        statement = statement.where(CouponCodes.pool_id == pool_id)
    if state is not None:
        statement = statement.where(CouponCodes.state == state)
    if sender is not None:
        statement = statement.where(CouponCodes.sender == sender)
    if after is not None:
        statement = statement.where(CouponCodes.id < after)
    return (await session.scalars(statement.order_by(CouponCodes.id.desc()).limit(limit))).all()


async def redeem_code(session: Session, tenant_id: UUID, keys: Sequence[str], *, now: datetime) -> bool:
    """Redeem an issued, valid code. The row's lock decides between callers at the same time: one of them gets True."""
    done = await session.execute(_REDEEM, {"tenant_id": tenant_id, "keys": list(keys), "now": now})
    return done.first() is not None


async def void_code(session: Session, code_id: UUID, *, now: datetime) -> None:
    """Make a code void. Its sender may then be given another one."""
    await session.execute(
        update(CouponCodes).where(CouponCodes.id == code_id).values(state="void", voided_at=now, is_once=False)
    )


async def lock_senders(session: Session, keys: Sequence[int]) -> None:
    """Wait for other transactions that issue to the same senders; the next statement sees what they did."""
    await session.execute(_LOCK, {"keys": sorted(set(keys))})


async def list_issued(
    session: Session, pool_id: UUID, requests: Sequence[CouponRequest]
) -> Sequence[Row[UUID, str, str, UUID | None, int | None, bool]]:
    """Codes that these requests, or in a pool with one code a sender these senders, already have."""
    return (await session.execute(_ISSUED, {"pool_id": pool_id, **_columns(requests)})).all()


async def take_free_codes(
    session: Session, pool: CouponPools, requests: Sequence[CouponRequest], *, now: datetime
) -> Sequence[tuple[UUID, str, int]]:
    """Give free codes to requests: id, code and place of the request. The last requests get none when codes run out."""
    rows = await session.execute(
        _TAKE_FREE,
        {
            "pool_id": pool.id,
            "is_once": pool.is_one_per_sender,
            "now": now,
            "count": len(requests),
            **_columns(requests),
        },
    )
    return [(row.id, row.code, row.place - 1) for row in rows]


async def reserve_generated(session: Session, pool: CouponPools, count: int) -> int:
    """How many of ``count`` codes the pool's limit still allows, now counted as issued."""
    if pool.code_limit is None:
        return count
    return int((await session.execute(_RESERVE, {"pool_id": pool.id, "count": count})).scalar_one())


async def insert_issued(
    session: Session,
    pool: CouponPools,
    requests: Sequence[CouponRequest],
    codes: Sequence[NewCode],
    *,
    now: datetime,
) -> None:
    """Store generated codes as issued."""
    await session.execute(
        _INSERT_ISSUED,
        {
            "tenant_id": pool.tenant_id,
            "pool_id": pool.id,
            "is_once": pool.is_one_per_sender,
            "now": now,
            "new_ids": [code.id for code in codes],
            "codes": [code.code for code in codes],
            "keys": [code.key for code in codes],
            **_columns(requests),
        },
    )


def _columns(requests: Sequence[CouponRequest]) -> dict[str, object]:
    return {
        "causes": [request.cause.id for request in requests],
        "kinds": [request.cause.kind.value for request in requests],
        "ordinals": [request.ordinal for request in requests],
        "senders": [request.sender for request in requests],
    }
