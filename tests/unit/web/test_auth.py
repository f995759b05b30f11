"""Authentication: which keys are believed, for how long, and how often their use is written down."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from tests.cast import NOON
from twoway_router.domain.errors import Unauthenticated
from twoway_router.domain.ids import ApiKeyId, new_id
from twoway_router.web.auth import Authenticator, KeyRecord, TenantSuspended, make_key

FRESH = make_key("live")
RECORD = KeyRecord(
    key_id=ApiKeyId(new_id()),
    tenant_id=None,
    mode="live",
    secret_hash=FRESH.secret_hash,
    scopes=("*",),
    expires_at=None,
    revoked_at=None,
    last_used_at=None,
    is_tenant_suspended=False,
)


@dataclass
class FakeDirectory:
    """Keys in memory; counts how often it was asked."""

    record: KeyRecord = RECORD
    asked: int = 0
    noted: list[object] = field(default_factory=list)

    async def find(self, kid: str) -> KeyRecord | None:
        self.asked += 1
        return self.record if kid == FRESH.kid else None

    async def note_use(self, key_id: ApiKeyId, now: object) -> None:
        self.noted.append(now)


def test_a_key_has_its_mode_its_kid_and_256_secret_bits() -> None:
    _, mode, kid, secret = FRESH.token.split("_")

    assert (mode, kid, len(bytes.fromhex(secret))) == ("live", FRESH.kid, 32)
    assert secret.encode() not in FRESH.secret_hash


async def test_a_good_key_names_its_principal() -> None:
    principal = await Authenticator(FakeDirectory()).authenticate(f"Bearer {FRESH.token}", NOON)

    assert (principal.key_id, principal.owner, principal.may("keywords:write")) == (RECORD.key_id, "operator", True)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        f"Basic {FRESH.token}",
        "Bearer twr_live_unknown",
        f"Bearer {FRESH.token.replace('live', 'test')}",
        f"Bearer {FRESH.token[:-1]}{'0' if FRESH.token[-1] != '0' else '1'}",
        f"Bearer {make_key('live').token}",
    ],
    ids=["none", "empty", "no key", "other scheme", "no secret", "other mode", "last digit", "another key"],
)
async def test_every_bad_key_gets_the_same_answer(header: str | None) -> None:
    with pytest.raises(Unauthenticated) as caught:
        await Authenticator(FakeDirectory()).authenticate(header, NOON)

    assert caught.value.detail == Unauthenticated().detail


@pytest.mark.parametrize(
    "change",
    [{"revoked_at": NOON}, {"expires_at": NOON}, {"expires_at": NOON - timedelta(seconds=1)}, {"mode": "test"}],
)
async def test_a_dead_key_is_refused(change: dict[str, Any]) -> None:
    directory = FakeDirectory(record=replace(RECORD, **change))

    with pytest.raises(Unauthenticated):
        await Authenticator(directory).authenticate(f"Bearer {FRESH.token}", NOON)


async def test_a_suspended_tenants_key_is_told_so() -> None:
    directory = FakeDirectory(record=replace(RECORD, is_tenant_suspended=True))

    with pytest.raises(TenantSuspended):
        await Authenticator(directory).authenticate(f"Bearer {FRESH.token}", NOON)


async def test_a_revocation_is_noticed_within_five_seconds() -> None:
    directory = FakeDirectory()
    authenticator = Authenticator(directory)
    await authenticator.authenticate(f"Bearer {FRESH.token}", NOON)
    directory.record = replace(RECORD, revoked_at=NOON)

    await authenticator.authenticate(f"Bearer {FRESH.token}", NOON + timedelta(seconds=2))

    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(f"Bearer {FRESH.token}", NOON + timedelta(seconds=5))
    assert directory.asked == 2


async def test_an_expiry_is_noticed_at_once() -> None:
    directory = FakeDirectory(record=replace(RECORD, expires_at=NOON + timedelta(seconds=1)))
    authenticator = Authenticator(directory)
    await authenticator.authenticate(f"Bearer {FRESH.token}", NOON)

    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(f"Bearer {FRESH.token}", NOON + timedelta(seconds=1))


async def test_the_secret_is_compared_also_when_there_is_no_such_key() -> None:
    compared: list[bytes] = []

    def compare(given: bytes, stored: bytes) -> bool:
        compared.append(stored)
        return given == stored

    with pytest.raises(Unauthenticated):
        await Authenticator(FakeDirectory(), compare=compare).authenticate(f"Bearer {make_key('live').token}", NOON)

    assert compared == [bytes(32)]


async def test_use_is_written_down_once_a_minute() -> None:
    directory = FakeDirectory()
    authenticator = Authenticator(directory)

    for second in (0, 1, 30, 59, 60, 61):
        await authenticator.authenticate(f"Bearer {FRESH.token}", NOON + timedelta(seconds=second))

    assert directory.noted == [NOON, NOON + timedelta(seconds=60)]


async def test_a_wrong_secret_is_no_use_of_the_key() -> None:
    directory = FakeDirectory()
    wrong = f"{FRESH.token[:-4]}{'0000' if FRESH.token[-4:] != '0000' else '1111'}"

    with pytest.raises(Unauthenticated):
        await Authenticator(directory).authenticate(f"Bearer {wrong}", NOON)

    assert directory.noted == []
