"""Strict JSON: what two parsers might read differently, or no database can store, is refused at the door."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoway_router.web.body import BadJson, read_json

TEXT = st.text(alphabet=st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"\xff",
        b'{"a": NaN}',
        b"[Infinity]",
        b'{"a": 1, "a": 2}',
        b'"\\u0000"',
        b'{"\\u0000": 1}',
        b'"\\ud800"',
        b"[" * 33 + b"]" * 33,
        b"[" * 100_000,
        b"1" * 5_000,
        '{"a": "b"}'.encode("utf-16"),
    ],
    ids=lambda body: repr(body[:16]),
)
def test_it_is_refused(body: bytes) -> None:
    with pytest.raises(BadJson):
        read_json(body)


@given(value=JSON)
def test_everything_else_is_read_as_it_is(value: object) -> None:
    assert read_json(json.dumps(value).encode()) == value
