"""The routing table: look-ups, changes that the next message sees, and keywords given back as they were put in."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from tests.unit.routing.cast import (
    GYM,
    NOON,
    NUMBERS,
    OTHER,
    OWNED_RULES,
    PIZZERIA,
    SHARED,
    SHARED_RULES,
    a_keyword,
    a_table,
    route,
)
from twoway_router.domain.ids import KeywordId
from twoway_router.domain.messages import Sharing
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.types import ClaimState, SubKeyword


def test_a_changed_number_keeps_its_keywords() -> None:
    table = a_table(a_keyword("PIZZA"))

    table.put_number(replace(SHARED_RULES, languages=("it",)))

    assert route(table, "pizza").tenant_id == PIZZERIA


def test_a_number_that_becomes_dedicated_answers_for_its_owner() -> None:
    table = a_table(a_keyword("PIZZA"))

    table.put_number(replace(SHARED_RULES, sharing=Sharing.DEDICATED, owner=GYM))

    assert route(table, "pizza").tenant_id == GYM


def test_a_keyword_comes_back_as_it_was_put_in() -> None:
    keyword = a_keyword(
        "PIZZA,Pízza Plus,披萨",
        revision=7,
        state=ClaimState.SUSPENDED,
        active_from=NOON,
        is_glued=True,
        is_whole_message=True,
        sub_keywords=(SubKeyword(name="XL", spellings=("XL", "grande")),),
    )

    assert a_table(keyword).keyword(keyword.keyword_id) == keyword


def test_all_keywords_of_a_number_are_listed() -> None:
    keywords = {a_keyword("PIZZA,PIZA"), a_keyword("GUITARRA", GYM)}
    table = a_table(*keywords, a_keyword("CORSO", GYM, OTHER))

    assert set(table.keywords(SHARED)) == keywords


def test_an_added_keyword_routes_the_next_message() -> None:
    table = a_table()

    table.put_keyword(a_keyword("PIZZA"))

    assert route(table, "pizza").tenant_id == PIZZERIA


def test_a_replaced_keyword_leaves_its_old_spellings() -> None:
    keyword = a_keyword("PIZZA,PIZA")
    table = a_table(keyword)

    table.put_keyword(replace(keyword, spellings=("CALZONE",), revision=2))

    assert [route(table, text).revision for text in ("pizza", "piza", "calzone")] == [None, None, 2]


def test_a_removed_keyword_routes_nothing() -> None:
    keyword = a_keyword("PIZZA")
    table = a_table(keyword)

    table.remove_keyword(keyword.keyword_id)

    assert (route(table, "pizza").rule, table.keyword(keyword.keyword_id)) == ("courtesy", None)


def test_removing_what_is_not_there_does_nothing() -> None:
    table = a_table(a_keyword("PIZZA"))

    table.remove_keyword(KeywordId(UUID(int=77)))

    assert len(table) == 1


def test_a_keyword_of_an_unknown_number_is_left_out() -> None:
    table = RoutingTable.build([OWNED_RULES], [a_keyword("PIZZA")])

    assert len(table) == 0


def test_a_keyword_may_move_to_another_number() -> None:
    keyword = a_keyword("PIZZA")
    table = a_table(keyword)

    table.put_keyword(replace(keyword, number_id=OTHER))

    assert [route(table, "pizza", number_id=number).tenant_id for number in (SHARED, OTHER)] == [None, PIZZERIA]


def test_rows_of_removed_keywords_are_used_again() -> None:
    table = a_table(*(a_keyword(f"PALABRA{number}X") for number in range(10)))
    rows = len(table.columns)

    for number in range(10):
        table.remove_keyword(a_keyword(f"PALABRA{number}X").keyword_id)
        table.put_keyword(a_keyword(f"OTRA{number}X", GYM))

    assert (len(table.columns), len(table)) == (rows, 10)


def test_every_change_makes_a_new_version() -> None:
    table = RoutingTable.build(NUMBERS, [], version=5)
    changes: list[Callable[[], None]] = [
        lambda: table.put_keyword(a_keyword("PIZZA")),
        lambda: table.remove_keyword(a_keyword("PIZZA").keyword_id),
        lambda: table.put_number(SHARED_RULES),
    ]

    versions = [table.version for change in changes if change() is None]

    assert versions == [6, 7, 8]


def test_very_long_spellings_do_not_disturb_their_neighbours() -> None:
    table = a_table(a_keyword("X" * 70_000), a_keyword("PIZZA", GYM))

    assert (route(table, "pizza").word, len(table)) == ("PIZZA", 2)


def test_a_removed_keyword_with_glued_digits_matches_no_more() -> None:
    glued, rival = a_keyword("VOTAMOS", is_glued=True), a_keyword("VOTAMOS", GYM, is_glued=True)
    table = a_table(glued, rival)

    table.remove_keyword(rival.keyword_id)
    first = route(table, "votamos5").tenant_id
    table.remove_keyword(glued.keyword_id)

    assert (first, route(table, "votamos5").tenant_id) == (PIZZERIA, None)


def test_a_key_without_letters_or_digits_matches_nothing() -> None:
    assert route(a_table(a_keyword("...")), "...").rule == "courtesy"


def test_keywords_of_an_unknown_number_are_none() -> None:
    assert list(RoutingTable.build([], []).keywords(SHARED)) == []


def test_sub_keywords_are_known_in_one_word_as_long_as_the_keyword_has_them() -> None:
    keyword = a_keyword("CITA", sub_keywords=(SubKeyword(name="CANCELAR", spellings=("CANCELAR",)),))
    table = a_table(keyword, a_keyword("PIZZA", GYM))

    reached = [route(table, "citacancelar").sub_keyword]
    for changed in (replace(keyword, sub_keywords=()), keyword):
        table.put_keyword(changed)
        reached.append(route(table, "citacancelar").sub_keyword)
    table.remove_keyword(keyword.keyword_id)

    assert (reached, route(table, "citacancelar").tenant_id) == (["CANCELAR", None, "CANCELAR"], None)
