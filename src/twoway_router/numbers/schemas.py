"""Bodies and answers of connections and numbers."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from twoway_router.carriers.spec import CarrierSpec
from twoway_router.domain.ids import TenantId
from twoway_router.domain.messages import NumberKind, Sharing, UnknownPolicy
from twoway_router.numbers.tables import Connections, Numbers
from twoway_router.numbers.texts import Language, NumberTexts
from twoway_router.routing.types import AmbiguityPolicy
from twoway_router.web.schemas import UNCHANGED, Body, Country, Label, Shown

State = Literal["active", "disabled"]
SettingName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
SettingValue = Annotated[str, Field(max_length=4000)] | bool | dict[str, Annotated[str, Field(max_length=4000)]]
SecretValue = Annotated[str, Field(min_length=1, max_length=16_000)]
Languages = Annotated[tuple[Language, ...], Field(min_length=1, max_length=10, examples=[["it", "en"]])]
Address = Annotated[str, Field(pattern=r"^\+?[0-9][0-9 ().-]{1,24}$", examples=["12345", "+39 06 5550 0100"])]
TimeZone = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_+/-]+$", examples=["Europe/Rome"])]


class ConnectionIn(Body):
    """Our account at a carrier. Which settings and secrets it takes: ``GET /v1/carriers``."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Twilio Italy",
                    "carrier": "twilio",
                    "country": "IT",
                    "settings": {"account_sid": "AC00000000000000000000000000000000"},
                    "secrets": {"auth_token": "0123456789abcdef0123456789abcdef"},
                }
            ]
        }
    )

    name: Label
    carrier: str = Field(pattern=r"^[a-z0-9][a-z0-9_]{0,63}$")
    country: Country | None = Field(None, description="Reads national numbers in what this carrier sends.")
    settings: dict[SettingName, SettingValue] = Field(default_factory=dict, max_length=100)
    secrets: dict[SettingName, SecretValue] = Field(default_factory=dict, max_length=100)

    def to_row(self, connection_id: UUID, now: datetime) -> Connections:
        """Without its secrets, which are sealed by the service."""
        return Connections(
            id=connection_id,
            name=self.name,
            carrier=self.carrier,
            country=self.country,
            settings=dict(self.settings),
            state="active",
            revision=1,
            created_at=now,
            updated_at=now,
        )


class ConnectionChange(Body):
    """What should change. In ``settings`` and ``secrets`` a null removes a name; names left out stay."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"secrets": {"auth_token": "fedcba9876543210fedcba9876543210"}}]}
    )

    name: Label = UNCHANGED
    country: Country | None = None
    settings: dict[SettingName, SettingValue | None] = Field(default_factory=dict, max_length=100)
    secrets: dict[SettingName, SecretValue | None] = Field(default_factory=dict, max_length=100)
    state: State = UNCHANGED


class CarrierUrls(BaseModel):
    """What to enter at the carrier."""

    mo: str = Field(description="For inbound messages.")
    dlr: str = Field(description="For delivery receipts.")


class ConnectionOut(Shown):
    """Our account at a carrier. Secrets are never shown, only which there are."""

    id: UUID
    name: str
    carrier: str
    country: str | None
    settings: dict[str, Any]
    secret_names: list[str]
    urls: CarrierUrls
    state: State
    revision: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: Connections, secret_names: list[str], base: str) -> Self:
        """From its row, what its sealed secrets are called and where the carrier reaches us."""
        urls = CarrierUrls(mo=f"{base}/mo", dlr=f"{base}/dlr")
        return cls(secret_names=secret_names, urls=urls, **cls.columns(row))


class ConnectionRequestOut(Shown):
    """A request that this connection got. Secrets are hidden, numbers masked, texts left out."""

    id: UUID
    kind: Literal["mo", "dlr"]
    outcome: str = Field(description="stored, duplicate, quarantined, refused, ignored, probe, unavailable, too_large.")
    reason: str | None = Field(description="Why it was refused.")
    method: str
    query: str
    headers: dict[str, str]
    body: str = Field(description="Its beginning.")
    parsed: dict[str, Any] = Field(description="What it was understood as.")
    status: int = Field(description="Of our answer.")
    answer: str
    unlogged: int = Field(description="Requests of this outcome since the entry before that were only counted.")
    received_at: datetime


class CarrierSetting(Shown):
    """One thing to enter for a connection."""

    name: str
    description: str
    is_required: bool
    is_secret: bool
    default: str | None
    choices: list[str]
    kind: Literal["text", "mapping", "flag"]


class CarrierOut(Shown):
    """A carrier that connections can be made to."""

    name: str
    title: str
    settings: list[CarrierSetting]

    @classmethod
    def of(cls, spec: CarrierSpec) -> Self:
        """From its spec, with the settings that every carrier has."""
        settings = [CarrierSetting.model_validate(setting) for setting in spec.all_settings]
        return cls(name=spec.name, title=spec.title, settings=settings)


class CarriersOut(Shown):
    """All carriers; there is no second page."""

    data: list[CarrierOut]
    next: None = None


class NumberOptions(Body):
    """How the number routes and sends."""

    is_fuzzy: bool = Field(False, description="Dedicated numbers: forgive one wrong letter in words of five or more.")
    ambiguity: AmbiguityPolicy = AmbiguityPolicy.LATEST
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


class NewNumber(Body):
    """How a new number routes and answers; whoever adds it says where it is. Also of a sandbox's numbers."""

    kind: NumberKind
    sharing: Sharing
    languages: Languages = ("en",)
    time_zone: TimeZone = "UTC"
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
    connection_id: UUID
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


class NumberOut(Shown):
    """An address messages come in on."""

    id: UUID
    country: str
    address: str
    kind: NumberKind
    sharing: Sharing
    is_mine: bool = Field(description="Dedicated to the calling tenant.")
    languages: list[str]
    time_zone: str
    texts: NumberTexts
    state: State
    revision: int
    created_at: datetime
    updated_at: datetime
    sandbox_id: UUID | None = Field(description="The sandbox that it belongs to; null for a live number.")
    tenant_id: UUID | None = Field(None, description="For operators: who has it.")
    connection_id: UUID | None = Field(None, description="For operators.")
    options: NumberOptions | None = Field(None, description="For operators.")

    @classmethod
    def of(cls, row: Numbers, viewer: TenantId | None) -> Self:
        """As an operator (None) or a tenant may see it."""
        hidden = {} if viewer is None else dict.fromkeys(("tenant_id", "connection_id", "options"))
        shown = cls.columns(row) | hidden
        return cls.model_validate({**shown, "is_mine": viewer is not None and row.tenant_id == viewer})
