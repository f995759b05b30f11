"""What must hold for any registry and any text: never the wrong tenant, no order, no surprise from a removal."""

import unicodedata
from itertools import pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.unit.routing.cast import GYM, NUMBERS, PIZZERIA, RADIO, SHARED, a_keyword, a_question, route
from twoway_router.domain.ids import TenantId
from twoway_router.routing.claims import Claim, VerdictKind, judge_claim
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.types import Decision, KeywordRules, RouteOutcome, SubKeyword

WORDS = st.text("AEIOLNÑ0159% Я中", min_size=1, max_size=9)
TENANTS = st.sampled_from((PIZZERIA, GYM, RADIO))
CLAIMS = st.lists(st.tuples(WORDS, TENANTS), min_size=1, max_size=12)
MESSAGES = st.text("aeiolnñÑ0159% яА中#!'👍", max_size=14)
QUOTES = st.sampled_from((("", ""), ('"', '"'), ("'", "'"), ("“", "”"), ("«", "»"), ("(", ")"), ("¡", "!")))
EDGES = st.text(" \t\n\u200b\u200e\ufeff\u3000", max_size=3)
TAILS = st.text(".!?… ,;", max_size=4)
WEAR = st.lists(
    st.sampled_from(
        (
            str.swapcase,
            str.lower,
            lambda text: text.replace(" ", ""),
            lambda text: text.replace(" ", "-"),
            lambda text: " ".join(text),
            lambda text: text[: len(text) // 2] + " " + text[len(text) // 2 :],
            lambda text: text.replace("0", "O").replace("1", "I"),
            lambda text: text.replace("O", "0").replace("I", "1"),
            lambda text: text + text[-1:] * 2,
            lambda text: "#" + text,
            lambda text: f"*{text}*",
            lambda text: "👍 " + text,
            lambda text: text + " hola",
            lambda text: text + " 5",
            lambda text: text.replace("%", ""),
            lambda text: text.replace("Ñ", "N"),
            lambda text: unicodedata.normalize("NFD", text),
            lambda text: text.replace("A", "А").replace("E", "Е"),
        )
    ),
    max_size=3,
)


def registered(claims: list[tuple[str, TenantId]]) -> list[KeywordRules]:
    """The claims that registration lets through, one after another."""
    table = RoutingTable.build(NUMBERS, [])
    kept = []
    for word, tenant_id in claims:
        verdict = judge_claim(table, Claim(number_id=SHARED, tenant_id=tenant_id, spellings=(word,)))
        if verdict.kind in (VerdictKind.ACCEPT, VerdictKind.WARN):
            keyword = a_keyword(word, tenant_id)
            table.put_keyword(keyword)
            kept.append(keyword)
    return kept


@settings(max_examples=600)
@given(CLAIMS, st.data())
def test_a_worn_keyword_reaches_another_tenant_only_by_being_its_very_word(
    claims: list[tuple[str, TenantId]], data: st.DataObject
) -> None:
    keywords = registered(claims)
    assume(keywords)
    meant = data.draw(st.sampled_from(keywords))
    text = meant.spellings[0]
    for wear in data.draw(WEAR):
        text = wear(text)

    decision = route(RoutingTable.build(NUMBERS, keywords), text)

    assert decision.tenant_id in (None, meant.tenant_id) or decision.match_class == "1"


@given(CLAIMS, MESSAGES)
def test_the_order_of_registration_makes_no_difference(claims: list[tuple[str, TenantId]], text: str) -> None:
    keywords = list({keyword.keyword_id: keyword for keyword in (a_keyword(*claim) for claim in claims)}.values())

    forwards, backwards = (
        route(RoutingTable.build(NUMBERS, order), text, explain=True) for order in (keywords, keywords[::-1])
    )

    assert forwards == backwards


@given(CLAIMS, CLAIMS, MESSAGES)
def test_a_table_that_was_changed_equals_one_that_was_built(
    claims: list[tuple[str, TenantId]], later: list[tuple[str, TenantId]], text: str
) -> None:
    first, second = ({k.keyword_id: k for k in (a_keyword(*claim) for claim in some)} for some in (claims, later))
    changed = RoutingTable.build(NUMBERS, first.values())
    for keyword in second.values():
        changed.put_keyword(keyword)
    for keyword_id in first.keys() - second.keys():
        changed.remove_keyword(keyword_id)

    built = RoutingTable.build(NUMBERS, second.values())

    assert route(changed, text, explain=True) == route(built, text, explain=True)


@given(CLAIMS, MESSAGES)
def test_removing_a_keyword_changes_nothing_for_texts_that_did_not_touch_it(
    claims: list[tuple[str, TenantId]], text: str
) -> None:
    keywords = registered(claims)
    assume(keywords)
    before = route(RoutingTable.build(NUMBERS, keywords), text, explain=True)
    touched = {candidate.keyword_id for candidate in before.candidates}
    assume(keywords[0].keyword_id not in touched)

    after = route(RoutingTable.build(NUMBERS, keywords[1:]), text, explain=True)

    assert after._replace(suggestion=None) == before._replace(suggestion=None)


@given(CLAIMS, MESSAGES, st.sampled_from((None, "yes_no", "0-10")))
def test_explaining_does_not_change_the_decision(
    claims: list[tuple[str, TenantId]], text: str, expected: str | None
) -> None:
    table = RoutingTable.build(NUMBERS, [a_keyword(*claim) for claim in dict(claims).items()])
    question = a_question(GYM, expected)

    plain, explained = (route(table, text, question, explain=explain) for explain in (False, True))

    assert explained._replace(candidates=(), suggestion=None) == plain


@given(CLAIMS, MESSAGES)
def test_the_winner_of_a_keyword_decision_stands_first_and_lost_to_nobody(
    claims: list[tuple[str, TenantId]], text: str
) -> None:
    table = RoutingTable.build(NUMBERS, [a_keyword(*claim) for claim in dict(claims).items()])

    decision = route(table, text, explain=True)

    won = [candidate.keyword_id for candidate in decision.candidates if not candidate.lost_because]
    assert won == ([decision.keyword_id] if decision.outcome is RouteOutcome.KEYWORD else [])


@given(CLAIMS, QUOTES, EDGES, EDGES, TAILS, st.data())
def test_quotes_edges_and_punctuation_make_no_difference(
    claims: list[tuple[str, TenantId]], quotes: tuple[str, str], front: str, back: str, tail: str, data: st.DataObject
) -> None:
    keywords = registered(claims)
    assume(keywords)
    table = RoutingTable.build(NUMBERS, keywords)
    word = data.draw(st.sampled_from(keywords)).spellings[0]

    plain, disturbed = (route(table, text) for text in (word, f"{front}{quotes[0]}{word}{quotes[1]}{tail}{back}"))

    assert _what(disturbed) == _what(plain)


def _what(decision: Decision) -> tuple[object, ...]:
    return decision.outcome, decision.keyword_id, decision.rest, decision.match_class, decision.rule


@given(CLAIMS)
def test_a_registered_keyword_reaches_its_own_tenant_as_typed(claims: list[tuple[str, TenantId]]) -> None:
    keywords = registered(claims)
    table = RoutingTable.build(NUMBERS, keywords)

    reached = [(keyword.tenant_id, route(table, keyword.spellings[0]).tenant_id) for keyword in keywords]

    assert all(wanted == got for wanted, got in reached)


@given(st.lists(WORDS, min_size=2, max_size=8, unique=True))
def test_no_two_tenants_hold_one_key_after_registration(words: list[str]) -> None:
    claims = [(word, tenant_id) for word in words for tenant_id in (PIZZERIA, GYM)]

    holders = [(keyword.spellings[0], keyword.tenant_id) for keyword in registered(claims)]

    keys = sorted((word.replace(" ", ""), tenant_id) for word, tenant_id in holders)
    assert all(one != other or mine == theirs for (one, mine), (other, theirs) in pairwise(keys))


@given(st.text(st.characters(), max_size=200), st.sampled_from((None, "yes_no", "choice", "pin", "0-10", "text")))
def test_any_text_gets_a_decision(text: str, expected: str | None) -> None:
    table = RoutingTable.build(NUMBERS, [a_keyword("PIZZA"), a_keyword("中文店", GYM), a_keyword("ΝΙΚΗΤΗΣ", RADIO)])

    decision = route(table, text, a_question(GYM, expected), explain=True)

    assert decision.rule


COMPOUNDS = st.lists(
    st.tuples(
        st.text("AOL01N&", min_size=2, max_size=5),
        st.lists(st.text("AOL01N", min_size=1, max_size=3), max_size=2),
        TENANTS,
    ),
    min_size=2,
    max_size=8,
)


@settings(max_examples=600)
@given(COMPOUNDS)
def test_a_keyword_and_sub_keyword_in_one_word_never_leave_the_tenant_that_they_reached(
    claims: list[tuple[str, list[str], TenantId]],
) -> None:
    table = RoutingTable.build(NUMBERS, [])
    texts: dict[str, TenantId | None] = {}
    for word, subs, tenant_id in claims:
        claim = Claim(number_id=SHARED, tenant_id=tenant_id, spellings=(word,), sub_keywords=tuple(subs))
        if judge_claim(table, claim).kind not in (VerdictKind.ACCEPT, VerdictKind.WARN):
            continue
        named = tuple(SubKeyword(name=sub, spellings=(sub,)) for sub in dict.fromkeys(subs))
        texts |= {word + sub: route(table, word + sub).tenant_id for sub in subs}
        table.put_keyword(a_keyword(word, tenant_id, sub_keywords=named))

        reached = {text: route(table, text).tenant_id for text in texts}

        assert {text: reached[text] for text, before in texts.items() if before} == {
            text: before for text, before in texts.items() if before
        }
        texts = reached
