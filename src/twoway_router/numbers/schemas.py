"""Bodies and answers of numbers. For ``api``, and for sandboxes' numbers; connections are in ``connection_schemas``."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, PlainSerializer, WithJsonSchema

from twoway_router.domain.ids import TenantId
from twoway_router.domain.messages import NumberKind, Sharing, UnknownPolicy
from twoway_router.numbers.tables import Numbers
from twoway_router.numbers.texts import Language, NumberTexts
from twoway_router.routing.types import AmbiguityPolicy, CampaignWords
from twoway_router.web.schemas import UNCHANGED, Body, Country, Shown

State = Literal["active", "disabled"]
Languages = Annotated[tuple[Language, ...], Field(min_length=1, max_length=10, examples=[["it", "en"]])]
Address = Annotated[str, Field(pattern=r"^\+?[0-9][0-9 ().-]{1,24}$", examples=["12345", "+39 06 5550 0100"])]
TenantRef = Annotated[UUID, PlainSerializer(str), WithJsonSchema({"type": "string", "format": "uuid"})]
"""A tenant inside the options, which are stored as JSON."""
KeywordLimit = Annotated[int, Field(ge=0, le=1_000_000)]
TimeZone = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_+/-]+$", examples=["Europe/Rome"])]


class NumberOptions(Body):
    """How the number routes and sends."""

    is_fuzzy: bool = Field(False, description="Dedicated numbers: forgive one wrong letter in words of five or more.")
    ambiguity: AmbiguityPolicy = AmbiguityPolicy.LATEST
    campaign_words: CampaignWords = Field(
        CampaignWords.OPERATOR,
        description="Shared numbers: whether common words that adverts like (WIN, VOTE) are free for the first who claims"
        " them, or an operator's to allow.",
    )
    unknown_policy: UnknownPolicy = Field(
        UnknownPolicy.AT_MOST_ONCE,
        description="When a hand-over's answer was lost and the carrier cannot tell: send again?",
    )
    conversation_hours: int = Field(
        120,
        ge=0,
        le=720,
        description="Shared numbers: how long what fits no keyword goes to the tenant that answered last; 0: never.",
    )
    sends_per_second: float | None = Field(
        None, ge=0.01, le=10_000, description="MTs per second that may go out from this number; null: no limit."
    )
    max_segments: int = Field(6, ge=1, le=6, description="Texts of more segments are not sent.")
    needs_approval: bool = Field(False, description="A tenant's claim waits until an operator approves it.")
    quarantine_days: int = Field(90, ge=0, le=3650, description="Shared numbers: how long a released word rests.")
    keyword_limit: KeywordLimit | None = Field(None, description="How many keywords a tenant may hold; null: no limit.")
    keyword_limits: dict[TenantRef, KeywordLimit] = Field(
        {}, max_length=1000, description="Tenants with a limit of their own, in place of `keyword_limit`."
    )
    idle_release_days: int | None = Field(
        None, ge=30, le=3650, description="After so many days without a message a keyword is given back; null: never."
    )
    claimants: tuple[TenantRef, ...] = Field(
        (), max_length=1000, description="Shared numbers: the tenants that may claim keywords; empty: all."
    )


class NewNumber(Body):
    """How a new number routes and answers; whoever adds it says where it is. Also of a sandbox's numbers."""

    kind: NumberKind
    sharing: Sharing
    languages: Languages = Field(("en",), description="Of its reserved words and texts; it speaks the first one.")
    time_zone: TimeZone = Field("UTC", description="In which conditions on times are read.")
    texts: NumberTexts = NumberTexts()
    options: NumberOptions = NumberOptions()

    def to_row(self, number_id: UUID, now: datetime) -> Numbers:
        """Its row, which has no address and no connection yet."""
        return Numbers(
            id=number_id,
            kind=self.kind.value,
            sharing=self.sharing.value,
            languages=list(self.languages),
            time_zone=self.time_zone,
            texts=self.texts.model_dump(exclude_none=True),
            options=self.options.model_dump(mode="json"),
            state="active",
            revision=1,
            created_at=now,
            updated_at=now,
        )


