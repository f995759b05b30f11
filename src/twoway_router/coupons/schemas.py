"""Coupon pools and codes as the management API shows them."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from twoway_router.coupons.rules import MAX_UPLOAD
from twoway_router.coupons.tables import CouponCodes, CouponPools
from twoway_router.web.schemas import Moment

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S")]
CodeState = Literal["free", "issued", "redeemed", "void"]
Limit = Annotated[int, Field(ge=1, le=2_000_000_000, strict=True)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PoolIn(_In):
    """A new pool. ``uploaded``: you give the codes. ``generated``: each is made when it is issued."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "Summer burger", "source": "generated", "code_prefix": "BURGER", "code_limit": 5000}]
        },
    )

    name: Name
    source: Literal["uploaded", "generated"]
    is_one_per_sender: bool = Field(True, description="A sender who asks again gets the same code again.")
    code_prefix: str = Field("", pattern=r"^[A-Z0-9]{0,12}$", description="Generated codes begin with it.")
    code_limit: Limit | None = Field(None, description="How many codes a generated pool issues at most.")
    valid_until: Moment | None = Field(None, description="Nothing is issued or redeemed from then on.")

    @model_validator(mode="after")
    def _fits_its_source(self) -> Self:
        if self.source == "uploaded" and (self.code_prefix or self.code_limit is not None):
            raise ValueError("code_prefix and code_limit belong to generated pools")
        return self


class PoolPatch(_In):
    """What of a pool may change; a field that is left out stays."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"valid_until": "2027-01-01T00:00:00Z", "code_limit": 8000}]}
    )

    name: Name | None = None
    code_limit: Limit | None = None
    valid_until: Moment | None = None

    @model_validator(mode="after")
    def _keeps_its_name(self) -> Self:
        if "name" in self.model_fields_set and self.name is None:
            raise ValueError("name cannot be null")
        return self


class PoolOut(BaseModel):
    """A pool of coupon codes."""

    id: UUID
    name: str
    source: Literal["uploaded", "generated"]
    is_one_per_sender: bool
    code_prefix: str
    code_limit: int | None
    valid_until: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, pool: CouponPools) -> Self:
        return cls.model_validate(pool, from_attributes=True)


class CodeCounts(BaseModel):
    """How many codes of a pool are in each state."""

    free: int = 0
    issued: int = 0
    redeemed: int = 0
    void: int = 0


class PoolWithCounts(PoolOut):
    """A pool with the number of its codes in each state."""

    codes: CodeCounts = CodeCounts()


class CodesIn(_In):
    """Codes to add. Case, spaces and hyphens do not tell codes apart."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"codes": ["SAVE-0001", "SAVE-0002"]}]})

    codes: list[Annotated[str, Field(max_length=200)]] = Field(min_length=1, max_length=MAX_UPLOAD)


class UploadOut(BaseModel):
    """What became of an upload."""

    added: int = Field(description="How many codes are new.")
    duplicates: list[str] = Field(description="Given twice, or already yours in some pool.")
    invalid: list[str] = Field(
        description="Shorter than 4 characters, longer than 64, or with characters nobody types."
    )


class CodeOut(BaseModel):
    """A coupon code."""

    id: UUID
    pool_id: UUID
    code: str
    state: CodeState
    sender: str | None = Field(description="Who was given it.")
    inbound_message_id: UUID | None = Field(description="The message it answered.")
    created_at: datetime
    issued_at: datetime | None
    redeemed_at: datetime | None
    voided_at: datetime | None

    @classmethod
    def of(cls, code: CouponCodes) -> Self:
        return cls.model_validate(code, from_attributes=True)


class FoundCodeOut(CodeOut):
    """A coupon code with its pool."""

    pool_name: str = ""
    valid_until: datetime | None = None
