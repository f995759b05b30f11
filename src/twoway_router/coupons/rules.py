"""What a coupon pool and a code may be, and what can go wrong with them. Pure; used by service and API."""

import csv
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from twoway_router.coupons.codes import normalise_code
from twoway_router.domain.causes import Cause
from twoway_router.domain.errors import Conflict, NotFound, TooManyRequests, Unprocessable
from twoway_router.domain.ids import CouponCodeId, CouponPoolId

MAX_UPLOAD: Final = 10_000
_MIN_KEY: Final = 4
_MAX_CODE: Final = 64
_NOT_IN_CODES: Final = re.compile(r"[/\\?#\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class PoolNotFound(NotFound):
    """There is no such coupon pool, or it is not yours."""

    code = "coupon_pool_not_found"


class CsvUnreadable(Unprocessable):
    """The CSV cannot be read."""

    code = "csv_unreadable"


class CodeNotFound(NotFound):
    """There is no such coupon code."""

    code = "coupon_code_not_found"


class PoolNameTaken(Conflict):
    """You have another coupon pool with this name."""

    code = "coupon_pool_name_taken"


class PoolIsGenerated(Conflict):
    """The codes of this pool are generated when they are issued; it takes no uploads."""

    code = "coupon_pool_is_generated"


class LimitBelowIssued(Conflict):
    """More codes are already issued than the new limit allows."""

    code = "coupon_limit_below_issued"


class AlreadyRedeemed(Conflict):
    """This coupon was redeemed before."""

    code = "coupon_already_redeemed"


class CodeIsVoid(Conflict):
    """This coupon is void."""

    code = "coupon_void"


class CodeExpired(Conflict):
    """This coupon is no longer valid."""

    code = "coupon_expired"


class TooManyTries(TooManyRequests):
    """Too many codes that could not be redeemed. Wait for the time in Retry-After."""

    code = "too_many_failed_redemptions"


@dataclass(frozen=True, kw_only=True, slots=True)
class CouponRequest:
    """One action that needs a code. Cause and ordinal are the effect's key: a repeat gets the same code."""

    cause: Cause
    ordinal: int
    sender: str


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuedCode:
    """The code for a request. ``is_new`` is false when the sender or the effect had it before."""

    code_id: CouponCodeId
    pool_id: CouponPoolId
    code: str
    valid_until: datetime | None
    is_new: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class NewCode:
    """A code to be stored. ``key`` is what it is looked up by."""

    id: UUID
    code: str
    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """What an upload comes to before the database has its word."""

    codes: Sequence[str]
    duplicates: Sequence[str]
    invalid: Sequence[str]


def sort_upload(codes: Iterable[str]) -> Upload:
    """Split an upload into acceptable codes, repeated ones and those that nobody could type."""
    good: dict[str, str] = {}
    duplicates: list[str] = []
    invalid: list[str] = []
    for given in codes:
        code = unicodedata.normalize("NFC", given.strip())
        key = normalise_code(code)
        if len(code) > _MAX_CODE or len(key) < _MIN_KEY or _NOT_IN_CODES.search(code):
            invalid.append(given[:_MAX_CODE])
        elif key in good:
            duplicates.append(code)
        else:
            good[key] = code
    return Upload(codes=tuple(good.values()), duplicates=duplicates, invalid=invalid)


def read_csv(text: str) -> list[str]:
    """The first column of a CSV, without its heading ``code`` and without empty lines."""
    rows = csv.reader(text.removeprefix("\ufeff").splitlines())
    try:
        cells = [row[0].strip() for row in rows if row and row[0].strip()]
    except csv.Error as error:
        raise CsvUnreadable(f"Line {rows.line_num} cannot be read: {error}.") from None
    return cells[1:] if cells and cells[0].casefold() in ("code", "codes") else cells


def redemption_error(state: str, redeemed_at: datetime | None) -> Exception:
    """Why a code in this state cannot be redeemed. A free code has the same answer as an unknown one."""
    match state:
        case "redeemed":
            return AlreadyRedeemed(extra={"redeemed_at": redeemed_at.isoformat() if redeemed_at else None})
        case "void":
            return CodeIsVoid()
        case "issued":
            return CodeExpired()
    return CodeNotFound()
