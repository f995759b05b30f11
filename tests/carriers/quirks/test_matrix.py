"""The matrix itself: nobody left out, every row tested, the page written from it."""

import re
from pathlib import Path

import pytest

from tests.carriers.quirks.matrix import EVERYONE, PAGE, ROWS, page
from twoway_router.carriers.registry import CARRIERS


def test_every_built_in_carrier_is_in_the_matrix() -> None:
    assert set(EVERYONE) == set(CARRIERS)


@pytest.mark.parametrize("number", ROWS)
def test_a_row_names_each_carrier_once(number: int) -> None:
    carriers = ROWS[number].carriers

    named = [*carriers.hit, *(name for who in carriers.spared.values() for name in who)]

    assert sorted(named) == sorted(EVERYONE)


@pytest.mark.parametrize("number", ROWS)
def test_a_row_has_tests_for_its_carriers(number: int) -> None:
    sources = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))

    assert re.search(rf"^@quirk\({number}\)$", sources, re.MULTILINE)


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page()
