"""``/v1/inbound-messages/…/replay``: run messages again; ``…/explanations``: why one went where it went."""

from collections.abc import Sequence
from typing import Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from twoway_router.contexts.service import list_past
from twoway_router.domain.errors import Forbidden, NotFound
from twoway_router.domain.ids import KeywordId, NumberId
from twoway_router.inbound.rules import RUN_TEXT
from twoway_router.inbound.schemas import MoState, RouteOut
from twoway_router.inbound.service import InboundFilter, find_inbound, lock_message, lock_messages
from twoway_router.inbound.tables import InboundMessages
from twoway_router.keywords.service import get_keyword
from twoway_router.keywords.tables import Keywords
from twoway_router.management.dry_runs import list_steps
from twoway_router.management.previews import PreviewOut, show
from twoway_router.management.replaying import NumberUnknown, Rules, Wish, decide, replay, text_of
from twoway_router.routing.types import RouteOutcome, WindowState
from twoway_router.store import Session
from twoway_router.store.periods import Period
from twoway_router.web.auth import CurrentPrincipal, Principal, actor_of
from twoway_router.web.context import CurrentTable, DbSession, Now, Tell
from twoway_router.web.route import api_router
from twoway_router.web.schemas import Body, Moment, Shown

router = api_router("/inbound-messages", resource="messages", tag="Messages")
explanations = api_router("/inbound-messages", resource="messages", tag="Messages", always="read")


class AssignmentIsOperators(Forbidden):
    """Only an operator may give a message to a keyword."""

    code = "assignment_is_operators"


class ReplayIn(Body):
    """How to run a message again. Give ``rules``, or ``ordinal``, or ``keyword_id``, or ``answer_to``."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"rules": "current"}]})

    rules: Rules = Field("current", description="Route it anew, or send it where it went at first.")
    ordinal: int | None = Field(None, ge=0, le=100, description="Run only this action again, with its route as it is.")
    keyword_id: UUID | None = Field(None, description="Operators only: as a message of this keyword.")
    answer_to: UUID | None = Field(
        None,
        description="As the answer to this question of yours (operators: of any tenant) to its sender; explanations show ids.",
    )
    text: str | None = Field(
        None,
        min_length=1,
        max_length=1600,
        pattern=r"\S",
        description="What the message should have said: it is routed by this, and kept beside what came.",
    )
    dry_run: bool = Field(False, description="Only answer what would happen.")

    @model_validator(mode="after")
    def _is_one_wish(self) -> Self:
        if len({"rules", "ordinal", "keyword_id", "answer_to"} & self.model_fields_set) > 1:
            raise ValueError("give only one of rules, ordinal, keyword_id and answer_to")
        if self.text is not None and (self.rules == "original" or self.ordinal is not None):
            raise ValueError("a corrected text is routed: it needs the current rules, keyword_id or answer_to")
        return self


class ReplaysIn(Body):
    """Which messages to run again, oldest first, and by which rules."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "received_after": "2027-03-01T09:00:00Z",
                    "received_before": "2027-03-01T10:00:00Z",
                    "state": "parked",
                }
            ]
        }
    )

    received_after: Moment = Field(description="Inclusive.")
    received_before: Moment = Field(description="Exclusive.")
    tenant_id: UUID | None = Field(None, description="For operators; a tenant replays only its own.")
    number_id: UUID | None = None
    keyword_id: UUID | None = Field(None, description="Those that matched this keyword.")
    sender: str | None = Field(None, max_length=64)
    state: MoState | None = None
    route: RouteOutcome | None = None
    window: WindowState | None = None
    rules: Rules = "current"
    dry_run: bool = Field(False, description="Only answer what would happen.")
    after: UUID | None = Field(None, description="Go on behind this message: the ``next`` of the answer before.")
    limit: int = Field(100, ge=1, le=500)

    def to_filter(self) -> InboundFilter:
        """As lists of messages filter."""
        names = ("tenant_id", "number_id", "keyword_id", "sender", "state", "route", "window")
        period = Period(after=self.received_after, before=self.received_before)
        return InboundFilter(period=period, **{name: getattr(self, name) for name in names})


class StepOut(Shown):
    """A step that a replay would come to."""

    ordinal: int
    kind: str = Field(description="The kind of action; notices are what the number itself says.")


class ReplayOut(Shown):
    """A message that runs again, or would."""

    inbound_message_id: UUID
    generation: int = Field(description="Counts the message's replays; its new runs and answers carry it.")
    state: MoState = Field(description="``accepted`` waits for its run; ``stored`` has nothing to run.")
    route: RouteOut
    corrected_text: str | None = Field(description="What is routed instead of the text that came.")
    is_dry_run: bool = Field(description="Nothing was changed.")
    steps: list[StepOut] | None = Field(
        description="Of a dry run: what would be done, in this order, as far as conditions and places let it."
    )


