"""Route previews: what would happen to a message, by the very function that routes live traffic. Nothing is stored."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from twoway_router.consent.rules import Person
from twoway_router.contexts.service import load as load_contexts
from twoway_router.domain.errors import NotFound
from twoway_router.domain.ids import NumberId, TenantId
from twoway_router.domain.msisdn import read_address
from twoway_router.management.contexts import ContextIn, ContextOut, is_own, read_contexts, show_contexts
from twoway_router.numbers.service import find_number, find_number_by_address
from twoway_router.numbers.tables import Numbers
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.plan import choose_route
from twoway_router.routing.types import (
    Candidate,
    Context,
    Decision,
    LostBecause,
    Reason,
    RouteOutcome,
    RouteRequest,
    Rule,
    WindowState,
)
from twoway_router.store import Session
from twoway_router.web.auth import CurrentPrincipal
from twoway_router.web.context import CurrentTable, DbSession, Now
from twoway_router.web.route import api_router
from twoway_router.web.schemas import Body, Country, Moment, Shown

router = api_router("/route-previews", resource="routes", tag="Routes", always="read")

_MATCH_CLASS: Final = (
    "How the text spells it: from 1 (the same words) to 5 (one edit), `glued` or `advert`; on dedicated numbers also"
    " `contains` and `any_word`."
)

FOREIGN: Final = Reason.ANOTHER_TENANTS.detail
_NOBODY: Final = "+10000000000"


class PreviewIn(Body):
    """A message that was never sent. Name the number by its id, or by country and address."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"country": "IT", "number": "12345", "text": "PIZZA grande"}]}
    )

    number_id: UUID | None = None
    country: Country | None = None
    number: str | None = Field(None, min_length=3, max_length=20, description="The address, such as a short code.")
    text: str = Field(max_length=1600)
    sender: str | None = Field(
        None,
        min_length=3,
        max_length=20,
        pattern=r"^\+?[0-9]+$",
        description="Who would write: what you have open with them on the number counts, for operators what anybody has."
        " Nobody in particular if left out.",
    )
    contexts: list[ContextIn] | None = Field(
        None, max_length=20, description="Conversations to be tried out, instead of those that are open."
    )
    at: Moment | None = Field(None, description="When it would arrive; now if left out.")

    @model_validator(mode="after")
    def _names_one_number(self) -> Self:
        if (self.number_id is None) != (self.country is not None and self.number is not None):
            raise ValueError("give number_id, or country and number")
        return self


class CandidateOut(Shown):
    """A keyword that was looked at. Another tenant's has no name."""

    tenant_id: UUID | None
    keyword_id: UUID | None
    word: str
    match_class: str = Field(description=_MATCH_CLASS)
    lost_because: LostBecause | None = Field(description="Null for the winner.")
    detail: str = Field(description="The same in a few words.")


class PreviewOut(Shown):
    """Where the message would go and why. Of another tenant's route only that it is one is shown."""

    number_id: UUID
    outcome: RouteOutcome
    rule: Rule = Field(description="Which row of the decision table fitted.")
    is_yours: bool = Field(description="It would reach the calling tenant; for operators: a tenant at all.")
    tenant_id: UUID | None
    keyword_id: UUID | None
    keyword_revision: int | None
    word: str | None
    sub_keyword: str | None
    rest: str = Field(description="The text after keyword and sub-keyword.")
    window: WindowState
    match_class: str | None = Field(description=_MATCH_CLASS)
    span: tuple[int, int] | None = Field(description="The matched part of the text, in code points.")
    key: str | None = Field(description="The matched part as it is compared.")
    reason: Reason | None = Field(description="Why, where the rule does not say it.")
    detail: str = Field(description="The same in a few words.")
    language: str | None = Field(description="Of the words that decided, where they tell one.")
    suggestion: str | None = Field(
        description="The word that the courtesy reply would ask about, if it is yours to see."
    )
    candidates: list[CandidateOut] = Field(description="Every keyword that was looked at.")
    contexts: list[ContextOut] = Field(
        description="The conversations that were live for this decision, the latest first; a tenant sees its own."
    )
    rules_version: int = Field(description="How new the routing table is.")


