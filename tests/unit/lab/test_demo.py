"""The demo's pure parts: it must notice what did not happen, and its table must fit a terminal."""

from dataclasses import replace

import pytest

from twoway_router.lab.demo.judge import Heard, Seen, judge
from twoway_router.lab.demo.render import DemoReport, render
from twoway_router.lab.demo.scenes import HANDSETS, SCENES, Scene, handset_address, message_id

BURGER = SCENES[0]
CARS = next(scene for scene in SCENES if scene.hears)
A_SEEN = Seen(
    status=200,
    route="keyword",
    rule="keyword_whole",
    tenant=BURGER.tenant,
    keyword="FREEBURGER",
    replies=("A free burger for you! Show code BURGER-7K3M-2QXN-5TGA-9WHP at the till.",),
    heard=(),
    milliseconds=12.3,
)


def as_expected(scene: Scene) -> Seen:
    return replace(A_SEEN, route=scene.route, tenant=scene.tenant, keyword=scene.keyword)


def test_what_was_expected_is_met() -> None:
    assert judge(BURGER, A_SEEN, {}).unmet == ()


@pytest.mark.parametrize(
    ("seen", "unmet"),
    [
        (replace(A_SEEN, status=503), "acknowledgement"),
        (replace(A_SEEN, route="default"), "route"),
        (replace(A_SEEN, tenant="Used Cars Ltd"), "tenant"),
        (replace(A_SEEN, keyword=None), "keyword"),
        (replace(A_SEEN, replies=()), "replies: expected 1, got 0"),
        (replace(A_SEEN, replies=(*A_SEEN.replies, *A_SEEN.replies)), "replies: expected 1, got 2"),
        (replace(A_SEEN, replies=("Sorry",)), "nothing in it matches"),
        (replace(A_SEEN, heard=(Heard(rest="", is_signed=True),)), "webhook"),
    ],
)
def test_each_difference_is_named(seen: Seen, unmet: str) -> None:
    assert any(unmet in sentence for sentence in judge(BURGER, seen, {}).unmet)


def test_a_code_that_someone_else_has_is_noticed() -> None:
    codes = {3: "BURGER-7K3M-2QXN-5TGA-9WHP"}

    assert "someone else" in judge(BURGER, A_SEEN, codes).unmet[0]


def test_the_same_sender_must_get_the_same_code_again() -> None:
    scene = replace(BURGER, same_code_as=0)

    assert judge(scene, A_SEEN, {0: "BURGER-7K3M-2QXN-5TGA-9WHP"}).unmet == ()
    assert "again" in judge(scene, A_SEEN, {0: "BURGER-0000-0000-0000-0000"}).unmet[0]


@pytest.mark.parametrize("is_signed", [True, False])
def test_a_webhook_must_be_signed(is_signed: bool) -> None:
    seen = replace(
        as_expected(CARS),
        replies=("A dealer calls you back",),
        heard=(Heard(rest=CARS.hears or "", is_signed=is_signed),),
    )

    assert judge(CARS, seen, {}).unmet == (() if is_signed else ("webhook: its signature is wrong",))


def test_a_repeat_has_the_id_of_what_it_repeats() -> None:
    repeats = [index for index, scene in enumerate(SCENES) if scene.again is not None]

    assert [message_id(index, "run") for index in repeats] == ["run-0"]


def test_every_run_has_its_own_handsets_and_all_are_in_the_reserved_range() -> None:
    numbers = {handset_address(handset, run) for run in range(100) for handset in HANDSETS}

    assert len(numbers) == 900
    assert all("+447700900000" <= number <= "+447700900999" for number in numbers)


@pytest.mark.parametrize("width", [100, 110, 120])
def test_the_table_fits_the_terminal(width: int) -> None:
    report = DemoReport(verdicts=[judge(scene, A_SEEN, {}) for scene in SCENES])

    assert max(map(len, render(report, width=width).split("\n\n")[0].splitlines())) <= width


def test_the_report_says_what_was_not_met() -> None:
    report = DemoReport(verdicts=[judge(BURGER, replace(A_SEEN, replies=()), {})], unmet=["Bob got 2 MTs, not 1"])

    text = render(report)

    assert not report.is_met
    assert "replies: expected 1, got 0" in text
    assert "Bob got 2 MTs, not 1" in text