class NumberIn(NewNumber):
    """A new number. A short code is digits and unique in its country; other numbers are stored in E.164."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "country": "IT",
                    "address": "12345",
                    "kind": "short_code",
                    "sharing": "shared",
                    "connection_id": "0198c0de-8d5b-7cc3-a5f1-1d2b3c4d5e6f",
                    "languages": ["it", "en"],
                    "time_zone": "Europe/Rome",
                    "texts": {"help": "Servizio 12345. STOP per non ricevere altro."},
                }
            ]
        }
    )

    country: Country
    address: Address
    connection_id: UUID = Field(description="What brings its messages and takes its answers.")
    tenant_id: UUID | None = Field(None, description="Dedicated numbers: the tenant that has it.")

    def to_row(self, number_id: UUID, now: datetime) -> Numbers:
        """With its address as the operator wrote it."""
        row = super().to_row(number_id, now)
        row.country, row.address = self.country, self.address
        row.tenant_id, row.connection_id = self.tenant_id, self.connection_id
        return row


class TunedNumber(Body):
    """What may change on any number. ``texts`` and ``options`` change name by name; a null text goes back to the default."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"texts": {"courtesy": "Parola sconosciuta. Info: 12345.example"}}]}
    )

    languages: Languages = UNCHANGED
    time_zone: TimeZone = UNCHANGED
    texts: NumberTexts = UNCHANGED
    options: NumberOptions = UNCHANGED
    state: State = UNCHANGED

    def to_changes(self) -> dict[str, Any]:
        """What was sent, as it is stored; inside texts and options too."""
        return self.model_dump(mode="python", exclude_unset=True)


class NumberChange(TunedNumber):
    """What should change. ``texts`` and ``options`` change name by name; a null text goes back to the default."""

    connection_id: UUID = UNCHANGED


class AssignmentIn(Body):
    """Who gets a dedicated number."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"tenant_id": "0198c0de-8d5b-7cc3-a5f1-1d2b3c4d5e6f"}]})

    tenant_id: UUID


class ClaimsOut(Shown):
    """What a tenant may claim on a number."""

    is_allowed: bool = Field(description="Whether it may claim at all.")
    limit: int | None = Field(description="How many keywords it may hold; null: no limit.")
    used: int = Field(description="How many it holds, also suspended ones and those that wait for approval.")


class NumberOut(Shown):
    """An address messages come in on."""

    id: UUID
    country: str
    address: str
    kind: NumberKind
    sharing: Sharing
    is_mine: bool = Field(description="Dedicated to the calling tenant.")
    languages: list[str] = Field(description="Of its reserved words and texts; it speaks the first one.")
    time_zone: str = Field(description="In which conditions on times are read.")
    texts: NumberTexts
    state: State = Field(description="Nothing comes in on a disabled one.")
    revision: int = Field(description="Counts its changes; the ETag is made of it.")
    created_at: datetime
    updated_at: datetime
    sandbox_id: UUID | None = Field(description="The sandbox that it belongs to; null for a live number.")
    tenant_id: UUID | None = Field(None, description="For operators: who has it.")
    connection_id: UUID | None = Field(None, description="For operators.")
    options: NumberOptions | None = Field(None, description="For operators.")
    claims: ClaimsOut | None = Field(None, description="Of the calling tenant, or of the one that an operator names.")

    @classmethod
    def of(cls, row: Numbers, viewer: TenantId | None, claims: ClaimsOut | None = None) -> Self:
        """As an operator (None) or a tenant may see it."""
        hidden = {} if viewer is None else dict.fromkeys(("tenant_id", "connection_id", "options"))
        shown = cls.columns(row) | hidden
        return cls.model_validate(
            {**shown, "is_mine": viewer is not None and row.tenant_id == viewer, "claims": claims}
        )
