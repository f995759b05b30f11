"""Bodies and answers of connections, and the carriers that they can be made to. For ``api``; numbers are in ``schemas``."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from twoway_router.carriers.spec import CarrierSpec
from twoway_router.numbers.queries import Rest
from twoway_router.numbers.schemas import State
from twoway_router.numbers.tables import Connections
from twoway_router.web.schemas import UNCHANGED, Body, Country, Label, Shown

SettingName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
_Text = Annotated[str, Field(max_length=4000)]
_NumberAsText = Annotated[int | Annotated[float, Field(allow_inf_nan=False)], AfterValidator(str)]
SettingValue = _Text | bool | _NumberAsText | dict[str, _Text]
"""Kept as text, whether it was written as ``20`` or ``"20"``; flags and mappings as they are."""
SecretValue = Annotated[str, Field(min_length=1, max_length=16_000)]


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
    carrier: str = Field(pattern=r"^[a-z0-9][a-z0-9_]{0,63}$", description="A name of `GET /v1/carriers`.")
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
    secret_names: list[str] = Field(description="Which secrets are set.")
    urls: CarrierUrls
    state: State = Field(description="The URLs of a disabled one answer 404.")
    rests_until: datetime | None = Field(None, description="Nothing is sent through it until then.")
    rest_reason: Literal["account", "throttled"] | None = Field(
        None,
        description="Why it rests. `account`: the carrier refuses our account, until it takes a message again. "
        "Then put it right and call `POST /v1/connections/{connection_id}/resume`.",
    )
    rest_detail: str | None = Field(None, description="What the carrier said.")
    revision: int = Field(description="Counts its changes; the ETag is made of it.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: Connections, secret_names: list[str], base: str, rest: Rest | None = None) -> Self:
        """From its row, what its sealed secrets are called, where the carrier reaches us, and its rest."""
        urls = CarrierUrls(mo=f"{base}/mo", dlr=f"{base}/dlr")
        rests = (
            {} if rest is None else {"rests_until": rest.until, "rest_reason": rest.reason, "rest_detail": rest.detail}
        )
        return cls(secret_names=secret_names, urls=urls, **(cls.columns(row) | rests))


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
    answer: str = Field(description="What we said, from its beginning.")
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
