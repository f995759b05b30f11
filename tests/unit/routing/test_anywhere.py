"""Keywords that may stand anywhere in a text, or take any text: on dedicated numbers, where nothing else fits."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.routing.cast import (
    GYM,
    NOON,
    NUMBERS,
    OWNED,
    OWNED_RULES,
    PIZZERIA,
    a_keyword,
    a_question,
    a_table,
    route,
)
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.types import ClaimState, Decision, KeywordRules, MatchMode, RouteOutcome, SubKeyword

DAY = timedelta(days=1)


def holding(word: str, **options: object) -> KeywordRules:
    """The owner's keyword that may stand anywhere."""
    return a_keyword(word, GYM, OWNED, **({"match": MatchMode.CONTAINS} | options))


def anything(word: str = "BUZÓN", **options: object) -> KeywordRules:
    """The owner's keyword for any text."""
    return holding(word, match=MatchMode.ANY_WORD, **options)


def sent(text: str, *keywords: KeywordRules, **more: Any) -> Decision:
    return route(a_table(*keywords), text, number_id=OWNED, **more)


@pytest.mark.parametrize(
    ("word", "text", "rest"),
    [
        ("PIZZA", "quiero una pizza grande, por favor", "grande, por favor"),
        ("PIZZA", "quiero una (¡PÌZZA!) grande", "grande"),
        ("PIZZA", "¿tenéis pizza?", ""),
        ("FUGA DE AGUA", "creo que hay una Fuga  de agua: en casa", "en casa"),
        ("PIZZA", "uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece pizza roja", "roja"),
        ("PIZZA", "x" * 63 + " " + "y" * 130 + " pizza roja", "roja"),
        ("PIZZA", "z " * 150 + "pizza roja", "roja"),
        ("健身房", "请问健身房在哪里", "在哪里"),
        ("สมัคร", "ขอสมัครข่าว", "ข่าว"),
        ("すし", "おいしいスシをください", "をください"),
        ("🍕", "hola 🍕 ya", "ya"),
    ],
)
def test_a_keyword_stands_anywhere(word: str, text: str, rest: str) -> None:
    decision = sent(text, holding(word))

    assert (decision.rule, decision.match_class, decision.tenant_id) == ("keyword_anywhere", "contains", GYM)
    assert (decision.word, decision.rest) == (word, rest)


@pytest.mark.parametrize(
    "text",
    ["quiero dos pizzas", "quiero piz za", "quiero p1zza", "la superpizza", "fuga agua", "z " * 160 + "pizza"],
)
def test_what_is_not_the_very_word_is_the_default_s(text: str) -> None:
    assert sent(text, holding("PIZZA"), holding("FUGA DE AGUA")).rule == "owner_default"


def test_where_it_stands_is_told_in_the_text_as_it_came() -> None:
    text = "Hola,  «Pízza»  ya"

    decision = sent(text, holding("PIZZA"))

    assert decision.span is not None
    assert text[slice(*decision.span)].strip("«») ") == "Pízza"


def test_what_stands_behind_it_may_be_a_sub_keyword() -> None:
    rooms = (SubKeyword(name="BAÑO", spellings=("BAÑO",)),)

    decision = sent("hola, reparar baño ya", holding("REPARAR", sub_keywords=rooms))

    assert (decision.sub_keyword, decision.rest) == ("BAÑO", "ya")


def test_an_alias_stands_anywhere_too() -> None:
    decision = sent("una napolitana ya", holding("PIZZA,NAPOLITANA"))

    assert (decision.word, decision.details) == ("PIZZA", {"spelling": "NAPOLITANA"})


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("una pizza y una lasaña", "PIZZA"),
        ("una lasaña y una pizza", "LASAÑA"),
        ("una pizza roja y lasaña", "PIZZA ROJA"),
    ],
)
def test_the_first_one_wins_then_the_longest(text: str, word: str) -> None:
    keywords = [holding("PIZZA"), holding("LASAÑA"), holding("PIZZA ROJA")]

    assert sent(text, *keywords).word == word
    assert sent(text, *reversed(keywords)).word == word


def test_one_in_force_comes_before_one_that_is_over() -> None:
    over = holding("PIZZA", active_until=NOON - DAY)

    assert sent("una pizza y una lasaña", over, holding("LASAÑA")).word == "LASAÑA"
    assert sent("una pizza ya", over).window == "too_late"


@pytest.mark.parametrize("state", [ClaimState.REQUESTED, ClaimState.APPROVED, ClaimState.RELEASED])
def test_what_is_not_held_or_not_live_yet_stands_nowhere(state: ClaimState) -> None:
    decisions = [sent("una pizza ya", make(state=state)) for make in (lambda **o: holding("PIZZA", **o), anything)]

    assert [decision.rule for decision in decisions] == ["owner_default"] * 2


