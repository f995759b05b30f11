"""Which choices of a question may be answered by their words, when it is saved and when the answer comes."""

from dataclasses import replace

import pytest

from tests.unit.routing.cast import GYM, NOON, OWNED, PIZZERIA, RADIO, SHARED, SHARED_RULES, a_keyword, a_table, route
from twoway_router.domain.ids import NumberId
from twoway_router.routing.choices import ChoiceFault, fault_of_choice, keys_of_choices, twice_meant
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.types import ClaimState, Context, ContextKind

HELD = (
    a_keyword("FREEBURGER"),
    a_keyword("50%OFF"),
    a_keyword("BISTRO"),
    a_keyword("ΚΑΦΕΔΑΚΙ"),
    a_keyword("VOTAMOS", is_glued=True),
    a_keyword("CASA", is_whole_message=True),
    a_keyword("DEVUELTA", state=ClaimState.RELEASED),
    a_keyword("PRONTO", active_from=NOON),
    a_keyword("GUITARRA", GYM),
)


def fault(choice: str, country: str = "ES", number_id: NumberId = SHARED) -> ChoiceFault | None:
    table = RoutingTable.build([replace(SHARED_RULES, country=country, number_id=number_id)], HELD)
    entry = table.entry(number_id)
    assert entry is not None
    return fault_of_choice(table, entry, GYM, choice)


@pytest.mark.parametrize(
    "choice",
    [
        *("FREEBURGER", "free burger", "FREEBURGERRR", "B1STR0", "#freeburger", "🍔 freeburger", "freeburger now"),
        *("50off", "KAΦEΔAKI", "votamos5", "casa", "devuelta", "pronto", "Freeburger!"),
    ],
)
def test_what_reaches_another_tenants_keyword_is_no_choice(choice: str) -> None:
    assert fault(choice) is ChoiceFault.IS_KEYWORD


@pytest.mark.parametrize(
    "choice",
    [
        *("STOP", "St0p", "STOOOP", "BAJA", "stop please", "no more messages", "stop texting me", "STOP FREEBURGER"),
        *("HELP", "ayuda", "START", "ALTA", "*STOP*"),
    ],
)
def test_what_counts_before_any_question_is_no_choice(choice: str) -> None:
    assert fault(choice) is ChoiceFault.RESERVED


@pytest.mark.parametrize("choice", ["CANCEL", "END", "QUIT"])
def test_words_that_yield_to_a_question_may_be_a_choice_where_they_do(choice: str) -> None:
    assert [fault(choice, country) for country in ("ES", "US", "CA")] == [
        None,
        ChoiceFault.RESERVED,
        ChoiceFault.RESERVED,
    ]


@pytest.mark.parametrize("choice", ["SÍ", "no", "1", "casa rossa", "freeburgers", "big", "🍔", "!", "mañana", "hilfe"])
def test_other_words_may_be_a_choice(choice: str) -> None:
    assert fault(choice) is None


def test_ones_own_keyword_is_a_warning() -> None:
    assert fault("guitarra") is ChoiceFault.IS_OWN_KEYWORD


@pytest.mark.parametrize(
    ("choices", "twice"),
    [
        (("YES", "NO"), []),
        (("yes", "sí", "no"), ["sí"]),
        (("no", "nope", "maybe"), ["nope"]),
        (("CANCEL", "CONFIRM"), []),
        (("CANCEL", "END"), ["END"]),
    ],
)
def test_yes_no_and_an_end_stand_in_one_choice_each(choices: tuple[str, ...], twice: list[str]) -> None:
    entry = a_table().entry(SHARED)
    assert entry is not None

    assert twice_meant(entry, choices) == twice


@pytest.mark.parametrize("choice", ["Free Burger", "freeburger now", "freeburgerrr", "#freeburger"])
def test_a_choice_is_found_by_the_key_of_the_keyword_that_takes_it(choice: str) -> None:
    assert "freeburger" in keys_of_choices([choice])


def asked(*choices: str) -> Context:
    return Context(
        context_id="1",
        tenant_id=GYM,
        kind=ContextKind.QUESTION,
        age_seconds=60,
        lifetime_seconds=3_600,
        expected="choice",
        choices=choices,
    )


@pytest.mark.parametrize("text", ["freeburger", "free burger", "freeburgerrr", "Freeburger please"])
def test_a_choice_that_became_anothers_keyword_is_no_answer_by_its_word(text: str) -> None:
    decision = route(a_table(*HELD), text, asked("COCHES", "FREEBURGER"))

    assert (decision.rule == "open_question", decision.details.get("answer")) == (False, None)


@pytest.mark.parametrize(
    ("text", "answer"),
    [("2", "FREEBURGER"), ("b", "FREEBURGER"), ("2 please", "FREEBURGER"), ("٢", "FREEBURGER"), ("coches", "COCHES")],
)
def test_its_index_and_its_letter_still_answer(text: str, answer: str) -> None:
    decision = route(a_table(*HELD), text, asked("COCHES", "FREEBURGER"))

    assert (decision.tenant_id, decision.details) == (GYM, {"answer": answer})


@pytest.mark.parametrize(
    ("choices", "text"), [(("10", "20"), "1"), (("A", "C"), "b"), (("big", "small"), "3"), (("big", "small"), "0")]
)
def test_where_a_choice_is_a_sign_itself_there_is_no_index(choices: tuple[str, ...], text: str) -> None:
    assert route(a_table(), text, asked(*choices)).rule != "open_question"


def test_a_letter_that_is_anothers_keyword_is_no_label() -> None:
    decision = route(a_table(a_keyword("B", RADIO)), "b", asked("COCHES", "CASAS"))

    assert decision.tenant_id == RADIO


def test_on_ones_own_number_nobody_elses_keyword_counts() -> None:
    table = a_table(a_keyword("GUITARRA", GYM, OWNED), a_keyword("PIANO", PIZZERIA, OWNED))

    decision = route(table, "piano", asked("PIANO", "GUITARRA"), number_id=OWNED)

    assert decision.details == {"answer": "PIANO"}
