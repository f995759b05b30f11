"""Gives messages to the tenant that their sender has chosen. Called by ``executor``."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text

from twoway_router.inbound.rules import RUN_TEXT
from twoway_router.routing.route_details import AskedTenant, RouteDetails
from twoway_router.routing.types import Rule
from twoway_router.store import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class Original:
    """A message that waited for an answer of its sender, and the tenants to choose from."""

    id: UUID
    text: str
    asks: Sequence[AskedTenant] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Reassignment:
    """Whose a message has become, why, and by which message of its sender. Without ``rest`` its own stays."""

    message_id: UUID
    tenant_id: UUID
    route: str
    rule: Rule
    keyword_id: UUID | None
    revision: int | None
    answered_by: UUID
    sub_keyword: str | None = None
    rest: str | None = None


_ORIGINALS: Final = text(
    "SELECT id, coalesce(extra->>CAST(:run_text AS text), text) AS text, route_details AS details FROM inbound_messages"
    " WHERE id = ANY(CAST(:ids AS uuid[])) AND state IN ('done', 'stored')"
)
_REASSIGN: Final = text(
    """
    UPDATE inbound_messages AS m
    SET tenant_id = given.tenant_id, route = given.route, rule = given.rule, keyword_id = given.keyword_id,
        keyword_revision = given.revision, sub_keyword = given.sub_keyword, rest = coalesce(given.rest, m.rest),
        route_details = m.route_details - 'asks' - 'suggestion' || jsonb_build_object('answered_by', given.answered_by)
    FROM unnest(CAST(:messages AS uuid[]), CAST(:tenants AS uuid[]), CAST(:routes AS text[]), CAST(:rules AS text[]),
                CAST(:keywords AS uuid[]), CAST(:revisions AS integer[]), CAST(:answers AS uuid[]),
                CAST(:subs AS text[]), CAST(:rests AS text[]))
        AS given (message_id, tenant_id, route, rule, keyword_id, revision, answered_by, sub_keyword, rest)
    WHERE m.id = given.message_id AND m.tenant_id IS NULL
    """
)


async def list_originals(session: Session, ids: Collection[UUID]) -> Mapping[UUID, Original]:
    """Messages that have been run or put aside."""
    rows = await session.execute(_ORIGINALS, {"ids": list(ids), "run_text": RUN_TEXT}) if ids else ()
    return {row.id: Original(id=row.id, text=row.text, asks=RouteDetails.read(row.details).asks) for row in rows}


async def reassign(session: Session, reassignments: Sequence[Reassignment]) -> None:
    """Give messages to tenants; one that has an owner by now stays with it. The question's other tenants leave its details."""
    if reassignments:
        columns = {
            "messages": [each.message_id for each in reassignments],
            "tenants": [each.tenant_id for each in reassignments],
            "routes": [each.route for each in reassignments],
            "rules": [each.rule.value for each in reassignments],
            "keywords": [each.keyword_id for each in reassignments],
            "revisions": [each.revision for each in reassignments],
            "answers": [each.answered_by for each in reassignments],
            "subs": [each.sub_keyword for each in reassignments],
            "rests": [each.rest for each in reassignments],
        }
        await session.execute(_REASSIGN, columns)