@pytest.mark.parametrize("mode", [MatchMode.CONTAINS, MatchMode.ANY_WORD])
def test_on_a_shared_number_the_mode_counts_for_nothing(mode: MatchMode) -> None:
    table = a_table(a_keyword("PIZZA", match=mode), a_keyword("RADIO", GYM))

    decisions = [route(table, text) for text in ("quiero pizza", "hola", "pizza ya")]

    assert [decision.rule for decision in decisions] == ["courtesy", "courtesy", "keyword"]


def test_only_the_owner_s_keywords_count() -> None:
    assert sent("una pizza ya", replace(holding("PIZZA"), tenant_id=PIZZERIA)).rule == "owner_default"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("pizza ya", "keyword"),
        ("#pizza ya", "keyword_weak"),
        ("lasaña y pizza", "keyword"),
        ("STOP", "opt_out"),
        ("no me mandes más mensajes de pizza", "opt_out_phrase"),
        ("AYUDA", "help"),
    ],
)
def test_whatever_else_fits_comes_first(text: str, rule: str) -> None:
    decision = sent(text, holding("PIZZA"), anything(), holding("LASAÑA", match=MatchMode.START))

    assert decision.rule == rule


def test_an_open_question_comes_first() -> None:
    decision = sent("una pizza ya", holding("PIZZA"), anything())
    asked = route(a_table(holding("PIZZA"), anything()), "una pizza ya", a_question(GYM, "text"), number_id=OWNED)

    assert (decision.rule, asked.rule) == ("keyword_anywhere", "free_text_question")


@pytest.mark.parametrize("text", ["hola", "", "...", "¿qué tal?", "🙂", "x" * 1600])
def test_any_text_is_the_catch_all_keyword_s(text: str) -> None:
    decision = sent(text, anything())

    assert (decision.outcome, decision.word, decision.match_class) == (RouteOutcome.KEYWORD, "BUZÓN", "any_word")
    assert decision.span == (0, 0)


def test_a_catch_all_keyword_yields_to_one_that_the_text_holds() -> None:
    assert sent("una pizza ya", anything(), holding("PIZZA")).word == "PIZZA"


def test_a_catch_all_keyword_has_sub_keywords_too() -> None:
    decision = sent("urgente: llamad", anything(sub_keywords=(SubKeyword(name="URGENTE", spellings=("URGENTE",)),)))

    assert (decision.sub_keyword, decision.rest) == ("URGENTE", "llamad")


def test_a_catch_all_keyword_that_is_not_open_takes_nothing() -> None:
    seasons = [anything("MAYO", active_until=NOON - DAY), anything("JULIO", active_from=NOON + 30 * DAY)]

    decisions = [sent("hola", *seasons, at=at) for at in (NOON - 2 * DAY, NOON, NOON + 31 * DAY)]

    assert [decision.word for decision in decisions] == ["MAYO", None, "JULIO"]


def test_explained_it_is_the_winner_among_the_candidates() -> None:
    decision = sent("pizza", holding("PIZZA", match=MatchMode.CONTAINS), anything(), explain=True)
    loose = sent("una pizza ya", holding("PIZZA"), anything(), explain=True)

    assert [(each.word, each.lost_because) for each in decision.candidates] == [("PIZZA", None)]
    assert [(each.word, each.match_class, each.lost_because) for each in loose.candidates] == [
        ("PIZZA", "contains", None)
    ]


def test_a_keyword_comes_back_with_its_mode() -> None:
    for keyword in (holding("PIZZA"), anything()):
        assert a_table(keyword).keyword(keyword.keyword_id) == keyword


def test_a_changed_or_removed_keyword_leaves_nothing_behind() -> None:
    keyword, catch_all = holding("PIZZA,NAPOLITANA"), anything()
    table = a_table(keyword, catch_all)

    table.put_keyword(replace(keyword, spellings=("LASAÑA",), revision=2))
    table.remove_keyword(catch_all.keyword_id)
    found = [route(table, text, number_id=OWNED).word for text in ("una pizza", "una napolitana", "una lasaña", "hola")]
    table.put_keyword(replace(keyword, match=MatchMode.START))

    assert found == [None, None, "LASAÑA", None]
    assert [route(table, text, number_id=OWNED).word for text in ("una pizza", "pizza ya")] == [None, "PIZZA"]


def test_no_text_is_ever_refused_and_the_span_lies_inside_it() -> None:
    random.seed(5)
    table = RoutingTable.build(
        [*NUMBERS[:2], replace(OWNED_RULES, languages=("es", "th", "zh"))],
        [holding("PIZZA"), holding("健身房"), holding("ขา ว"), holding("A A"), anything()],
    )
    letters = "pizza PIZZÀ 健身房 ขาว \u0301 \ud800 🍕👨‍👩‍👧 \u200d ﷺ aa a 'ß\n\t.,\x00"
    for _ in range(2_000):
        text = "".join(random.choices(letters, k=random.randint(0, 300)))

        decision = route(table, text, number_id=OWNED)

        start, end = decision.span or (0, 0)
        assert 0 <= start <= end <= len(text)
