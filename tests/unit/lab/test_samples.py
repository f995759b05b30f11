"""Samples of requests: values are written into them and read out of them, and what differs is noticed."""

from typing import Any

import pytest

from twoway_router.lab.dialects.samples import filled, values_in

VALUES = {"mo": "hello {mo}", "count": 3, "empty": "", "settings": {"user": "lab"}}
SENT = {"to": ["{recipient}"], "number": "00{digits}", "kind": "sms", "tag?": "{reference}", "more?": {"url": "{url}"}}


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ("{mo}", "hello {mo}"),
        ("{count}", 3),
        ("{count:03}", "003"),
        ("n-{count}", "n-3"),
        ("{settings[user]}", "lab"),
        ({"a": "{empty}", "b?": "{empty}", "c?": "{count}"}, {"a": "", "c": 3}),
        ([{"x": "{count}"}, None, 1.5], [{"x": 3}, None, 1.5]),
    ],
)
def test_a_sample_is_filled_with_values(node: Any, expected: Any) -> None:
    assert filled(node, VALUES) == expected


def test_values_are_read_where_the_sample_has_them() -> None:
    content = {"to": ["+39333"], "number": "0039333", "kind": "sms", "tag": "r-1", "more": {"url": "u"}, "else": 1}

    assert values_in(SENT, content) == {"recipient": "+39333", "digits": "39333", "reference": "r-1", "url": "u"}


def test_what_is_optional_may_be_missing_or_empty() -> None:
    content = {"to": ["+39333"], "number": "0039333", "kind": "sms", "tag": ""}

    assert values_in(SENT, content) == {"recipient": "+39333", "digits": "39333"}


@pytest.mark.parametrize(
    "change",
    [
        {"to": []},
        {"to": ["+39333", "+39334"]},
        {"to": "+39333"},
        {"to": [""]},
        {"number": "+39333"},
        {"number": "00"},
        {"number": None},
        {"kind": "mms"},
        {"more": {}, "kind": None},
        {"more": {"url": ""}},
        {"more": "u"},
    ],
)
def test_a_request_that_is_not_as_the_sample_has_no_values(change: dict[str, object]) -> None:
    content = {"to": ["+39333"], "number": "0039333", "kind": "sms"}

    assert values_in(SENT, content | change) is None
