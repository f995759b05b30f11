"""The word lists: there for every language, with their source, and disjoint where they must be."""

from importlib.resources import files

import pytest

from twoway_router.routing.text import fold
from twoway_router.routing.words import (
    all_languages,
    answers,
    common_words,
    primary,
    vocabulary,
    words_of_all_languages,
)

DATA = files("twoway_router.routing") / "data"
COMMON = sorted(entry.name for entry in (DATA / "common").iterdir())


@pytest.mark.parametrize("language", all_languages())
def test_every_language_names_the_source_of_its_reserved_words(language: str) -> None:
    text = (DATA / "reserved" / f"{language}.yaml").read_text(encoding="utf-8")

    assert text.startswith("# ")
    assert "Source:" in text.split("\nopt_out:")[0]


@pytest.mark.parametrize("language", all_languages())
def test_every_language_has_words_for_yes_and_no_that_differ(language: str) -> None:
    yes, no = answers("yes_words", language), answers("no_words", language)

    assert yes
    assert no
    assert not yes & no


@pytest.mark.parametrize(("kind", "source"), [("chat", "own list"), ("profanity", "CC BY 4.0")])
def test_every_other_list_names_its_source_and_licence(kind: str, source: str) -> None:
    heads = [entry.read_text(encoding="utf-8")[:500] for entry in (DATA / kind).iterdir()]

    assert len(heads) >= 12
    assert all(source in head for head in heads)


@pytest.mark.parametrize("name", COMMON)
def test_every_list_of_common_words_names_its_source_and_licence(name: str) -> None:
    head = (DATA / "common" / name).read_text(encoding="utf-8")[:400]

    assert "wordfreq" in head
    assert "CC BY-SA 4.0" in head


@pytest.mark.parametrize("name", COMMON)
def test_every_list_of_common_words_is_full(name: str) -> None:
    assert len(common_words(name.removesuffix(".txt"))) > 1_000


def test_there_are_many_languages() -> None:
    assert (len(all_languages()), len(COMMON)) >= (30, 12)


def test_no_word_that_always_opts_out_also_helps_or_starts() -> None:
    stops = words_of_all_languages("opt_out").keys()

    assert not stops & (words_of_all_languages("help").keys() | words_of_all_languages("start").keys())


def test_every_reserved_word_stays_itself_when_folded() -> None:
    words = {
        key: word.word for kind in ("opt_out", "help", "start") for key, word in words_of_all_languages(kind).items()
    }

    assert {fold(word).key for word in words.values()} <= words.keys()


@pytest.mark.parametrize(("tag", "name"), [("pt-BR", "pt"), ("nb", "no"), ("SR_latn", "hr"), ("zh-Hant-TW", "zh")])
def test_language_tags_lead_to_their_list(tag: str, name: str) -> None:
    assert primary(tag) == name


def test_english_always_counts() -> None:
    assert {"help", "ayuda"} <= vocabulary(("es",)).help.keys()


def test_an_unknown_language_has_no_words_of_its_own() -> None:
    assert vocabulary(("tlh",)).help == vocabulary(("en",)).help


@pytest.mark.parametrize("kind", ["opt_out", "opt_out_unless_asked", "opt_out_leads"])
def test_no_word_for_no_is_an_opt_out_in_any_language(kind: str) -> None:
    assert not words_of_all_languages(kind).keys() & words_of_all_languages("no_words").keys()


@pytest.mark.parametrize(
    ("languages", "word"),
    [(("it", "en"), "fine"), (("fr",), "dur"), (("es",), "basta"), (("pt",), "td"), (("pt",), "baixa")],
)
def test_an_opt_out_word_is_none_where_another_language_of_the_number_says_it(
    languages: tuple[str, ...], word: str
) -> None:
    words = vocabulary(languages)

    assert word not in words.opt_out.keys() | words.opt_out_unless_asked.keys() | words.foreign.keys()


@pytest.mark.parametrize(
    ("languages", "word", "language"),
    [
        (("it",), "stop", "it"),
        (("th",), "stop", "th"),
        (("es",), "unsubscribe", "en"),
        (("sv",), "stopp", "sv"),
        (("en",), "stopp", "en"),
        (("sl", "hr"), "odjava", "sl"),
        (("fr",), "odjava", "fr"),
        (("es",), "退订", "zh"),
    ],
)
def test_an_opt_out_is_answered_in_the_language_of_its_word_or_of_the_number(
    languages: tuple[str, ...], word: str, language: str
) -> None:
    assert vocabulary(languages).opt_out[word].language == language
