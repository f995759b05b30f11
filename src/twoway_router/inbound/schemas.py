"""Answers about MOs: what came in, why it went where it went, and what happened because of it."""

from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import Field

from twoway_router.domain.ids import TenantId
from twoway_router.domain.messages import SenderKind
from twoway_router.inbound.rules import CORRECTED_TEXT, REUSES_ID_OF
from twoway_router.inbound.tables import ActionRuns, InboundMessages
from twoway_router.mts.schemas import OutboundMessageOut
from twoway_router.mts.tables import OutboundMessages
from twoway_router.routing.route_details import RouteDetails
from twoway_router.routing.types import Reason, RouteOutcome, Rule, WindowState
from twoway_router.web.schemas import Shown

MoState = Literal["accepted", "done", "stored", "parked"]
RunState = Literal["planned", "done", "failed", "skipped"]


class RouteOut(Shown):
    """Where the message went and why."""

    outcome: RouteOutcome
    rule: Rule = Field(description="Which row of the decision table fitted.")
    reason: Reason | None = Field(description="Why, where the rule does not say it.")
    detail: str = Field(description="The same in a few words.")
    keyword_id: UUID | None
    keyword_revision: int | None = Field(description="The revision of the keyword whose actions were run.")
    sub_keyword: str | None
    rest: str = Field(description="The text after the keyword.")
    window: WindowState
    details: dict[str, Any] = Field(description="The word that matched, how, and where in the text.")
    rules_version: int = Field(description="How new the routing table was.")

    @classmethod
    def read(cls, row: InboundMessages, viewer: TenantId | None) -> Self:
        """As an operator (None) or the message's tenant may see it."""
        details = RouteDetails.read(row.route_details)
        return cls(
            outcome=RouteOutcome(row.route),
            rule=Rule(row.rule),
            reason=details.reason,
            detail=details.reason.detail if details.reason else "",
            keyword_id=row.keyword_id,
            keyword_revision=row.keyword_revision,
            sub_keyword=row.sub_keyword,
            rest=row.rest,
            window=details.window,
            details=(details if viewer is None else details.for_tenant()).write(),
            rules_version=row.rules_version,
        )


class InboundMessageOut(Shown):
    """A message that came in."""

    id: UUID
    tenant_id: UUID | None = Field(description="Whose it is; null when it belongs to no tenant.")
    connection_id: UUID | None = Field(None, description="For operators.")
    number_id: UUID | None
    sender: str = Field(description="Who wrote: in E.164, else as the carrier wrote it.")
    sender_kind: SenderKind
    recipient: str = Field(description="The number it was sent to, as the carrier wrote it.")
    text: str
    state: MoState = Field(description="accepted: waits for its actions; stored: none to run; parked: failed for good.")
    operator: str | None = Field(description="The sender's network, where the carrier says it.")
    route: RouteOut
    carrier_time: datetime | None = Field(description="When the carrier got it, as it says.")
    received_at: datetime = Field(description="When it came in here.")
    finished_at: datetime | None = Field(description="When its actions had run.")
    reuses_id_of: UUID | None = Field(
        None, description="The message that its carrier had given the same id before; this one is put aside."
    )
    missing_parts: list[int] = Field([], description="Parts of a long message that have not come; 1 is the first.")
    corrected_text: str | None = Field(
        None, description="The text with parts that came late, or as a replay corrected it."
    )

    @classmethod
    def of(cls, row: InboundMessages, viewer: TenantId | None) -> Self:
        """As an operator (None) or the message's tenant may see it."""
        return cls.model_validate(cls.shown(row, viewer))

    @classmethod
    def shown(cls, row: InboundMessages, viewer: TenantId | None) -> dict[str, Any]:
        """The same as fields."""
        fields = cls.columns(row) | {"route": RouteOut.read(row, viewer)}
        fields["missing_parts"] = [
            int(part) for part in str(row.extra.get("missing_parts")).split(",") if part.isdecimal()
        ]
        fields["reuses_id_of"] = row.extra.get(REUSES_ID_OF)
        fields["corrected_text"] = row.extra.get(CORRECTED_TEXT)
        return fields if viewer is None else fields | {"connection_id": None}


class ActionRunOut(Shown):
    """What one action of the keyword did with the message."""

    ordinal: int = Field(description="The action's place in the list, from 0.")
    generation: int = Field(description="0 at first, one more for each replay of the message.")
    kind: str = Field(description="The kind of action; notices are what the number itself says.")
    state: RunState = Field(description="skipped: its condition was false, or a value that it uses is missing.")
    reason: str | None = Field(description="Why it failed or was skipped, for programs.")
    values: dict[str, Any] = Field(description="What later actions could read.")
    finished_at: datetime


class InboundStoryOut(InboundMessageOut):
    """A message that came in, with everything that happened because of it."""

    action_runs: list[ActionRunOut]
    outbound_messages: list[OutboundMessageOut]

    @classmethod
    def from_rows(
        cls,
        row: InboundMessages,
        runs: list[ActionRuns],
        answers: list[OutboundMessages],
        viewer: TenantId | None,
    ) -> Self:
        """From its rows."""
        return cls.model_validate(
            cls.shown(row, viewer)
            | {
                "action_runs": [ActionRunOut.model_validate(run) for run in runs],
                "outbound_messages": [OutboundMessageOut.of(answer, viewer) for answer in answers],
            }
        )
