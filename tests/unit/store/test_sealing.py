"""Sealing: what goes in comes out, and only with the right key and unchanged."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoway_router.store.sealing import SealBroken, Sealer

OLD, NEW = bytes(range(32)), bytes(range(1, 33))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(value=st.dictionaries(st.text(), JSON))
def test_what_is_sealed_opens_to_the_same(value: dict[str, object]) -> None:
    sealer = Sealer([OLD])

    opened = sealer.open(sealer.seal(value))

    assert opened == value


def test_the_same_value_is_never_sealed_to_the_same_bytes() -> None:
    sealer = Sealer([OLD])

    blobs = {sealer.seal({"key": "s3cret"}) for _ in range(20)}

    assert len(blobs) == 20
    assert not any(b"s3cret" in blob for blob in blobs)


def test_after_a_rotation_old_values_still_open_and_new_ones_use_the_new_key() -> None:
    old = Sealer([OLD]).seal({"key": "a"})
    rotated = Sealer([NEW, OLD])

    new = rotated.seal({"key": "b"})

    assert rotated.open(old) == {"key": "a"}
    assert Sealer([NEW]).open(new) == {"key": "b"}


def test_an_unknown_key_is_named_as_the_reason() -> None:
    blob = Sealer([OLD]).seal({"key": "a"})

    with pytest.raises(SealBroken, match="not configured"):
        Sealer([NEW]).open(blob)


@pytest.mark.parametrize("place", [0, 1, 5, 17, -1])
def test_a_changed_byte_is_noticed_wherever_it_is(place: int) -> None:
    blob = bytearray(Sealer([OLD]).seal({"key": "a"}))
    blob[place] ^= 1

    with pytest.raises(SealBroken):
        Sealer([OLD]).open(bytes(blob))


@pytest.mark.parametrize("blob", [b"", b"\x01", b"\x01abcd", bytes(100)])
def test_what_was_never_sealed_does_not_open(blob: bytes) -> None:
    with pytest.raises(SealBroken):
        Sealer([OLD]).open(blob)


def test_keys_come_from_the_setting_newest_first() -> None:
    text = ", ".join(b64encode(key).decode() for key in (NEW, OLD))

    sealer = Sealer.from_text(text)

    assert sealer.open(Sealer([OLD]).seal({"key": "a"})) == {"key": "a"}
    assert Sealer([NEW]).open(sealer.seal({})) == {}


@pytest.mark.parametrize("text", ["", "c2hvcnQ=", "not base64!", "ä"])
def test_a_wrong_setting_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Sealer.from_text(text)


def test_each_purpose_has_a_key_of_its_own() -> None:
    sealer = Sealer([OLD])

    derived = {sealer.derive("cursors"), sealer.derive("other"), Sealer([NEW]).derive("cursors"), OLD}

    assert len(derived) == 4
