"""What other systems are known to get wrong, each with the text that shows it."""

import pytest

from tests.unit.routing.cast import GYM, OTHER, PIZZERIA, RADIO, SHARED, a_keyword, a_question, a_table, route
from twoway_router.domain.ids import TenantId
from twoway_router.routing.claims import Claim, VerdictKind, judge_claim
from twoway_router.routing.types import RouteOutcome

TABLE = a_table(
    a_keyword("PIZZA"),
    a_keyword("ZUMBA", GYM),
    a_keyword("ZUMBALATINA", RADIO),
    a_keyword("CAFÉNETA", RADIO),
    a_keyword("DENNYS", GYM),
    a_keyword("BOPIS", RADIO),
    a_keyword("SUPERZAP", GYM),
    a_keyword("C++CURSO", RADIO),
    a_keyword("50%OFF", GYM),
    a_keyword("قهوتي", GYM),
)


@pytest.mark.parametrize(
    ("text", "tenant_id"),
    [
        pytest.param("zumbas", None, id="kannel: a keyword has no right edge"),
        pytest.param("zumbalatina", RADIO, id="kannel: the first in the list wins over the longer"),
        pytest.param("cafÉneta", RADIO, id="kannel: case is folded byte by byte"),
        pytest.param("cccurso", None, id="kannel: a keyword is a pattern"),
        pytest.param("pizza uno dos tres cuatro", PIZZERIA, id="kannel: the number of words decides"),
        pytest.param("50%off", GYM, id="playsms: what registration strips is not stripped from messages"),
        pytest.param("PIZZA!", PIZZERIA, id="playsms: one space is the only separator"),
        pytest.param("'PIZZA'", PIZZERIA, id="rapidpro: straight quotes stay"),
        pytest.param("pizza ", PIZZERIA, id="rapidsms: a space at the end"),
        pytest.param("pizza\n--\nAnn", PIZZERIA, id="esendex: a signature hides the keyword"),
        pytest.param("...pizza", PIZZERIA, id="apostello: punctuation before the word"),
        pytest.param("PIZZA  ROMA", PIZZERIA, id="rock: spaces that the phone adds"),
        pytest.param("Denny’s", GYM, id="autocorrect: an apostrophe"),
        pytest.param("bop is", RADIO, id="autocorrect: a word in two"),
        pytest.param("SUPERSUP", None, id="autocorrect: another word"),
        pytest.param("قهوتي", GYM, id="jasmin: UCS-2 read as UTF-8"),
        pytest.param("pizza, zumba", PIZZERIA, id="vumi: every rule that fits gets a copy"),
    ],
)
def test_a_message_reaches_whom_it_means(text: str, tenant_id: TenantId | None) -> None:
    assert route(TABLE, text).tenant_id == tenant_id


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        pytest.param("endless", RouteOutcome.DEFAULT, id="apostello: begins with END"),
        pytest.param(
            "Count me in! We have got to STOP this bill", RouteOutcome.DEFAULT, id="spoke: STOP inside a text"
        ),
        pytest.param("STOP 54321", RouteOutcome.DEFAULT, id="cht: STOP with the number of a thing"),
        pytest.param("STOP PLEASE", RouteOutcome.OPT_OUT, id="twilio: STOP with a courtesy"),
        pytest.param("Stop!", RouteOutcome.OPT_OUT, id="salesforce: STOP before a sign"),
    ],
)
def test_a_stop_is_what_a_reasonable_reader_takes_for_one(text: str, outcome: RouteOutcome) -> None:
    assert route(TABLE, text).outcome is outcome


@pytest.mark.parametrize("expected", ["text", "yes_no", "choice"])
def test_no_open_question_swallows_a_stop(expected: str) -> None:
    """RapidPro: a running flow took STOP for an answer."""
    assert route(TABLE, "stop", a_question(GYM, expected)).outcome is RouteOutcome.OPT_OUT


def test_a_rule_of_another_number_never_overrides() -> None:
    """playSMS: the rule without a receiver overrode the one of the receiver."""
    table = a_table(a_keyword("GUITARRA"), a_keyword("GUITARRA", RADIO, OTHER))

    reached = [route(table, "guitarra", number_id=number).tenant_id for number in (SHARED, OTHER)]

    assert reached == [PIZZERIA, RADIO]


def test_a_second_claim_neither_replaces_nor_silences_the_first() -> None:
    """RapidPro archived the rival, AWS and Jasmin overwrote it."""
    claim = Claim(number_id=SHARED, tenant_id=RADIO, spellings=("Pizza",))

    verdict = judge_claim(TABLE, claim)

    assert (verdict.kind, verdict.code) == (VerdictKind.REFUSE, "taken")


def test_what_fits_nobody_is_no_administrator_s() -> None:
    """playSMS gives it to user 1."""
    decision = route(TABLE, "quiero comer algo")

    assert (decision.rule, decision.tenant_id) == ("courtesy", None)
