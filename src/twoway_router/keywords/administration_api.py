"""``/v1/keywords/{id}/…`` for operators: approval, rejection, hold, end of rest, transfer. Tenants have ``api``."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends
from pydantic import ConfigDict, Field

from twoway_router.domain.ids import KeywordId, TenantId
from twoway_router.keywords import administration
from twoway_router.keywords.schemas import KeywordOut
from twoway_router.keywords.service import get_keyword
from twoway_router.keywords.tables import Keywords
from twoway_router.tenants.service import get_tenant
from twoway_router.web.auth import Operator, actor_of
from twoway_router.web.context import DbSession, Now
from twoway_router.web.route import api_router
from twoway_router.web.schemas import Body

router = api_router("/keywords", resource="registry", tag="Keywords")

Note = Annotated[str, Field(min_length=1, max_length=1000)]


class ApprovalIn(Body):
    """An operator's yes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"is_activated": True, "note": "Contract 2027-14"}]})

    is_activated: bool = Field(True, description="Live at once; otherwise its tenant activates it.")
    note: Note | None = Field(None, description="Its tenant reads it too.")


class RejectionIn(Body):
    """An operator's no."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "A brand of somebody else"}]})

    note: Note | None = Field(None, description="Its tenant reads it too.")


class HoldIn(Body):
    """Why a keyword is held back."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "Two tenants claim this brand"}]})

    note: Note = Field(description="For operators only: a dispute and the like.")


class TransferIn(Body):
    """Who gets the keyword's words."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"tenant_id": "0198c0de-8d5b-7cc3-a5f1-1d2b3c4d5e6f", "note": "Shop sold"}]}
    )

    tenant_id: UUID
    note: Note | None = Field(None, description="Both tenants read it.")


async def _locked(keyword_id: UUID, operator: Operator, session: DbSession) -> Keywords:
    return await get_keyword(session, KeywordId(keyword_id), operator.tenant_id, for_update=True)


Locked = Annotated[Keywords, Depends(_locked)]


@router.post("/{keyword_id}/approval")
async def approve_keyword(
    body: ApprovalIn, keyword: Locked, operator: Operator, session: DbSession, now: Now
) -> KeywordOut:
    """Approve a requested keyword."""
    approved = await administration.approve(
        session, keyword, is_activated=body.is_activated, note=body.note, by=actor_of(operator), now=now
    )
    return KeywordOut.of(approved)


@router.post("/{keyword_id}/rejection")
async def reject_keyword(
    body: RejectionIn, keyword: Locked, operator: Operator, session: DbSession, now: Now
) -> KeywordOut:
    """Reject a requested keyword. Its word is free at once."""
    return KeywordOut.of(await administration.reject(session, keyword, note=body.note, by=actor_of(operator), now=now))


@router.delete("/{keyword_id}/rest")
async def end_rest(keyword: Locked, operator: Operator, session: DbSession, now: Now) -> KeywordOut:
    """End the rest of a released keyword: its words are free at once, for every tenant."""
    return KeywordOut.of(await administration.end_rest(session, keyword, by=actor_of(operator), now=now))


@router.post("/{keyword_id}/hold")
async def hold_keyword(body: HoldIn, keyword: Locked, operator: Operator, session: DbSession, now: Now) -> KeywordOut:
    """Hold a keyword back: it routes as a suspended one, and its tenant cannot resume it."""
    return KeywordOut.of(await administration.hold(session, keyword, body.note, by=actor_of(operator), now=now))


@router.delete("/{keyword_id}/hold")
async def lift_hold(keyword: Locked, operator: Operator, session: DbSession, now: Now) -> KeywordOut:
    """Lift a hold."""
    return KeywordOut.of(await administration.lift(session, keyword, by=actor_of(operator), now=now))


@router.post("/{keyword_id}/transfer")
async def transfer_keyword(
    body: TransferIn, keyword: Locked, operator: Operator, session: DbSession, now: Now
) -> KeywordOut:
    """Hand a keyword's words to another tenant; answers the new keyword. History and actions stay where they were."""
    successor_id = TenantId((await get_tenant(session, body.tenant_id)).id)
    successor = await administration.transfer(
        session, keyword, successor_id, note=body.note, by=actor_of(operator), now=now
    )
    return KeywordOut.of(successor)
