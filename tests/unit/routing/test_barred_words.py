"""An operator's own list: barred words and names of firms, in any disguise, on shared numbers only."""

import pytest

from tests.unit.routing.cast import GYM, NUMBERS, OWNED, PIZZERIA, SHARED
from twoway_router.domain.ids import NumberId, TenantId
from twoway_router.routing.barred_words import read_barred_words
from twoway_router.routing.claims import Claim, judge_claim
from twoway_router.routing.index import RoutingTable

BARRED_WORDS = read_barred_words(f"""
barred: [RULETA, ÜBERGELD]
brands:
  ACMESPORT: {GYM}
  Nordwind Air: null
""")
TABLE = RoutingTable.build(NUMBERS, (), barred_words=BARRED_WORDS)


def a_verdict(
    word: str, tenant_id: TenantId, *, number_id: NumberId = SHARED, is_override: bool = False
) -> tuple[str, str]:
    claim = Claim(number_id=number_id, tenant_id=tenant_id, spellings=(word,), is_override=is_override)
    verdict = judge_claim(TABLE, claim)
    return verdict.kind.value, verdict.code


@pytest.mark.parametrize(
    ("word", "tenant_id", "verdict"),
    [
        ("RULETA", GYM, ("override_needed", "barred")),
        ("Rulétaaa", GYM, ("override_needed", "barred")),
        ("SUPER RULETA", GYM, ("override_needed", "barred")),
        ("UBERGELD", GYM, ("override_needed", "barred")),
        ("RULETAS", GYM, ("accept", "free")),
        ("ACMESPORT", PIZZERIA, ("override_needed", "brand")),
        ("АCMESPORT", PIZZERIA, ("refuse", "mixed_scripts")),
        ("ACMESP0RT", PIZZERIA, ("override_needed", "brand")),
        ("ACMESPORT MADRID", PIZZERIA, ("override_needed", "brand")),
        ("ACMESPORT", GYM, ("accept", "free")),
        ("NORDWINDAIR", GYM, ("override_needed", "brand")),
        ("NORDWIND", GYM, ("accept", "free")),
    ],
)
def test_words_that_are_kept_back_need_the_operator(word: str, tenant_id: TenantId, verdict: tuple[str, str]) -> None:
    assert a_verdict(word, tenant_id) == verdict


def test_an_operator_may_allow_them() -> None:
    assert a_verdict("RULETA", GYM, is_override=True) == ("warn", "barred")


def test_the_owner_of_a_dedicated_number_needs_nobody() -> None:
    assert a_verdict("RULETA", GYM, number_id=OWNED) == ("accept", "free")


@pytest.mark.parametrize("text", ["", "barred: []", "# nothing yet"])
def test_an_empty_list_keeps_nothing_back(text: str) -> None:
    assert not read_barred_words(text).barred


@pytest.mark.parametrize("text", ["[", "bared: [X]", "brands: {ACME: gym}", "barred: 5"])
def test_a_list_that_cannot_be_understood_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        read_barred_words(text)
