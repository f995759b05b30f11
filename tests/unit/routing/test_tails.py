"""Harmless tails of common words beyond the case table: what the words are, and that no text is slow to read."""

import time
from pathlib import Path
from statistics import median

import pytest

from tests.unit.routing.cast import GYM, PIZZERIA, RADIO, a_keyword, a_question, a_table, route
from twoway_router.routing.types import SubKeyword
from twoway_router.routing.words import all_languages, vocabulary

FRAMES = Path(__file__).parents[3] / "src" / "twoway_router" / "routing" / "data" / "frames"
ANA = SubKeyword(name="ANA", spellings=("ANA",))


@pytest.mark.parametrize("language", all_languages())
def test_every_language_has_courtesy_and_words_of_adverts(language: str) -> None:
    frame = vocabulary((language,)).frame

    assert (FRAMES / f"{language}.yaml").is_file()
    assert frame.courtesy - vocabulary(("en",)).frame.courtesy or language == "en"
    assert frame.verbs - vocabulary(("en",)).frame.verbs or language in ("en", "da", "no")


def test_a_tail_does_not_take_a_text_from_a_longer_keyword() -> None:
    table = a_table(a_keyword("CASA"), a_keyword("CASA 3", GYM), a_keyword("CASA AB12", RADIO))

    reached = [route(table, text).tenant_id for text in ("casa 3", "casa 4", "casa ab12", "casa ab13")]

    assert reached == [GYM, PIZZERIA, RADIO, PIZZERIA]


def test_a_tail_that_makes_another_tenants_keyword_is_nobodys() -> None:
    table = a_table(a_keyword("CASA"), a_keyword("CASA33", GYM))

    assert (route(table, "casa 33").rule, route(table, "casa 34").tenant_id) == ("ambiguous_keyword", PIZZERIA)


def test_a_tail_is_no_answer_to_somebody_else() -> None:
    table = a_table(a_keyword("CASA", sub_keywords=(ANA,)))

    rules = [route(table, text, a_question(GYM, "text")).rule for text in ("casa", "casa ana", "casa ana ya", "casa 3")]

    assert rules == ["keyword_whole", "keyword_whole", "free_text_question", "free_text_question"]


def test_the_keyword_itself_may_stand_among_emoji_and_quotes() -> None:
    table = a_table(a_keyword("CASA"))

    reached = [route(table, text).tenant_id for text in ("«casa» 3", "CASA 🏠 3", "casa: 3 🙏🙏", "¡casa 3!")]

    assert reached == [PIZZERIA] * 4


@pytest.mark.parametrize(
    "text",
    [
        "casa" + "\n" * 1_500,
        "casa\n" + "> \n" * 500,
        "casa\n" + "a\n" * 700,
        "casa " + "1 " * 700,
        "casa " + "gracias " * 9,
        "casa " + "a1" * 700,
        "casa " + "1-" * 39,
        "casa\n" + "汉\n" * 700,
        "casa\n" + "🙏\n" * 700,
        "casa\n" + "\u0301\n" * 700,
    ],
    ids=range(10),
)
def test_no_tail_is_slow_to_read(text: str) -> None:
    """Compared with a text of the same length that is folded and no more."""
    table, empty = a_table(a_keyword("CASA")), a_table()

    spent = [_time_of(lambda: route(table, text)), _time_of(lambda: route(empty, "汉" * 1_600))]

    assert spent[0] <= 6 * spent[1]


def _time_of(call: object) -> float:
    taken = []
    for _ in range(30):
        start = time.thread_time_ns()
        call()  # type: ignore[operator]
        taken.append(time.thread_time_ns() - start)
    return median(taken)
