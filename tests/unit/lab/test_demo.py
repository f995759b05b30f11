"""The demo's pure parts: it must notice what did not happen, and its table must fit a terminal."""

from dataclasses import replace

import pytest

from twoway_router.lab.demo.checks import Effects, ReceivedWebhook, check
from twoway_router.lab.demo.messages import HANDSETS, MESSAGES, DemoMessage, handset_address, message_id
from twoway_router.lab.demo.report import DemoReport, render

BURGER = MESSAGES[0]
CARS = next(message for message in MESSAGES if message.webhook_rest)
SOME_EFFECTS = Effects(
    status=200,
    route="keyword",
    rule="keyword_whole",
    tenant=BURGER.tenant,
    keyword="FREEBURGER",
    replies=("A free burger for you! Show code BURGER-7K3M-2QXN-5TGA-9WHP at the till.",),
    webhooks=(),
    milliseconds=12.3,
)


def as_expected(message: DemoMessage) -> Effects:
    return replace(SOME_EFFECTS, route=message.route, tenant=message.tenant, keyword=message.keyword)


def test_what_was_expected_is_met() -> None:
    assert check(BURGER, SOME_EFFECTS, {}).unmet == ()


@pytest.mark.parametrize(
    ("effects", "unmet"),
    [
        (replace(SOME_EFFECTS, status=503), "acknowledgement"),
        (replace(SOME_EFFECTS, route="default"), "route"),
        (replace(SOME_EFFECTS, tenant="Used Cars Ltd"), "tenant"),
        (replace(SOME_EFFECTS, keyword=None), "keyword"),
        (replace(SOME_EFFECTS, replies=()), "replies: expected 1, got 0"),
        (replace(SOME_EFFECTS, replies=(*SOME_EFFECTS.replies, *SOME_EFFECTS.replies)), "replies: expected 1, got 2"),
        (replace(SOME_EFFECTS, replies=("Sorry",)), "nothing in it matches"),
        (replace(SOME_EFFECTS, webhooks=(ReceivedWebhook(rest="", is_signed=True),)), "webhook"),
    ],
)
def test_each_difference_is_named(effects: Effects, unmet: str) -> None:
    assert any(unmet in sentence for sentence in check(BURGER, effects, {}).unmet)


def test_a_code_that_someone_else_has_is_noticed() -> None:
    codes = {3: "BURGER-7K3M-2QXN-5TGA-9WHP"}

    assert "someone else" in check(BURGER, SOME_EFFECTS, codes).unmet[0]


def test_the_same_sender_must_get_the_same_code_again() -> None:
    message = replace(BURGER, same_code_as=0)

    assert check(message, SOME_EFFECTS, {0: "BURGER-7K3M-2QXN-5TGA-9WHP"}).unmet == ()
    assert "again" in check(message, SOME_EFFECTS, {0: "BURGER-0000-0000-0000-0000"}).unmet[0]


@pytest.mark.parametrize("is_signed", [True, False])
def test_a_webhook_must_be_signed(is_signed: bool) -> None:
    effects = replace(
        as_expected(CARS),
        replies=("A dealer calls you back",),
        webhooks=(ReceivedWebhook(rest=CARS.webhook_rest or "", is_signed=is_signed),),
    )

    assert check(CARS, effects, {}).unmet == (() if is_signed else ("webhook: its signature is wrong",))


def test_a_repeat_has_the_id_of_what_it_repeats() -> None:
    repeats = [index for index, message in enumerate(MESSAGES) if message.again is not None]

    assert [message_id(index, "run") for index in repeats] == ["run-0"]


def test_every_run_has_its_own_handsets_and_all_are_in_the_reserved_range() -> None:
    numbers = {handset_address(handset, run) for run in range(100) for handset in HANDSETS}

    assert len(numbers) == 900
    assert all("+447700900000" <= number <= "+447700900999" for number in numbers)


@pytest.mark.parametrize("width", [100, 110, 120])
def test_the_table_fits_the_terminal(width: int) -> None:
    report = DemoReport(results=[check(message, SOME_EFFECTS, {}) for message in MESSAGES])

    assert max(map(len, render(report, width=width).split("\n\n")[0].splitlines())) <= width


def test_the_report_says_what_was_not_met() -> None:
    report = DemoReport(results=[check(BURGER, replace(SOME_EFFECTS, replies=()), {})], unmet=["Bob got 2 MTs, not 1"])

    text = render(report)

    assert not report.is_met
    assert "replies: expected 1, got 0" in text
    assert "Bob got 2 MTs, not 1" in text
