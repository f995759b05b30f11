"""What makes an address, a zone or an overlay of settings acceptable, and what is said otherwise. Pure; for both services."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from twoway_router.domain.errors import Conflict, FieldError, Unprocessable
from twoway_router.domain.ids import NumberId, TenantId
from twoway_router.domain.messages import NumberKind
from twoway_router.domain.msisdn import read_msisdn
from twoway_router.numbers.default_texts import OwnText

_SHORT_CODE: Final = re.compile(r"[0-9]{3,8}")


class AddressTaken(Conflict):
    """This connection brings messages for another number with this address already: nobody could tell the two apart."""

    code = "address_taken"


class SandboxBoundary(Conflict):
    """What is a sandbox's stays there: its connection is fixed, its numbers and tenant do not mix with live ones."""

    code = "sandbox_boundary"


def read_number(address: str, kind: NumberKind, country: str) -> str | None:
    """The address as it is stored: a short code's digits, or E.164; None when it is neither."""
    if kind is NumberKind.SHORT_CODE:
        return address if _SHORT_CODE.fullmatch(address) else None
    return read_msisdn(address, country)


@cache
def time_zones() -> frozenset[str]:
    """The zones that this machine knows."""
    return frozenset(available_timezones())


def overlaid(current: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """One level of RFC 7396: null removes a name, everything else replaces it."""
    merged = {**current, **patch}
    return {name: value for name, value in merged.items() if value is not None}


def unacceptable(field: str, detail: str) -> Unprocessable:
    """A refusal of one field of a body."""
    return Unprocessable(errors=[FieldError(pointer=f"/{field}", detail=detail)])


def keyword_limit(options: Mapping[str, Any], tenant_id: UUID | str) -> int | None:
    """How many keywords a tenant may hold on a number with these options; None: as many as it likes."""
    own: int | None = options.get("keyword_limits", {}).get(str(tenant_id))
    return options.get("keyword_limit") if own is None else own


@dataclass(frozen=True, kw_only=True, slots=True)
class Claims:
    """What a tenant may claim on a number, and how many keywords it holds there. ``limit`` is None where there is none."""

    is_allowed: bool
    limit: int | None
    used: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RunNumber:
    """The number a message came to."""

    id: NumberId
    address: str
    country: str
    zone: ZoneInfo
    languages: Sequence[str]
    texts: Mapping[str, OwnText]
    owner: TenantId | None
    conversation: timedelta = timedelta(0)