@router.post("")
async def preview_route(
    body: PreviewIn,
    caller: CurrentPrincipal,
    session: DbSession,
    now: Now,
    table: CurrentTable,
) -> PreviewOut:
    """Ask where a message would go and why. The same function as for live traffic; nothing is stored or sent."""
    number = await _number(session, body, caller.tenant_id)
    at = body.at or now
    sender = read_address(body.sender or _NOBODY, number.country)[0]
    contexts = await _contexts(session, body, Person(number_id=number.id, msisdn=sender), caller.tenant_id, at)
    request = RouteRequest(number_id=NumberId(number.id), sender=sender, text=body.text, at=at, contexts=contexts)
    decision = choose_route(table, request, explain=True)
    return show(decision, NumberId(number.id), caller.tenant_id, table, contexts)


async def _contexts(
    session: Session, body: PreviewIn, person: Person, caller: TenantId | None, at: datetime
) -> tuple[Context, ...]:
    """What counts as open: what was given, else what is stored for the sender.

    For a tenant only its own counts, or the answer would tell that the sender talks to another one.
    """
    if body.contexts is not None:
        return read_contexts(body.contexts, caller)
    if body.sender is None:
        return ()
    found = await load_contexts(session, {person}, at)
    contexts = (each.as_context(at) for each in found.get(person, ()))
    return tuple(each for each in contexts if caller is None or is_own(each, caller))


async def _number(session: Session, body: PreviewIn, usable_by: TenantId | None) -> Numbers:
    if body.number_id is not None:
        found = await find_number(session, body.number_id, usable_by=usable_by)
    else:
        country = body.country or ""
        address, _ = read_address(body.number or "", country)
        found = await find_number_by_address(session, country, address, usable_by=usable_by)
    if found is None:
        raise NotFound
    return found


def show(
    decision: Decision,
    number_id: NumberId,
    viewer: TenantId | None,
    table: RoutingTable | None = None,
    contexts: Sequence[Context] = (),
) -> PreviewOut:
    """A decision as an operator (None) or a tenant may see it."""
    is_open = viewer is None or decision.tenant_id in (None, viewer)
    facts: dict[str, Any] = {
        "tenant_id": decision.tenant_id,
        "keyword_id": decision.keyword_id,
        "keyword_revision": decision.revision,
        "word": decision.word,
        "sub_keyword": decision.sub_keyword,
        "rest": decision.rest,
        "window": decision.window,
        "match_class": decision.match_class,
        "span": decision.span,
        "key": decision.key,
        "reason": decision.reason,
        "detail": decision.reason.detail if decision.reason else "",
        "language": decision.language,
    }
    keyword = table.keyword(decision.suggestion) if table is not None and decision.suggestion else None
    hidden = dict.fromkeys(facts) | {"rest": "", "window": WindowState.OPEN}
    hidden |= {"reason": Reason.ANOTHER_TENANTS, "detail": FOREIGN}
    return PreviewOut(
        number_id=number_id,
        outcome=decision.outcome,
        rule=decision.rule,
        is_yours=decision.tenant_id is not None and is_open,
        candidates=[_candidate(one, viewer) for one in decision.candidates],
        contexts=show_contexts(contexts, decision, viewer),
        suggestion=keyword.spellings[0] if keyword is not None and viewer in (None, keyword.tenant_id) else None,
        rules_version=table.version if table is not None else 0,
        **(facts if is_open else hidden),
    )


def _candidate(candidate: Candidate, viewer: TenantId | None) -> CandidateOut:
    is_open = viewer is None or candidate.tenant_id == viewer
    return CandidateOut(
        tenant_id=candidate.tenant_id if is_open else None,
        keyword_id=candidate.keyword_id if is_open else None,
        word=candidate.word if is_open else FOREIGN,
        match_class=candidate.match_class,
        lost_because=candidate.lost_because,
        detail=candidate.lost_because.detail if candidate.lost_because else "",
    )
