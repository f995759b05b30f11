"""Registration: the verdict table, overrides, windows, and what a preview says of the spellings it will catch."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from tests.unit.routing.cast import GYM, NOON, PIZZERIA, RADIO, SHARED, a_keyword, a_table, route
from twoway_router.domain.ids import TenantId
from twoway_router.routing.claims import Claim, Verdict, VerdictKind, judge_claim
from twoway_router.rulesets.file import Rules, check, read_rules

CASES = Path(__file__).parent / "cases"
ROWS = [
    pytest.param(group["number"], row, id=f"{group['about']}-{number}")
    for group in yaml.safe_load((CASES / "claims.yaml").read_text(encoding="utf-8"))
    for number, row in enumerate(group["rows"])
]


@pytest.fixture(scope="module")
def rules() -> Rules:
    return read_rules((CASES / "rules.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("number", "row"), ROWS)
def test_a_claim_gets_the_verdict_of_the_table(rules: Rules, number: str, row: list[str]) -> None:
    tenant, word, verdict, code = row

    result = check(rules, {"number": number, "tenant": tenant, "word": word}, 0)

    assert (result["verdict"], result["code"]) == (verdict, code)


def test_the_table_is_large_enough_to_mean_something() -> None:
    assert len(ROWS) >= 120


def a_verdict(word: str, *held: str, tenant_id: TenantId = GYM, **fields: object) -> Verdict:
    table = a_table(*(a_keyword(other) for other in held))
    claim = Claim(number_id=SHARED, tenant_id=tenant_id, spellings=tuple(word.split(",")))
    return judge_claim(table, replace(claim, **fields))  # type: ignore[arg-type]  # a builder: fields by name


def test_an_override_lets_a_common_word_in_for_whole_messages_only() -> None:
    verdict = a_verdict("CASA", is_override=True)

    assert (verdict.kind, verdict.code, verdict.is_whole_message) == (VerdictKind.WARN, "common_word", True)


def test_an_override_does_not_take_a_word_from_its_holder() -> None:
    verdict = a_verdict("PIZZA", "PIZZA", is_override=True)

    assert (verdict.kind, verdict.code) == (VerdictKind.REFUSE, "taken")


def test_a_refusal_names_the_keyword_that_is_in_the_way() -> None:
    verdict = a_verdict("ΡΙΖΖΑ", "PIZZA")

    assert [(met.tenant_id, met.word, met.code) for met in verdict.collisions] == [(PIZZERIA, "PIZZA", "look_alike")]


def test_the_gravest_verdict_on_any_alias_counts() -> None:
    verdict = a_verdict("GUITARRA,PIZZAS,PIZZA", "PIZZA")

    assert (verdict.kind, verdict.code, verdict.key) == (VerdictKind.REFUSE, "taken", "guitarra")


def test_a_keyword_does_not_collide_with_its_earlier_self() -> None:
    held = a_keyword("PIZZA", GYM)
    claim = Claim(number_id=SHARED, tenant_id=GYM, spellings=("PIZZA", "PIZA"), keyword_id=held.keyword_id)

    verdict = judge_claim(a_table(held), claim)

    assert verdict.kind is VerdictKind.ACCEPT


def test_a_claim_without_a_word_is_refused() -> None:
    claim = Claim(number_id=SHARED, tenant_id=GYM, spellings=())

    assert judge_claim(a_table(), claim).code == "unreadable"


@pytest.mark.parametrize(
    ("gap", "kind", "code"),
    [
        (timedelta(hours=24), VerdictKind.WARN, "other_window"),
        (timedelta(hours=23), VerdictKind.REFUSE, "taken"),
        (timedelta(days=-1), VerdictKind.REFUSE, "taken"),
    ],
)
def test_windows_of_one_word_keep_a_day_between_them(gap: timedelta, kind: VerdictKind, code: str) -> None:
    table = a_table(a_keyword("PIZZA", active_until=NOON))
    claim = Claim(number_id=SHARED, tenant_id=GYM, spellings=("PIZZA",), active_from=NOON + gap)

    verdict = judge_claim(table, claim)

    assert (verdict.kind, verdict.code) == (kind, code)


def test_every_spelling_that_a_preview_promises_reaches_the_keyword() -> None:
    verdict = a_verdict("50%OFF GRÖSSE")
    table = a_table(a_keyword("50%OFF GRÖSSE", GYM))

    reached = {text: route(table, text).tenant_id for text in verdict.catches}

    assert set(reached.values()) == {GYM}


def test_a_preview_shows_derived_and_respaced_spellings() -> None:
    verdict = a_verdict("FREE BÜRGER")

    assert {"FREEBÜRGER", "freebuerger", "freeburger", '"FREE BÜRGER"'} <= set(verdict.catches)


def test_a_derived_key_that_two_tenants_derive_is_nobodys() -> None:
    table = a_table(a_keyword("50%DESCUENTO"), a_keyword("50$DESCUENTO", RADIO))

    assert route(table, "50descuento").tenant_id is None


def test_a_word_of_its_own_beats_the_derived_key_of_another() -> None:
    table = a_table(a_keyword("50%DESCUENTO"), a_keyword("50DESCUENTO", RADIO))

    assert route(table, "50descuento").tenant_id == RADIO


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SKIPASS", "SKI"),
        ("SPAWEEKEND", "SPA"),
        ("OFERTA", "OFERTA99"),
        ("FREE BURGER NOW", "FREEBURGER"),
        ("FREEBURG3R", "FREEBURGER"),
        ("PIZZAR0MA", "PIZZAROMA"),
        ("P1ZZ0LA", "PIZZOLA"),
    ],
)
def test_two_words_that_one_text_may_mean_are_refused_in_either_order(one: str, other: str) -> None:
    verdicts = [a_verdict(one, other), a_verdict(other, one)]

    assert [verdict.kind for verdict in verdicts] == [VerdictKind.REFUSE, VerdictKind.REFUSE]


def test_a_compound_with_another_keyword_is_refused_and_one_with_no_word_is_not() -> None:
    verdicts = [a_verdict(word, "PIZZA", "ROMANELLA") for word in ("PIZZAROMANELLA", "PIZZAIOLO")]

    assert [verdict.code for verdict in verdicts] == ["compound", "longer_word"]


def test_a_word_that_makes_anothers_keyword_with_ones_own_sub_keyword_is_refused() -> None:
    verdicts = [a_verdict("GUITARRA", "GUITARRAXYZ", sub_keywords=subs) for subs in ((), ("XYZ",))]

    assert [verdict.code for verdict in verdicts] == ["free", "compound"]


def test_an_override_shows_the_texts_that_move() -> None:
    verdict = a_verdict("50OFF", "50%OFF", is_override=True)

    assert (verdict.kind, [met.moves for met in verdict.collisions]) == (VerdictKind.WARN, [("50OFF", "50off")])


def test_what_is_the_holders_very_word_does_not_move() -> None:
    verdict = a_verdict("#PIZZA", "PIZZA")

    assert [met.moves for met in verdict.collisions] == [("#PIZZA", "#pizza")]


def test_a_word_with_which_very_many_begin_needs_the_operator() -> None:
    verdict = a_verdict("GUITARRA", *(f"GUITARRA{chr(0x61 + n // 26)}{chr(0x61 + n % 26)}Q" for n in range(400)))

    assert (verdict.kind, verdict.code) == (VerdictKind.OVERRIDE_NEEDED, "begins_many")


def test_the_holder_of_a_word_may_claim_what_looks_like_it() -> None:
    verdicts = [a_verdict(word, "FREEBURGER", tenant_id=PIZZERIA) for word in ("FREEBURG3R", "FREE BURGER NOW")]

    assert [verdict.kind for verdict in verdicts] == [VerdictKind.ACCEPT] * 2
