"""Wishes for an end in twelve languages, beside what people answer and what only sounds like one.

Every second line of a list was not looked at while the rules were written; the goals hold for all of them.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import pytest
import yaml

from tests.unit.routing.cast import SHARED_RULES, a_keyword, a_table, route
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.types import Decision, RouteOutcome

CORPORA: Final = Path(__file__).parent / "opt_outs"
LANGUAGES: Final = sorted(path.stem for path in CORPORA.glob("*.yaml"))


class Line(NamedTuple):
    """A text and how it was decided on a number of its language."""

    text: str
    decision: Decision

    @property
    def is_opt_out(self) -> bool:
        return self.decision.outcome is RouteOutcome.OPT_OUT

    @property
    def is_marked(self) -> bool:
        return "opt_out_intent" in self.decision.details


def lines(kind: str, *languages: str) -> list[Line]:
    found = []
    for language in languages:
        listed = yaml.load((CORPORA / f"{language}.yaml").read_text(encoding="utf-8"), yaml.CBaseLoader)
        found += [Line(text, decide(text, language)) for text in listed[kind]]
    return found


@cache
def decide(text: str, language: str) -> Decision:
    """On the number 12345, which has this language and no keywords."""
    table = RoutingTable.build([replace(SHARED_RULES, languages=(language,))], [])
    return route(table, text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_corpus_is_large_enough_to_mean_something(language: str) -> None:
    assert len(lines("requests", language)) >= 10
    assert len(lines("replies", language)) >= 40


def test_plain_requests_opt_out() -> None:
    requests = lines("requests", *LANGUAGES)

    assert sum(line.is_opt_out for line in requests) >= 0.95 * len(requests)


def test_what_is_not_understood_is_mostly_marked_for_review() -> None:
    missed = [line for line in lines("requests", *LANGUAGES) if not line.is_opt_out]

    assert sum(line.is_marked for line in missed) >= 0.8 * len(missed)


def test_no_ordinary_reply_and_no_near_miss_opts_out() -> None:
    assert not [line.text for kind in ("replies", "near") for line in lines(kind, *LANGUAGES) if line.is_opt_out]


def test_few_ordinary_replies_are_marked() -> None:
    replies = lines("replies", *LANGUAGES)

    assert sum(line.is_marked for line in replies) <= 0.02 * len(replies)


@pytest.mark.parametrize(
    "text", ["STPO", "STTOP", "SOTP", "tsop", "stop 12345", "STOP to 12345", "stop PIZA", "unsubcribe"]
)
def test_stop_misspelt_or_with_the_number_or_a_name_behind_it_opts_out(text: str) -> None:
    assert decide(text, "en").outcome is RouteOutcome.OPT_OUT


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Stop kidding", "en"),
        ("stop 99999", "en"),
        ("Baja California", "es"),
        ("Arrêt Gambetta", "fr"),
        ("sair sábado?", "pt"),
        ("стоп-кран", "ru"),
        ("how do I unsubscribe?", "en"),
        ("why do you keep texting me", "en"),
    ],
)
def test_what_may_be_meant_is_only_marked(text: str, language: str) -> None:
    decision = decide(text, language)

    assert (decision.outcome, "opt_out_intent" in decision.details) == (RouteOutcome.DEFAULT, True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_is_answered_in_its_language(language: str) -> None:
    answered = {line.decision.language for line in lines("requests", language) if line.is_opt_out}

    assert answered <= {language, "en"}
    assert language in answered


def test_behind_a_keyword_a_wish_is_its_text_and_marked() -> None:
    table = a_table(a_keyword("PIZZA"))

    decision = route(table, "pizza please unsubscribe me from your list")

    assert (decision.rule, "opt_out_intent" in decision.details) == ("keyword", True)


def test_a_wish_beyond_the_first_words_is_read() -> None:
    text = "hello there dear sir or madam, could you please now stop sending me messages"

    assert decide(text, "en").outcome is RouteOutcome.OPT_OUT
