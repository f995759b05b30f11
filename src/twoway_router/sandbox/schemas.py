"""Bodies and answers of sandboxes."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from twoway_router.carriers.reading.charsets import clean
from twoway_router.domain.ids import TenantId
from twoway_router.domain.messages import InboundMessage, NumberKind, Sharing
from twoway_router.domain.msisdn import read_address
from twoway_router.inbound.schemas import InboundMessageOut
from twoway_router.inbound.tables import InboundMessages
from twoway_router.numbers.schemas import Address, NewNumber
from twoway_router.numbers.tables import Numbers
from twoway_router.sandbox.rules import FATES, example_of
from twoway_router.web.schemas import Body, Country, Shown

Handset = Annotated[str, Field(min_length=3, max_length=20, pattern=r"^\+?[0-9]+$", examples=["+447700900001"])]


class SandboxNumberIn(NewNumber):
    """A number of the sandbox: a copy of a live one (``like``), or a new one. Only this sandbox will see it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"country": "IT", "address": "12345", "kind": "short_code", "sharing": "shared", "languages": ["it"]},
                {"like": "0198c0de-8d5b-7cc3-a5f1-1d2b3c4d5e6f"},
            ]
        }
    )

    like: UUID | None = Field(None, description="A live number that you may use: everything is taken over from it.")
    country: Country | None = None
    address: Address | None = None
    kind: NumberKind = NumberKind.SHORT_CODE
    sharing: Sharing = Field(Sharing.SHARED, description="How it routes; nobody else is on it either way.")

    @model_validator(mode="after")
    def _is_a_copy_or_new(self) -> Self:
        if (self.like is None) != (self.country is not None and self.address is not None):
            raise ValueError("give like, or country and address")
        if self.like is not None and len(self.model_fields_set) > 1:
            raise ValueError("a copy takes everything over: give nothing but like")
        return self

    def to_row(self, number_id: UUID, now: datetime) -> Numbers:
        """A new number, its address as it was written."""
        row = super().to_row(number_id, now)
        row.country, row.address = self.country or "", self.address or ""
        return row


class SandboxMessageIn(Body):
    """A text that a handset would have sent. Name the number by its id, or by country and address."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"country": "IT", "number": "12345", "sender": "+447700900001", "text": "PIZZA grande"}]
        }
    )

    number_id: UUID | None = None
    country: Country | None = None
    number: str | None = Field(None, min_length=3, max_length=20)
    sender: Handset
    text: str = Field(max_length=1600)
    id: str | None = Field(
        None, pattern=r"^[!-~]{1,100}$", description="The carrier's id; the same one again is a carrier's repeat."
    )

    @model_validator(mode="after")
    def _names_one_number(self) -> Self:
        if (self.number_id is None) != (self.country is not None and self.number is not None):
            raise ValueError("give number_id, or country and number")
        return self

    @property
    def address(self) -> str:
        """The number's address as it is stored, where it was named by one."""
        return read_address(self.number or "", self.country)[0]

    def to_message(self, carrier_message_id: str, number: Numbers) -> InboundMessage:
        """As a carrier's request would have been read."""
        sender, kind = read_address(self.sender, number.country)
        return InboundMessage(
            carrier_message_id=carrier_message_id,
            sender=sender,
            sender_kind=kind,
            recipient=number.address,
            text=clean(self.text),
        )


class SandboxMessageOut(InboundMessageOut):
    """The stored message and where it goes. Its actions run after this answer: read it again to see what they did."""

    is_repeat: bool = Field(description="The message had come before and nothing happens again.")

    @classmethod
    def stored(cls, row: InboundMessages, viewer: TenantId, *, is_repeat: bool) -> Self:
        """From its row."""
        return cls.model_validate(cls.shown(row, viewer) | {"is_repeat": is_repeat})


class HandsetOut(Shown):
    """A handset with a fate of its own."""

    handset: str = Field(examples=["+447700900002"])
    ending: str = Field(description="The last two digits; also of +1 NPA 555-01xx, such as +1 202 555 0102.")
    name: str
    meaning: str


class HandsetsOut(Shown):
    """All of them; there is no second page. Every other handset gets its messages delivered."""

    data: list[HandsetOut]
    next: None = None

    @classmethod
    def all(cls) -> Self:
        """The table of fates."""
        handsets = [
            HandsetOut(handset=example_of(ending), ending=ending, name=fate.name, meaning=fate.meaning)
            for ending, fate in FATES.items()
        ]
        return cls(data=handsets)
