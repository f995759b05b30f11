"""Registration: the verdict table, overrides, windows, and what a preview says of the spellings it will catch."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

import twoway_router.routing
from tests.unit.routing.cast import GYM, NOON, PIZZERIA, RADIO, SHARED, SHARED_RULES, a_keyword, a_table, route
from twoway_router.domain.ids import TenantId
from twoway_router.routing.alternatives import alternatives
from twoway_router.routing.claims import Claim, Verdict, VerdictKind, judge_claim
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.text import fold
from twoway_router.routing.types import CampaignWords, ClaimState, KeywordRules, SubKeyword
from twoway_router.routing.words import campaign_words
from twoway_router.rulesets.file import Rules, check, read_rules

CAMPAIGNS = sorted(
    file.stem for file in (Path(twoway_router.routing.__file__).parent / "data" / "campaign").glob("*.txt")
)
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
    table = a_table(a_keyword("CASA", GYM))

    assert (verdict.kind, verdict.code) == (VerdictKind.WARN, "common_word")
    assert [route(table, text).tenant_id for text in ("casa", "casa mia bella")] == [GYM, None]


def test_an_override_lets_a_typical_reply_in_for_whole_messages_and_nothing_else() -> None:
    verdict = a_verdict("GRACIAS", is_override=True)

    assert (verdict.kind, verdict.code, verdict.is_whole_message) == (VerdictKind.WARN, "typical_reply", True)


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

    assert (verdict.kind, verdict.moves) == (VerdictKind.WARN, ("50OFF", "5 0off", "50 off", "50o ff", "50of f"))


def test_what_is_the_holders_very_word_does_not_move() -> None:
    verdict = a_verdict("#PIZZA", "PIZZA")

    assert verdict.moves == ("#PIZZA", "# pizza")


def test_a_refusal_that_no_operator_lifts_moves_nothing() -> None:
    assert a_verdict("PIZZA NAPOLI", "PIZZA").moves == ()


def test_text_behind_a_spelling_moves_with_it() -> None:
    verdict = a_verdict("KREDITKOENIG", "KREDITKÖNIG")

    assert {"KREDITKOENIG", "KREDITKOENIG …", "kredit koenig", "kredit koenig …"} <= set(verdict.moves)
    assert "KREDITKÖNIG" not in verdict.moves


def test_words_with_the_holders_sub_keyword_move() -> None:
    held = a_keyword("REPARAR", sub_keywords=(SubKeyword(name="CASA", spellings=("CASA", "CASA DE CAMPO")),))
    claim = Claim(number_id=SHARED, tenant_id=GYM, spellings=("REPARARCASA",))

    verdict = judge_claim(a_table(held), claim)

    assert (verdict.code, "reparar casa" in verdict.moves, "REPARAR CASA DE CAMPO" in verdict.moves) == (
        "with_their_sub_keyword",
        True,
        False,
    )


def test_other_digits_move_with_those_that_are_claimed() -> None:
    claim = Claim(number_id=SHARED, tenant_id=GYM, spellings=("VOTAMOS5",))

    verdict = judge_claim(a_table(a_keyword("VOTAMOS", is_glued=True)), claim)

    assert {"VOTAMOS5", "VOTAMOS<digits>"} <= set(verdict.moves)


def test_a_phrase_parted_otherwise_moves_to_the_claimant_of_its_first_word() -> None:
    verdict = a_verdict("PLAYASOL", "PLAYASOL NORTE")

    assert (verdict.code, "PLAYASOL no rte" in verdict.moves, "PLAYASOL norte" in verdict.moves) == (
        "prefix_of_theirs",
        True,
        False,
    )


OVERRIDDEN = [
    ("50OFF", a_keyword("50%OFF")),
    ("#PIZZA", a_keyword("PIZZA")),
    ("KREDITKOENIG", a_keyword("KREDITKÖNIG")),
    ("PLAYASOL", a_keyword("PLAYASOL NORTE")),
    ("VOTAMOS5", a_keyword("VOTAMOS", is_glued=True)),
    ("REPARARCASA", a_keyword("REPARAR", sub_keywords=(SubKeyword(name="CASA", spellings=("CASA",)),))),
    ("健身房优惠", a_keyword("健身房")),
]


@pytest.mark.parametrize(("word", "held"), OVERRIDDEN, ids=[word for word, _ in OVERRIDDEN])
def test_every_text_that_an_override_lists_moves_and_no_other_spelling_does(word: str, held: KeywordRules) -> None:
    before, after = a_table(held), a_table(held, a_keyword(word, GYM))
    moves = judge_claim(before, Claim(number_id=SHARED, tenant_id=GYM, spellings=(word,))).moves
    listed = {text.replace(" …", " y más").replace("<digits>", "7") for text in moves}
    held_word = held.spellings[0]
    spellings = {f"{one[:place]} {one[place:]}" for one in (word, held_word) for place in range(1, len(one))}
    spellings |= {word, held_word, f"{held_word} casa", f"{held_word}7", f"{word} y más", f"{held_word} y más"}

    moved = {
        text
        for text in listed | spellings
        if route(before, text).tenant_id == PIZZERIA and route(after, text).tenant_id != PIZZERIA
    }

    assert moves
    assert {tuple(fold(text).tokens) for text in moved} == {tuple(fold(text).tokens) for text in listed}


def test_two_words_that_a_text_may_mean_are_let_in_when_they_are_never_open_together() -> None:
    table = a_table(a_keyword("SKI", active_until=NOON))
    claim = Claim(number_id=SHARED, tenant_id=GYM, spellings=("SKIPASS",), active_from=NOON + timedelta(days=1))
    both = a_table(a_keyword("SKI", active_until=NOON), a_keyword("SKIPASS", GYM, active_from=NOON + timedelta(days=1)))

    verdicts = [judge_claim(table, replace(claim, active_from=start)) for start in (claim.active_from, NOON)]
    tenants = [route(both, "ski pass", at=NOON + timedelta(days=days)).tenant_id for days in (-1, 2)]

    assert [verdict.code for verdict in verdicts] == ["other_window", "compound"]
    assert tenants == [PIZZERIA, GYM]


def test_the_beginning_of_a_word_of_another_time_is_let_in_too() -> None:
    table = a_table(a_keyword("SKIPASS", active_until=NOON))
    claim = Claim(number_id=SHARED, tenant_id=GYM, spellings=("SKI",), active_from=NOON + timedelta(days=1))

    assert judge_claim(table, claim).code == "other_window"


@pytest.mark.parametrize("word", ["PIZZAR0MA", "P1ZZAROMA", "PIZZAROM@", "ΡΙΖΖΑROMA"])
def test_a_holder_may_claim_what_looks_like_its_word_while_it_rests_for_another(word: str) -> None:
    rests = a_keyword("PIZZAR0MA", RADIO, state=ClaimState.RELEASED)
    claim = Claim(number_id=SHARED, tenant_id=PIZZERIA, spellings=(word,))

    verdicts = [
        judge_claim(a_table(*held), replace(claim, tenant_id=tenant_id))
        for held, tenant_id in (((rests, a_keyword("PIZZAROMA")), PIZZERIA), ((rests,), GYM))
    ]

    assert verdicts[0].collisions == ()
    assert word not in ("PIZZAR0MA", "P1ZZAROMA") or verdicts[1].kind is VerdictKind.REFUSE


def test_a_word_that_was_given_back_is_no_word_of_ones_own() -> None:
    table = a_table(
        a_keyword("PIZZAR0MA", RADIO, state=ClaimState.RELEASED),
        a_keyword("PIZZAROMA", PIZZERIA, state=ClaimState.RELEASED),
    )

    verdict = judge_claim(table, Claim(number_id=SHARED, tenant_id=PIZZERIA, spellings=("PIZZAR0MA",)))

    assert (verdict.kind, verdict.code, verdict.own_keys) == (VerdictKind.REFUSE, "resting", frozenset())


def test_campaign_words_are_free_where_the_operator_says_so() -> None:
    free = RoutingTable.build([replace(SHARED_RULES, campaign_words=CampaignWords.FREE)], [])
    claims = [Claim(number_id=SHARED, tenant_id=GYM, spellings=(word,)) for word in ("WIN", "VOTE", "PREMIO", "WITH")]

    verdicts = [
        [(each.kind.value, each.code.value) for each in (judge_claim(t, c) for c in claims)] for t in (a_table(), free)
    ]

    assert verdicts == [
        [("override_needed", "common_word")] * 4,
        [("accept", "campaign_word")] * 3 + [("override_needed", "common_word")],
    ]


@pytest.mark.parametrize("language", CAMPAIGNS)
def test_no_campaign_word_is_refused_where_they_are_free(language: str) -> None:
    rules = replace(SHARED_RULES, languages=(language,), campaign_words=CampaignWords.FREE)
    table = RoutingTable.build([rules], [])

    refused = {
        word: judge_claim(table, Claim(number_id=SHARED, tenant_id=GYM, spellings=(word,))).code.value
        for word in campaign_words(language)
    }

    assert {word: code for word, code in refused.items() if code not in ("free", "campaign_word", "common_word")} == {}


@pytest.mark.parametrize("word", ["PIZZA", "FREE BURGER", "PIZZAR0MA", "CASA", "AB", "10", "LIST", "健身房"])
def test_a_refusal_names_words_that_are_free(word: str) -> None:
    table = a_table(*(a_keyword(held) for held in ("PIZZA", "FREEBURGER", "PIZZAROMA", "健身房")))
    claim = Claim(number_id=SHARED, tenant_id=GYM, spellings=(word,))

    found = alternatives([table], claim)

    assert len(found) == 3
    assert {judge_claim(table, replace(claim, spellings=(near,))).kind for near in found} == {VerdictKind.ACCEPT}
    assert alternatives([table], claim) == found


@pytest.mark.parametrize("word", ["STOP", "ST0P", "BULLSHIT", "...", "BAJA PESO"])
def test_nothing_is_named_near_a_word_that_nobody_should_advertise(word: str) -> None:
    assert alternatives([a_table()], Claim(number_id=SHARED, tenant_id=GYM, spellings=(word,))) == ()


def test_alternatives_are_free_in_every_table_and_near_the_word_that_is_refused() -> None:
    claim = Claim(number_id=SHARED, tenant_id=GYM, spellings=("GUITARRA", "PIZZA"))

    found = alternatives([a_table(a_keyword("PIZZA")), a_table(a_keyword("MYPIZZA", RADIO))], claim)

    assert "MYPIZZA" not in found
    assert all("PIZZA" in near for near in found)


def test_a_word_with_which_very_many_begin_needs_the_operator() -> None:
    verdict = a_verdict("GUITARRA", *(f"GUITARRA{chr(0x61 + n // 26)}{chr(0x61 + n % 26)}Q" for n in range(400)))

    assert (verdict.kind, verdict.code) == (VerdictKind.OVERRIDE_NEEDED, "begins_many")


def test_the_holder_of_a_word_may_claim_what_looks_like_it() -> None:
    verdicts = [a_verdict(word, "FREEBURGER", tenant_id=PIZZERIA) for word in ("FREEBURG3R", "FREE BURGER NOW")]

    assert [verdict.kind for verdict in verdicts] == [VerdictKind.ACCEPT] * 2
