"""Action ``issue_coupon``: take a code from a pool in this transaction; later actions read it as ``coupon.code``."""

from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Final, Literal
from uuid import UUID

from pydantic import Field

from twoway_router.actions.context import Run, RunContext
from twoway_router.actions.kind import ActionKind, Reference, Template, Values
from twoway_router.actions.reply import draft, queue
from twoway_router.actions.spec import ActionBase
from twoway_router.coupons.rules import CouponRequest, IssuedCode
from twoway_router.coupons.service import issue_codes, list_known_pools
from twoway_router.domain.ids import CouponPoolId
from twoway_router.domain.outcomes import Done, Failed, Outcome
from twoway_router.events.catalogue import CouponIssued, CouponPoolEmpty
from twoway_router.events.news import Event
from twoway_router.store import Session
from twoway_router.templates.liquid import TemplateError


class IssueCouponSpec(ActionBase):
    """Take a code from a pool. Later actions that read ``coupon.code`` (or ``<name>.code``) are skipped without one."""

    kind: Literal["issue_coupon"]
    pool_id: UUID = Field(description="One of your pools.")
    empty_text: str | None = Field(
        None, min_length=1, max_length=1600, description="Answered when the pool has no code left."
    )


CouponRun = Run[IssueCouponSpec]


async def run(session: Session, runs: Sequence[CouponRun], context: RunContext) -> Sequence[Outcome]:
    """One code per run. An empty pool is answered with its own text, if it has one, and reported to the tenant."""
    codes: dict[tuple[UUID, int], IssuedCode | None] = {}
    pools = sorted({(each.spec.pool_id, each.message.owner) for each in runs})
    for pool_id, tenant_id in pools:
        asking = [each for each in runs if (each.spec.pool_id, each.message.owner) == (pool_id, tenant_id)]
        asked = [
            CouponRequest(cause=each.key.cause, ordinal=each.ordinal, sender=each.message.sender)
            for each in sorted(asking, key=attrgetter("message.id"))
        ]
        issued = await issue_codes(session, CouponPoolId(pool_id), tenant_id, asked, now=context.now)
        codes |= {(one.cause.id, one.ordinal): code for one, code in zip(asked, issued, strict=True)}
    results = [(each, codes[each.message.id, each.ordinal]) for each in runs]
    await _answer_empty(session, [each for each, code in results if code is None], context)
    context.events.extend(_event(each, code) for each, code in results)
    return [_outcome(code) for _, code in results]


def _outcome(code: IssuedCode | None) -> Outcome:
    if code is None:
        return Failed(reason="pool_empty")
    valid_until = code.valid_until.isoformat() if code.valid_until else ""
    return Done(values={"code": code.code, "valid_until": valid_until, "is_new": code.is_new})


async def _answer_empty(session: Session, runs: Sequence[CouponRun], context: RunContext) -> None:
    drafts = []
    for each in runs:
        if each.spec.empty_text is not None:
            try:
                drafts.append(replace(draft(each, each.spec.empty_text), origin="coupon_pool_empty"))
            except TemplateError:
                continue
    await queue(session, drafts, context)


def _event(each: CouponRun, code: IssuedCode | None) -> Event:
    message, pool_id = each.message, each.spec.pool_id
    if code is None:
        empty = CouponPoolEmpty(inbound_message_id=message.id, pool_id=pool_id, sender=message.sender)
        return Event(tenant_id=message.owner, type="coupon.pool_empty", data=empty, key=each.key)
    issued = CouponIssued(
        inbound_message_id=message.id, pool_id=pool_id, code=code.code, sender=message.sender, is_new=code.is_new
    )
    return Event(tenant_id=message.owner, type="coupon.issued", data=issued, key=each.key)


KIND: Final = ActionKind(
    spec=IssueCouponSpec,
    run=run,
    templates=(Template(field="empty_text", is_needed=False),),
    gives=Values(name="coupon", fields=("code", "valid_until", "is_new")),
    references=(Reference(field="pool_id", noun="pool", list_known=list_known_pools),),
)
