"""Adverts copied as a whole, beyond the case table: who may be meant, where the keyword stands, and what claims may not take."""

import pytest

from tests.unit.routing.cast import GYM, PIZZERIA, RADIO, SHARED, SHARED_RULES, a_keyword, a_question, a_table, route
from twoway_router.routing.claims import Claim, VerdictKind, judge_claim
from twoway_router.routing.types import LostBecause, SubKeyword

ADDRESS = SHARED_RULES.address


@pytest.mark.parametrize(
    ("text", "keyword"),
    [
        (f"text PIZZA to {ADDRESS}", "PIZZA"),
        (f"Envía un SMS con la palabra «Pizza» al {ADDRESS}", "Pizza"),
        (f"👉 Text PIZZA to {ADDRESS}", "PIZZA"),
        (f"Fwd: RE: envía PIZZA al {ADDRESS}", "PIZZA"),
        ("Palabra clave: PIZZA", "PIZZA"),
    ],
)
def test_the_decision_says_where_in_the_advert_the_keyword_stands(text: str, keyword: str) -> None:
    decision = route(a_table(a_keyword("PIZZA")), text)

    assert decision.span is not None
    assert text[slice(*decision.span)] == keyword


def test_an_advert_of_two_tenants_is_nobodys() -> None:
    table = a_table(a_keyword("PIZZA"), a_keyword("THE PIZZA", GYM))

    rules = [route(table, f"text {words} to {ADDRESS}").rule for words in ("PIZZA", "THE PIZZA")]

    assert rules == ["keyword_weak", "ambiguous_keyword"]


def test_the_longer_keyword_of_one_tenant_is_the_one_in_its_advert() -> None:
    table = a_table(a_keyword("PIZZA"), a_keyword("THE PIZZA"))

    assert route(table, f"text THE PIZZA to {ADDRESS}").word == "THE PIZZA"


def test_an_advert_of_a_word_at_different_times_is_the_open_ones() -> None:
    live, resting = a_keyword("PIZZA", GYM), a_keyword("LA PIZZA", RADIO, state="released")

    assert route(a_table(live, resting), f"envía LA PIZZA al {ADDRESS}").tenant_id == GYM


def test_explained_the_keyword_of_an_advert_lost_to_nobody() -> None:
    table = a_table(a_keyword("CASA"))

    decision = route(table, f"CASA al {ADDRESS}", explain=True)

    assert [(one.match_class, one.lost_because) for one in decision.candidates] == [
        ("advert", None),
        ("1", LostBecause.COMMON_WORD),
    ]


def test_a_declared_sub_keyword_is_read_and_no_other_word() -> None:
    large = SubKeyword(name="LARGE", spellings=("LARGE", "GRANDE"))
    table = a_table(a_keyword("PIZZA", sub_keywords=(large,)))

    decisions = [route(table, f"text PIZZA {word} to {ADDRESS}") for word in ("Grande", "SMALL")]

    assert [(one.tenant_id, one.sub_keyword, one.rest) for one in decisions] == [
        (PIZZERIA, "LARGE", ""),
        (None, None, f"text PIZZA SMALL to {ADDRESS}"),
    ]


def test_the_asking_tenants_own_advert_is_its_conversation() -> None:
    table = a_table(a_keyword("PIZZA"))

    decision = route(table, f"text PIZZA to {ADDRESS}", a_question(PIZZERIA, "text"))

    assert (decision.rule, decision.tenant_id) == ("conversation", PIZZERIA)


def test_behind_a_stop_nothing_is_read_as_an_advert() -> None:
    decision = route(a_table(a_keyword("PIZZA")), f"STOP text PIZZA to {ADDRESS}")

    assert decision.rule != "opt_out_keyword"


@pytest.mark.parametrize("word", ["TEXT PIZZA", "SEND PIZZA", "LA PIZZA", "ENVIA PIZZA", "THE WORD PIZZA"])
def test_no_claim_takes_texts_from_another_tenants_advert(word: str) -> None:
    table = a_table(a_keyword("PIZZA"))

    verdict = judge_claim(table, Claim(number_id=SHARED, tenant_id=GYM, spellings=(word,)))

    assert (verdict.kind, verdict.code) == (VerdictKind.REFUSE, "in_their_advert")


@pytest.mark.parametrize("word", ["SMS", "TXT", "ENVIA"])
def test_a_word_with_which_adverts_begin_is_a_common_one(word: str) -> None:
    table = a_table(a_keyword("PIZZA"), a_keyword(word, GYM))

    verdict = judge_claim(a_table(), Claim(number_id=SHARED, tenant_id=GYM, spellings=(word,)))
    reached = route(table, f"{word} PIZZA to {ADDRESS}").tenant_id

    assert (verdict.kind, verdict.code, reached) == (VerdictKind.OVERRIDE_NEEDED, "common_word", PIZZERIA)


@pytest.mark.parametrize(
    "text",
    [
        "text " * 25,
        "text \u0301" * 20,
        "send the word " * 9,
        f"text {ADDRESS} " * 8,
        "re: " * 30,
        "Re: " + "汉" * 120,
        "发送" * 60,
        "text " + "🍕" * 120,
    ],
)
def test_what_consists_of_words_of_adverts_alone_reaches_nobody(text: str) -> None:
    table = a_table(a_keyword("PIZZA"), a_keyword("TEXT SEND", GYM))

    assert route(table, text).tenant_id is None
