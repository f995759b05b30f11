"""The decision beyond the case tables: windows, asking, suggestions, when contexts are needed, other systems' traps."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from tests.unit.routing.cast import (
    GYM,
    NOON,
    NUMBERS,
    OTHER,
    OWNED,
    PIZZERIA,
    RADIO,
    SHARED,
    SHARED_RULES,
    a_keyword,
    a_question,
    a_table,
    route,
)
from twoway_router.domain.ids import NumberId, TenantId
from twoway_router.routing.claims import Claim, VerdictKind, judge_claim
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.plan import needs_contexts
from twoway_router.routing.types import AmbiguityPolicy, ClaimState, ContextKind, RouteOutcome, SubKeyword, WindowState

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("options", "window"),
    [
        ({}, WindowState.OPEN),
        ({"active_from": NOON}, WindowState.OPEN),
        ({"active_from": NOON + DAY}, WindowState.TOO_EARLY),
        ({"active_until": NOON + DAY}, WindowState.OPEN),
        ({"active_until": NOON}, WindowState.TOO_LATE),
        ({"active_from": NOON - DAY, "active_until": NOON + DAY}, WindowState.OPEN),
        ({"state": ClaimState.SUSPENDED}, WindowState.SUSPENDED),
        ({"state": ClaimState.RELEASED}, WindowState.RELEASED),
        ({"state": ClaimState.SUSPENDED, "active_until": NOON - DAY}, WindowState.SUSPENDED),
    ],
)
def test_the_decision_says_where_the_window_stands(options: dict[str, object], window: WindowState) -> None:
    table = a_table(a_keyword("PIZZA", PIZZERIA, SHARED, **options))

    assert route(table, "pizza").window is window


def test_an_inactive_keyword_never_falls_through_to_another_tenant() -> None:
    table = a_table(a_keyword("REPARAR BAÑO", active_until=NOON - DAY), a_keyword("REPARAR", GYM))

    decision = route(table, "reparar baño")

    assert (decision.tenant_id, decision.window) == (PIZZERIA, WindowState.TOO_LATE)


def test_of_two_tenants_with_one_word_at_different_times_the_open_one_wins() -> None:
    table = a_table(a_keyword("PIZZA", active_until=NOON - DAY), a_keyword("PIZZA", GYM, active_from=NOON - DAY))

    assert route(table, "pizza").tenant_id == GYM


def test_a_released_word_that_was_taken_anew_is_the_new_holders() -> None:
    table = a_table(a_keyword("PIZZA", state=ClaimState.RELEASED), a_keyword("PIZZA", GYM))

    assert route(table, "pizza").tenant_id == GYM


@pytest.mark.parametrize("state", [ClaimState.REQUESTED, ClaimState.APPROVED])
def test_a_claim_that_is_not_active_yet_routes_nothing(state: ClaimState) -> None:
    assert route(a_table(a_keyword("PIZZA", state=state)), "pizza").rule == "courtesy"


def test_an_alias_reaches_its_keyword_and_is_named() -> None:
    decision = route(a_table(a_keyword("PIZZA,PIZZERÍA")), "pizzeria")

    assert (decision.word, decision.details) == ("PIZZA", {"spelling": "PIZZERÍA"})


def test_asking_lists_one_conversation_a_tenant_the_latest_first() -> None:
    rules = replace(SHARED_RULES, ambiguity=AmbiguityPolicy.ASK)
    table = RoutingTable.build([rules], [])
    open_questions = [a_question(GYM, "yes_no", 90), a_question(PIZZERIA, "yes_no", 10), a_question(GYM, "confirm", 50)]

    decision = route(table, "si", *open_questions)

    assert [choice.context_id for choice in decision.asks] == [f"{PIZZERIA}:yes_no", f"{GYM}:confirm"]


def test_a_question_from_the_future_counts_for_nothing() -> None:
    assert route(a_table(), "si", a_question(GYM, "yes_no", -1)).rule == "courtesy"


def test_the_answer_is_given_in_plain_form() -> None:
    decision = route(a_table(), "¡Sííí, gracias!", a_question(GYM, "yes_no"))

    assert decision.details == {"answer": "yes"}


def test_a_bare_stop_on_a_shared_number_names_no_tenant_but_tells_who_talks_with_the_sender() -> None:
    decision = route(a_table(), "STOP", a_question(GYM, "yes_no"))

    assert (decision.tenant_id, decision.details) == (None, {"conversation_tenant": str(GYM)})


def test_an_opt_out_word_inside_a_sentence_is_marked_for_review() -> None:
    decision = route(a_table(), "please I want you to stop")

    assert (decision.outcome, decision.details) == (RouteOutcome.DEFAULT, {"opt_out_intent": "STOP"})


def test_a_misspelt_keyword_on_a_shared_number_is_only_suggested() -> None:
    keyword = a_keyword("GUITARRA")

    decision = route(a_table(keyword), "gutiarra", explain=True)

    assert (decision.tenant_id, decision.suggestion) == (None, keyword.keyword_id)


@pytest.mark.parametrize("text", ["guitarrra2", "guitarras guitarras", "gitara", "casas", "guitarra9"])
def test_what_is_not_one_edit_away_is_not_suggested(text: str) -> None:
    assert route(a_table(a_keyword("GUITARRA"), a_keyword("CASAS2")), text, explain=True).suggestion is None


def test_a_word_between_two_keywords_suggests_neither() -> None:
    table = a_table(a_keyword("GUITARRO"), a_keyword("GUITARRI", GYM))

    assert route(table, "guitarre", explain=True).suggestion is None


def test_a_keyword_that_is_not_open_is_not_suggested() -> None:
    assert route(a_table(a_keyword("GUITARRA", active_until=NOON)), "gutiarra", explain=True).suggestion is None


def test_glued_digits_stop_where_another_tenant_goes_on() -> None:
    table = a_table(a_keyword("VOTAMOS", is_glued=True), a_keyword("VOTAMOS55", GYM))

    assert route(table, "votamos5").tenant_id is None


def test_glued_digits_come_back_when_the_other_tenant_leaves() -> None:
    rival = a_keyword("VOTAMOS55", GYM)
    table = a_table(rival, a_keyword("VOTAMOS", is_glued=True))
    table.remove_keyword(rival.keyword_id)

    assert route(table, "votamos5").tenant_id == PIZZERIA


def test_an_unknown_number_is_nobodys() -> None:
    assert route(a_table(), "pizza", number_id=NumberId(UUID(int=9))).rule == "unknown_number"


@pytest.mark.parametrize(
    ("text", "may_have_choices", "needed"),
    [
        ("STOP", True, False),
        ("pizza", True, True),
        ("pizza", False, False),
        ("PIZZA!", False, False),
        ("pizza roma", False, True),
        ("piz za", False, True),
        ("hola", False, True),
        ("si", False, True),
        ("7", False, True),
        ("x " * 40, False, True),
    ],
)
def test_contexts_are_loaded_only_where_they_can_matter(text: str, may_have_choices: bool, needed: bool) -> None:
    table = a_table(a_keyword("PIZZA"))

    assert needs_contexts(table, SHARED, text, may_have_choices=may_have_choices) is needed


def test_an_unknown_number_needs_no_contexts() -> None:
    assert not needs_contexts(a_table(), NumberId(UUID(int=9)), "hola")


@pytest.mark.parametrize("text", ["endless", "cancelled", "quite", "starting", "helpful", "stopwatch", "information"])
def test_reserved_words_have_edges(text: str) -> None:
    assert route(a_table(), text).outcome is RouteOutcome.DEFAULT


def test_only_one_tenant_ever_gets_a_message() -> None:
    table = a_table(a_keyword("PIZZA"), a_keyword("PIZZAROMA", GYM), a_keyword("ROMA", RADIO))

    decision = route(table, "PIZZA ROMA", explain=True)

    assert [one.tenant_id for one in decision.candidates if not one.lost_because] == [PIZZERIA]


def test_the_number_of_words_makes_no_difference() -> None:
    table = a_table(a_keyword("GUITARRA"))

    reached = {route(table, "guitarra" + " x" * count).tenant_id for count in range(40)}

    assert reached == {PIZZERIA}


def test_a_number_s_own_rule_beats_the_same_word_elsewhere() -> None:
    table = a_table(a_keyword("GUITARRA"), a_keyword("GUITARRA", RADIO, OTHER))

    assert (route(table, "guitarra").tenant_id, route(table, "guitarra", number_id=OTHER).tenant_id) == (
        PIZZERIA,
        RADIO,
    )


def test_a_context_on_a_dedicated_number_is_its_owners_or_nothing() -> None:
    assert route(a_table(), "si", a_question(PIZZERIA, "yes_no"), number_id=OWNED).tenant_id == GYM


def test_a_keyword_with_special_characters_matches_as_written() -> None:
    table = a_table(a_keyword("C++CURSO"), a_keyword("V2.0BETA", GYM), a_keyword(".*", RADIO))

    reached = [route(table, text).tenant_id for text in ("c++curso", "v2.0beta", "CCCCURSO", "v2x0beta", "anything")]

    assert reached == [PIZZERIA, GYM, None, None, None]


@pytest.mark.parametrize(
    "text",
    [
        "\ud800",
        "pizza\udfff",
        "\x00" * 1_600,
        "P" + "\u0301" * 1_600,
        "\ufdfa" * 400,
        "汉" * 1_600,
        "🍕" * 1_600,
        "\u200d" * 1_600,
        "0" * 1_600,
        "aaa" * 500,
        "aaabbbcccddd" * 100,
        "a1 " * 500,
        "".join(chr(plane << 16 | 0x41) for plane in range(17)),
        "\U0010ffff" * 1_600,
        "ᄀ" * 1_600,
        "\u0f43" * 1_600,
        "(" * 1_600,
        "*#%$" * 400,
        "ѕтор" * 400,
    ],
    ids=range(19),
)
def test_no_text_breaks_the_decision(text: str) -> None:
    table = RoutingTable.build(NUMBERS, [a_keyword("PIZZA"), a_keyword("VOTAMOS", GYM, is_glued=True)])

    decisions = [route(table, text, number_id=number.number_id, explain=True) for number in NUMBERS]

    assert len(decisions) == len(NUMBERS)


def test_the_owner_of_a_dedicated_number_may_answer_help_herself() -> None:
    table = a_table(a_keyword("AYUDA", GYM, OWNED))

    assert route(table, "ayuda", number_id=OWNED).outcome is RouteOutcome.KEYWORD


def test_a_phrase_that_is_a_keyword_is_no_help() -> None:
    table = a_table(a_keyword("INFO GUITARRA"), a_keyword("GUITARRA", GYM))

    assert route(table, "info guitarra").tenant_id == PIZZERIA


def test_two_open_free_text_questions_are_put_aside_where_the_number_does_not_guess() -> None:
    rules = replace(SHARED_RULES, ambiguity=AmbiguityPolicy.QUARANTINE)
    table = RoutingTable.build([rules], [])

    decision = route(table, "calle mayor", a_question(GYM, "text"), a_question(PIZZERIA, "text"))

    assert (decision.outcome, decision.rule) == (RouteOutcome.NONE, "quarantine")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("reparar", "keyword_whole"),
        ("reparar baño", "keyword_whole"),
        ("¡Reparar baño! 👍", "keyword_whole"),
        ("reparar el baño", "free_text_question"),
        ("reparar baño ya", "free_text_question"),
        ("reparar 5", "free_text_question"),
        ("reparar tejado", "free_text_question"),
    ],
)
def test_a_declared_sub_keyword_is_part_of_a_whole_message(text: str, rule: str) -> None:
    rooms = (SubKeyword(name="BAÑO", spellings=("BAÑO",)),)
    table = a_table(a_keyword("REPARAR", sub_keywords=rooms, is_glued=True))

    decision = route(table, text, a_question(GYM, "text"))

    assert (decision.rule, decision.tenant_id) == (rule, PIZZERIA if rule == "keyword_whole" else GYM)


def test_a_sub_keyword_that_only_a_closed_keyword_declares_is_text() -> None:
    rooms = (SubKeyword(name="BAÑO", spellings=("BAÑO",)),)
    table = a_table(
        a_keyword("REPARAR", PIZZERIA, sub_keywords=rooms, active_until=NOON - DAY),
        a_keyword("REPARAR", RADIO, active_from=NOON),
    )

    assert route(table, "reparar baño", a_question(GYM, "text")).rule == "free_text_question"


@pytest.mark.parametrize(
    ("first", "whole", "text", "tenant_id"),
    [
        ("PIZZA", "PIZZANOW", "pizza now", None),
        ("PIZZA", "PIZZANOW", "Pizza-now! 🍕", None),
        ("PIZZA", "PIZZANOW", "pizza now please", PIZZERIA),
        ("PIZZA", "PIZZANOW", "pizzanow", GYM),
        ("PIZZA", "PIZZANOW", "pizza n ow", None),
        ("PIZZA", "PIZZAIOLO", "pizza iolo", PIZZERIA),
        ("GUITARRA", "GUITARRA99", "guitarra 99", None),
        ("GUITARRA", "GUITARRA98", "guitarra 99", PIZZERIA),
        ("PIZZA", "PIZZA%NOW", "pizza now", None),
        ("FREE BURGER", "FREEBURGERNOW", "free burger now", None),
    ],
)
@pytest.mark.parametrize("has_question", [False, True])
def test_what_is_one_tenants_by_its_first_words_and_anothers_as_a_whole_is_nobodys(
    first: str, whole: str, text: str, tenant_id: TenantId | None, has_question: bool
) -> None:
    table = a_table(a_keyword(first), a_keyword(whole, GYM))

    decision = route(table, text, *([a_question(RADIO, "yes_no")] if has_question else ()))

    assert decision.tenant_id == tenant_id
    if tenant_id is None:
        assert (decision.rule, decision.outcome) == ("ambiguous_keyword", RouteOutcome.NONE)
        assert [(each.tenant_id, each.word) for each in decision.asks] == [(PIZZERIA, first), (GYM, whole)]


@pytest.mark.parametrize("number_id", [SHARED, OWNED])
def test_within_one_tenant_the_whole_message_comes_first(number_id: NumberId) -> None:
    table = a_table(a_keyword("PIZZA", GYM, number_id), a_keyword("PIZZANOW", GYM, number_id))

    decisions = [route(table, text, number_id=number_id) for text in ("pizza now", "pizza now please")]

    assert [decision.word for decision in decisions] == ["PIZZANOW", "PIZZA"]


@pytest.mark.parametrize(
    ("resting", "live", "text"),
    [
        ("REPARAR BAÑO", "REPARAR", "reparar baño"),
        ("REPARAR BAÑO", "REPARAR", "reparar baño ya"),
        ("PIZZANOW", "PIZZA", "pizza now"),
        ("50OFF", "50%OFF", "50off"),
        ("50$OFF", "50%OFF", "50off"),
        ("BROETCHEN", "BRÖTCHEN", "broetchen"),
        ("PIZZZA", "PIZZA", "pizzzza"),
        ("P1ZZA", "PIZZA", "p1zza"),
    ],
)
@pytest.mark.parametrize("holder", [PIZZERIA, GYM])
def test_a_word_that_rests_never_stands_before_a_live_one(resting: str, live: str, text: str, holder: TenantId) -> None:
    table = a_table(a_keyword(resting, holder, state=ClaimState.RELEASED), a_keyword(live))

    decision = route(table, text)

    assert (decision.word, decision.window) == (live, WindowState.OPEN)


def test_a_thumb_answers_a_yes_no_question() -> None:
    assert route(a_table(), "👎👎", a_question(GYM, "yes_no")).details == {"answer": "no"}


def test_a_choice_without_a_list_is_a_letter_or_a_digit() -> None:
    rules = [route(a_table(), text, a_question(GYM, "choice")).rule for text in ("b", "3", "z")]

    assert rules == ["open_question", "open_question", "conversation"]


def test_a_number_answers_a_question_for_a_number() -> None:
    assert route(a_table(), "٤٢", a_question(GYM, "number")).details == {"answer": "42"}


def test_a_longer_word_of_ones_own_does_not_send_a_text_to_anothers_conversation() -> None:
    table = a_table(a_keyword("PIZZA"), a_keyword("PIZZA R0MANA"))
    recent = replace(a_question(GYM, None), kind=ContextKind.RECENT)

    decision = route(table, "pizza romana", recent)

    assert (decision.tenant_id, decision.rule, decision.word) == (PIZZERIA, "keyword", "PIZZA R0MANA")


def test_a_compound_with_several_words_keeps_the_text_that_reached_it() -> None:
    table = a_table(a_keyword("SPAWEEKENDPASS"))

    verdict = judge_claim(table, Claim(number_id=SHARED, tenant_id=GYM, spellings=("SPA",)))

    assert (verdict.kind, verdict.code) == (VerdictKind.REFUSE, "compound")


def test_a_word_that_ends_in_digits_for_letters_is_a_look_alike_and_a_numbered_one_is_none() -> None:
    table = a_table(a_keyword("COFFEE"), a_keyword("VOTOS"))

    verdicts = [
        judge_claim(table, Claim(number_id=SHARED, tenant_id=tenant, spellings=(word,))).code
        for tenant, word in ((GYM, "COFF33"), (PIZZERIA, "COFF33"), (GYM, "VOTO5"))
    ]

    assert verdicts == ["look_alike", "free", "free"]
