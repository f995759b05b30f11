"""Reply templates: what they can say, what they refuse, and that hostile ones cost nothing."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoway_router.templates.liquid import TemplateError, check_template, render, variables_of

KNOWN = ("message.text", "message.rest", "keyword.word", "coupon.code")
VALUES: dict[str, Any] = {
    "message": {"text": "PIZZA large", "rest": "large"},
    "keyword.word": "PIZZA",
    "coupon": {"code": "ABCD-EFGH"},
}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Hello", "Hello"),
        ("{{ keyword.word }}: {{ message.rest }}", "PIZZA: large"),
        ("{{ coupon['code'] }}", "ABCD-EFGH"),
        ("{{ coupon.code | downcase }}", "abcd-efgh"),
        ("{{ message.rest | upcase }}", "LARGE"),
        ("{{ message.rest | capitalize }}", "Large"),
        ("{{ message.rest | append: '!' | prepend: '¡' }}", "¡large!"),
        ("{{ coupon.missing | default: 'none' }}", "none"),
        ("{{ coupon.missing }}", ""),
        ("{{ message.text | truncate: 8 }}", "PIZZA..."),
        ("{{ message.text | truncate: 6, '…' }}", "PIZZA…"),
        ("{{ ' x ' | strip }}", "x"),
        ("{{ message.text | split: ' ' | first }}", "PIZZA"),
        ("{{ message.text | split: ' ' | last }}", "large"),
        ("{{ message.text | slice: 0, 3 }}", "PIZ"),
        ("{{ message.text | slice: -5, 5 }}", "large"),
        ("{{ message.rest | size }}", "5"),
        ("{{ '4' | plus: 3 }}", "7"),
        ("{{ 4 | minus: 0.5 }}", "3.5"),
        ("{{ '2026-03-02T12:05:00+01:00' | date: '%d.%m.%Y %H:%M' }}", "02.03.2026 12:05"),
        ("{{ 'tomorrow' | date: '%Y' }}", "tomorrow"),
        ("{% if message.rest == 'large' %}L{% else %}S{% endif %}", "L"),
        ("{% if message.text contains 'large' and keyword.word != '' %}L{% endif %}", "L"),
        ("{% unless message.rest == '' %}full{% endunless %}", "full"),
        ("{% case message.rest %}{% when 'small' %}S{% when 'large', 'big' %}L{% endcase %}", "L"),
        ("a{% comment %}{{ nobody.sees }}{% endcomment %}b", "ab"),
        ("{% raw %}{{ as typed }}{% endraw %}", "{{ as typed }}"),
        ("a\r\nb\rc\td\x00\x07\x85e", "a\nb\nc de"),
        ("e\u0301", "é"),
    ],
)
def test_a_template_says_its_text(source: str, text: str) -> None:
    assert render(source, VALUES) == text


@pytest.mark.parametrize(
    ("source", "reason", "position"),
    [
        ("{{ coupon.cod }}", "unknown variable coupon.cod", 3),
        ("Hi {{ coupon }}", "unknown variable coupon", 6),
        ("{{ message.text.size }}", "unknown variable message.text.size", 3),
        ("{{ message[keyword.word] }}", "unknown variable message[keyword.word]", 3),
        ("{{ now }}", "unknown variable now", 3),
        ("{{ message.__class__.__mro__ }}", "unknown variable", 3),
        ("{{ message.text | replace: 'a', 'b' }}", "unknown filter 'replace'", 18),
        ("{{ message.text | join: ',' }}", "unknown filter 'join'", 18),
        ("{% for i in message.text %}{% endfor %}", "unexpected tag 'for'", 3),
        ("{% assign x = 1 %}", "unexpected tag 'assign'", 3),
        ("{% include 'x' %}", "unexpected tag 'include'", 3),
        ("{% render 'x' %}", "unexpected tag 'render'", 3),
        ("{{ (1..10000000) | first }}", "ranges are not allowed", 3),
        ("{% if (1..30000000) contains 7 %}x{% endif %}", "ranges are not allowed", 6),
        ("{% if message.rest < 3 %}x{% endif %}", "not supported", None),
        ("{% if '' %}{% if message.rest < 3 %}x{% endif %}{% endif %}", "not supported", None),
        ("{{ coupon.code", "not closed", 0),
        ("text {% if", "not closed", 5),
        ("{% if message.rest %}x", "endif", None),
        ("{{ {{ coupon.code }} }}", "inside another", 3),
        ("{{ 7*7 }}", "unexpected", 4),
        ("{{}}", "expected", None),
        ("{% %}", "missing tag name", 0),
        ("a\ud800", "Unicode", 1),
    ],
)
def test_what_is_wrong_is_said_with_its_place(source: str, reason: str, position: int | None) -> None:
    with pytest.raises(TemplateError) as caught:
        check_template(source, KNOWN)

    assert reason in caught.value.reason
    assert position is None or caught.value.position == position


HOSTILE = [
    "{{" * 800,
    "{{" * 5000,
    "{%" * 5000,
    "{{" + " " * 9990,
    ("{{" + " " * 480 + "}}") * 20,
    "{% raw %}" * 1100,
    "{{" + "a[" * 240 + "]" * 240 + "}}",
    "{% if " + "a and " * 80 + "a %}x{% endif %}",
    "{% if " + "a and " * 1600 + "a %}x{% endif %}",
    "{% if a %}" * 800 + "{% endif %}" * 100,
    "{{ " + "9" * 490 + " }}",
    "{{ 'x' " + "| append: 'xxxxxxxxxx' " * 20 + "}}",
    "{{ 1 | plus: 1e308 | plus: 1e308 }}",
    "{{ 'x' | truncate: 100000000 }}",
    "{{ 'x' | slice: 0, 99999999999999999999 }}",
    "{{ '2026-03-02' | date: '%99999999999d%' }}",
    "x" * 10_001,
    "{{ '%s%n' }}{0.__class__}%(x)s",
]


def rendered(source: str) -> str:
    """The text, or why there is none."""
    try:
        check_template(source, ("a",))
        return render(source, {"a": "x"})
    except TemplateError as error:
        return error.reason


def cost_of(source: str) -> float:
    """The least CPU time of three tries, in seconds."""
    tries = []
    for _ in range(3):
        began = time.process_time()
        rendered(source)
        tries.append(time.process_time() - began)
    return min(tries)


@pytest.mark.parametrize("source", HOSTILE)
def test_a_hostile_template_is_refused_or_short(source: str) -> None:
    assert len(rendered(source)) < 10_000


@pytest.mark.parametrize("source", HOSTILE)
def test_a_hostile_template_costs_no_more_than_two_thousand_long_ones(source: str) -> None:
    assert cost_of(source) <= 2_000 * cost_of("{{ a | append: 'x' }} " * 50)


@pytest.mark.parametrize("value", ["{{ coupon.code }}", "{% if a %}", "%s {0}", "{% raw %}", "<script>", "&amp;"])
def test_a_value_is_never_read_as_a_template(value: str) -> None:
    assert render("[{{ message.text }}]", {"message": {"text": value}}) == f"[{value}]"


def test_an_object_shows_its_text_and_nothing_of_its_inside() -> None:
    assert render("{{ a.x }}{{ a.__class__ }}", {"a": object()}) == ""


def test_a_text_that_grows_too_long_is_an_error() -> None:
    with pytest.raises(TemplateError, match="output stream limit"):
        render("{{ a }}" * 10, {"a": "x" * 10_000})


def test_lone_surrogates_in_values_become_replacement_characters() -> None:
    assert render("{{ a }}", {"a": "x\ud83d"}) == "x\ufffd"


def test_a_time_is_written_without_its_seconds() -> None:
    assert render("{{ at }}", {"at": datetime(2026, 3, 2, 12, 5, 9, tzinfo=UTC)}) == "2026-03-02 12:05+00:00"


def test_variables_are_listed_by_their_dotted_names() -> None:
    source = "{% if message.rest == keyword.word %}{{ coupon['code'] | default: message.text }}{% endif %}"

    assert variables_of(source) == {"message.rest", "keyword.word", "coupon.code", "message.text"}


@given(st.text(max_size=300), st.text(max_size=100))
def test_no_source_and_no_value_raise_anything_else(source: str, value: str) -> None:
    try:
        check_template(source, ("a",))
    except TemplateError:
        return

    render(source, {"a": value})


FILTERED = st.sampled_from(
    ["append", "prepend", "default", "date", "truncate", "first", "last", "slice", "plus", "minus", "size", "split"]
)
ARGUMENTS = st.sampled_from(["", ": 1", ": -1", ": 1, 2", ": 'x'", ": ''", ": nil", ": true", ": 1.5, 'y'", ": a"])


@given(st.lists(st.tuples(FILTERED, ARGUMENTS), max_size=5), st.text(max_size=40))
def test_filters_are_total(chain: list[tuple[str, str]], value: str) -> None:
    source = "{{ a" + "".join(f" | {name}{arguments}" for name, arguments in chain) + " }}"

    check_template(source, ("a",))
    render(source, {"a": value})