class SkippedOut(Shown):
    """A message that was not replayed, and why."""

    inbound_message_id: UUID
    code: str
    detail: str


class ReplaysOut(Shown):
    """What became of the messages."""

    replayed: list[ReplayOut]
    skipped: list[SkippedOut]
    next: UUID | None = Field(description="Give it as ``after`` to go on; null when there is no more.")


class ExplanationOut(Shown):
    """Why a message went where it went, beside what the rules of now would do with it."""

    inbound_message_id: UUID
    route: RouteOut = Field(description="What was decided when it came in, or at its last replay.")
    now: PreviewOut = Field(
        description="What would be decided now, with the conversations that were open then, and every candidate."
    )
    is_same: bool = Field(description="Both go to the same keyword, tenant and sub-keyword.")


@router.post("/replays", status_code=202)
async def replay_inbound_messages(
    body: ReplaysIn, caller: CurrentPrincipal, session: DbSession, now: Now, table: CurrentTable, tell: Tell
) -> ReplaysOut:
    """Replay messages by filter, a page at a time. Those that cannot be replayed are named and left as they are."""
    within = caller.tenant_id
    rows = await lock_messages(session, within=within, where=body.to_filter(), after=body.after, limit=body.limit + 1)
    page = rows[: body.limit]
    wish = Wish(rules=body.rules, is_dry_run=body.dry_run)
    results = await replay(session, page, wish, table, within=within, by=actor_of(caller), now=now, tell=tell)
    return ReplaysOut(
        replayed=await _replayed(session, [each.message for each in results if each.problem is None], wish, caller),
        skipped=[
            SkippedOut(inbound_message_id=each.message.id, code=each.problem.code, detail=each.problem.detail)
            for each in results
            if each.problem is not None
        ],
        next=page[-1].id if len(rows) > body.limit else None,
    )


@router.post("/{message_id}/replay", status_code=202)
async def replay_inbound_message(
    message_id: UUID,
    body: ReplayIn,
    caller: CurrentPrincipal,
    session: DbSession,
    now: Now,
    table: CurrentTable,
    tell: Tell,
) -> ReplayOut:
    """Replay one message. Its earlier effects stay; what it does again is a new generation."""
    message = await lock_message(session, message_id, within=caller.tenant_id)
    if message is None:
        raise NotFound
    keyword = await _keyword(session, body.keyword_id, caller)
    wish = Wish(
        rules=body.rules,
        ordinal=body.ordinal,
        keyword=keyword,
        answer_to=body.answer_to,
        text=body.text,
        is_dry_run=body.dry_run,
    )
    (result,) = await replay(
        session, [message], wish, table, within=caller.tenant_id, by=actor_of(caller), now=now, tell=tell
    )
    if result.problem is not None:
        raise result.problem
    (replayed,) = await _replayed(session, [result.message], wish, caller)
    return replayed


@explanations.post("/{message_id}/explanations")
async def explain_inbound_message(
    message_id: UUID, caller: CurrentPrincipal, session: DbSession, table: CurrentTable
) -> ExplanationOut:
    """Explain a message: what was decided, what would be decided now, and every keyword that was looked at."""
    message = await find_inbound(session, message_id, within=caller.tenant_id, is_sandbox=caller.is_sandbox)
    if message is None:
        raise NotFound
    if message.number_id is None:
        raise NumberUnknown
    open_then = (await list_past(session, [message.id])).get(message.id, ())
    decision = decide(message, text_of(message), table, open_then, explain=True)
    contexts = [each.as_context(message.received_at) for each in open_then]
    now = (decision.outcome.value, decision.tenant_id, decision.keyword_id, decision.sub_keyword)
    return ExplanationOut(
        inbound_message_id=message.id,
        route=RouteOut.read(message, caller.tenant_id),
        now=show(decision, NumberId(message.number_id), caller.tenant_id, table, contexts),
        is_same=now == (message.route, message.tenant_id, message.keyword_id, message.sub_keyword),
    )


async def _keyword(session: Session, keyword_id: UUID | None, caller: Principal) -> Keywords | None:
    if keyword_id is None:
        return None
    if caller.tenant_id is not None:
        raise AssignmentIsOperators
    return await get_keyword(session, KeywordId(keyword_id), None)


async def _replayed(
    session: Session, messages: Sequence[InboundMessages], wish: Wish, caller: Principal
) -> list[ReplayOut]:
    steps = await list_steps(session, messages) if wish.is_dry_run else {}
    return [
        ReplayOut(
            inbound_message_id=message.id,
            generation=message.generation,
            state=message.state,
            route=RouteOut.read(message, caller.tenant_id),
            corrected_text=message.extra.get(RUN_TEXT),
            is_dry_run=wish.is_dry_run,
            steps=[StepOut(ordinal=ordinal, kind=kind) for ordinal, kind in steps[message.id].items()]
            if wish.is_dry_run
            else None,
        )
        for message in messages
    ]
