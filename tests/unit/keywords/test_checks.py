"""What of a definition is refused, and where."""

from typing import Any

import pytest
from pydantic import ValidationError

from twoway_router.actions.send_email import SendEmailSpec
from twoway_router.domain.ids import new_id
from twoway_router.keywords.checks import check_definition
from twoway_router.keywords.definitions import KeywordDefinition

POOL = str(new_id())
COUPON = {"kind": "issue_coupon", "pool_id": POOL}
REPLY = {"kind": "reply", "text": "Hi"}


def problems(**fields: Any) -> list[tuple[str, str]]:
    definition = KeywordDefinition.model_validate({"word": "PIZZA"} | fields)
    return [(error.pointer, error.detail) for error in check_definition(definition)]


@pytest.mark.parametrize(
    "text",
    [
        "{{ message.text }} {{ message.rest }} {{ message.sender }}",
        "{{ keyword.word }} {{ sub_keyword | default: '-' }} {{ number.address }} {{ tenant.name }}",
        "x" * 918,
        "{% if message.rest == '' %}all{% else %}{{ message.rest }}{% endif %}",
    ],
)
def test_a_reply_may_say_what_is_known(text: str) -> None:
    assert problems(actions=[{"kind": "reply", "text": text}]) == []


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("{{ coupon.code }}", "unknown variable coupon.code"),
        ("{{ message.sende }}", "unknown variable message.sende"),
        ("{{ rest }}", "There are: keyword.word, message.rest, message.sender, message.text, number.address,"),
        ("{% for a in b %}{% endfor %}", "unexpected tag 'for'"),
        ("{{ message.text | replace: 'a', 'b' }}", "unknown filter 'replace'"),
        ("{{ message.text", "not closed"),
        ("x" * 919, "needs 7 segments"),
        ("ж" * 403, "needs 7 segments"),
    ],
)
def test_a_reply_that_cannot_be_sent_is_refused_at_its_place(text: str, detail: str) -> None:
    ((pointer, said),) = problems(actions=[{"kind": "reply", "text": "ok"}, {"kind": "reply", "text": text}])

    assert pointer == "/actions/1/text"
    assert detail in said


@pytest.mark.parametrize(
    ("actions", "pointers"),
    [
        ([COUPON, {"kind": "reply", "text": "{{ coupon.code }}"}], []),
        ([{"kind": "reply", "text": "{{ coupon.code }}"}, COUPON], ["/actions/0/text"]),
        ([{**COUPON, "name": "burger"}, {"kind": "reply", "text": "{{ burger.code }} {{ coupon.code }}"}], []),
        ([{**COUPON, "empty_text": "{{ coupon.code }}"}], ["/actions/0/empty_text"]),
        ([COUPON, {**REPLY, "text": "{% if coupon.is_new %}{{ coupon.valid_until | date: '%d.%m.' }}{% endif %}"}], []),
        ([{**REPLY, "name": "hello"}, {**REPLY, "name": "hello"}], ["/actions/1/name"]),
        ([{**REPLY, "name": "message"}], ["/actions/0/name"]),
        (
            [COUPON, {**REPLY, "condition": {"kind": "outcome", "action": "coupon", "outcome": "done"}}],
            [],
        ),
        (
            [{**REPLY, "condition": {"kind": "outcome", "action": "coupon", "outcome": "done"}}],
            ["/actions/0/condition"],
        ),
        (
            [{"kind": "send_email", "recipients": ["a@b.it"], "subject": "{{ x }}", "text": "{{ y }}"}],
            ["/actions/0/subject", "/actions/0/text"],
        ),
        ([{"kind": "send_email", "recipients": ["a@b.it"], "subject": "s", "text": "x" * 9000}], []),
    ],
)
def test_actions_know_what_ran_before_them(actions: list[dict[str, Any]], pointers: list[str]) -> None:
    assert [pointer for pointer, _ in problems(actions=actions)] == pointers


@pytest.mark.parametrize(
    ("window", "pointers"),
    [
        ({"active_from": "2026-03-01T00:00:00Z", "active_until": "2026-03-02T00:00:00Z"}, []),
        ({"active_from": "2026-03-02T00:00:00Z", "active_until": "2026-03-02T00:00:00Z"}, ["/active_until"]),
        ({"too_early_text": "{{ coupon.code }}"}, ["/too_early_text"]),
        ({"too_late_text": "{{ keyword.word }} is over"}, []),
    ],
)
def test_a_window_is_in_order_and_its_texts_are_templates(window: dict[str, Any], pointers: list[str]) -> None:
    assert [pointer for pointer, _ in problems(**window)] == pointers


@pytest.mark.parametrize(
    ("subs", "pointers"),
    [
        ([{"word": "BAÑO"}, {"word": "KIT"}], []),
        ([{"word": "BAÑO", "aliases": ["BANO"]}], []),
        ([{"word": "BAÑO"}, {"word": "bano"}], ["/sub_keywords/1/word"]),
        ([{"word": "BAÑO"}, {"word": "KIT", "aliases": ["Baño"]}], ["/sub_keywords/1/word"]),
        ([{"word": "..."}], ["/sub_keywords/0/word"]),
        ([{"word": "KIT", "actions": [{"kind": "reply", "text": "{{ x }}"}]}], ["/sub_keywords/0/actions/0/text"]),
    ],
)
def test_sub_keywords_are_told_apart(subs: list[dict[str, Any]], pointers: list[str]) -> None:
    assert [pointer for pointer, _ in problems(sub_keywords=subs)] == pointers


@pytest.mark.parametrize("limit", [True, "5", 0, 1.5])
def test_a_limit_is_a_number_of_messages(limit: object) -> None:
    with pytest.raises(ValidationError):
        problems(limit=limit, sold_out_text="Gone")


@pytest.mark.parametrize("address", ["a@example.org", "a.b+c@mail.example.org", "a@exämple.org", "o'neil@example.org"])
def test_an_address_that_can_be_written_to_is_taken(address: str) -> None:
    assert SendEmailSpec(kind="send_email", recipients=(address,), subject="s", text="t").recipients == (address,)


@pytest.mark.parametrize(
    "address",
    [
        *("a", "a@b", "a b@example.org", 'o"x@example.org', "a,b@example.org", "<a@example.org>", "a..b@example.org"),
        *("jörg@example.org", "a@b..org", "a@example.org;b@example.org", "a@[1.2].org", "a@example.org\n"),
    ],
)
def test_an_address_that_no_mail_could_go_to_is_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        SendEmailSpec(kind="send_email", recipients=(address,), subject="s", text="t")
