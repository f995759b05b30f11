"""Action ``issue_coupon``: take a code from a pool in this transaction; later actions read it as ``coupon.code``."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from operator import attrgetter
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import Field

from twoway_router.actions.context import Run, RunContext
from twoway_router.actions.kind import ActionKind, Reference, Template, Values
from twoway_router.actions.reply import draft, queue
from twoway_router.actions.spec import ActionBase
from twoway_router.coupons.rules import CouponRequest, IssuedCode
from twoway_router.coupons.service import issue_codes, list_known_pools
from twoway_router.domain.ids import CouponPoolId
from twoway_router.domain.messages import Origin
from twoway_router.domain.outcomes import Done, Failed, Outcome
from twoway_router.events.catalogue import CouponIssued, CouponPoolEmpty
from twoway_router.events.news import Event
from twoway_router.mts.service import MtDraft
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
    outcomes: list[Outcome] = []
    answers: list[MtDraft] = []
    for each in runs:
        message, code = each.message, codes[each.message.id, each.ordinal]
        facts: dict[str, Any] = {
            "inbound_message_id": message.id,
            "pool_id": each.spec.pool_id,
            "sender": message.sender,
        }
        if code is None:
            outcomes.append(Failed(reason="pool_empty"))
            if each.spec.empty_text is not None:
                with suppress(TemplateError):  # a text that cannot be rendered is left out
                    answers.append(replace(draft(each, each.spec.empty_text), origin=Origin.COUPON_POOL_EMPTY))
            empty = CouponPoolEmpty(**facts)
            context.events.append(Event(tenant_id=message.owner, type="coupon.pool_empty", data=empty, key=each.key))
        else:
            until = code.valid_until.isoformat() if code.valid_until else ""
            outcomes.append(Done(values={"code": code.code, "valid_until": until, "is_new": code.is_new}))
            taken = CouponIssued(**facts, code=code.code, is_new=code.is_new)
            context.events.append(Event(tenant_id=message.owner, type="coupon.issued", data=taken, key=each.key))
    await queue(session, answers, context)
    return outcomes


KIND: Final = ActionKind(
    spec=IssueCouponSpec,
    run=run,
    templates=(Template(field="empty_text", is_needed=False),),
    gives=Values(name="coupon", fields=("code", "valid_until", "is_new")),
    references=(Reference(field="pool_id", noun="pool", list_known=list_known_pools),),
)
