"""Normalisation: what becomes the same, what must not, and that nothing a handset sends can break it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoway_router.routing.characters import TABLE, fold_character
from twoway_router.routing.text import CLUSTERS, HEAD, WORDS, Folded, after, fold, locate

ANY_TEXT = st.text(st.characters(), max_size=80)
WRITTEN = st.text(st.characters(categories=["L", "M", "N", "P", "S", "Zs"]), max_size=16)
FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)} | {0x20: 0x3000}


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("PIZZA", ["pizza"]),
        ("  Pizza,  Roma!", ["pizza", "roma"]),
        ("Denny's", ["dennys"]),
        ("denny´s", ["dennys"]),
        ("denny׳s", ["dennys"]),
        ("l·l", ["ll"]),
        ("ＰＩＺＺＡ", ["pizza"]),
        ("ﬁsch", ["fisch"]),
        ("①②", ["12"]),
        ("x²", ["x2"]),
        ("½", ["1", "2"]),
        ("Ⓟⓘⓩⓩⓐ", ["pizza"]),
        ("𝐏𝐈𝐙𝐙𝐀", ["pizza"]),
        ("ﾋﾟｻﾞ", ["ピ", "ザ"]),
        ("ひらがな", ["ヒ", "ラ", "ガ", "ナ"]),
        ("piz\u200bza\u200d", ["pizza"]),
        ("pi\u00adzza\ufe0f", ["pizza"]),
        ("\u202eabc\u202c", ["abc"]),
        ("Straße", ["strasse"]),
        ("BAÑO", ["bano"]),
        ("Ørsted Łódź đ ı", ["orsted", "lodz", "d", "i"]),
        ("İSTANBUL", ["istanbul"]),
        ("þæœ", ["thaeoe"]),
        ("ёлка", ["елка"]),
        ("йод", ["йод"]),
        ("Ὀδυσσεύς", ["οδυσσευσ"]),
        ("جمعة", ["جمعه"]),
        ("على علی علے", ["علي", "علي", "علي"]),
        ("کتاب", ["كتاب"]),
        ("مـــرحبا", ["مرحبا"]),
        ("שָׁלוֹם", ["שלום"]),
        ("क़लम", ["कलम"]),
        ("हाँ", ["हां"]),
        ("जीत", ["जीत"]),
        ("जित", ["जित"]),
        ("٧ ७ ７ ๗", ["7", "7", "7", "7"]),
        ("2×1", ["2x1"]),
        ("50%OFF", ["50%off"]),
        ("C&A a+ 5€ ¥9 #x @y *z", ["c&a", "a+", "5€", "¥9", "#x", "@y"]),
        ("a_b-c.d/e", ["a", "b", "c", "d", "e"]),
        ("👍🏽ok", ["👍", "ok"]),
        ("1️⃣", ["1"]),
        ("ไทยabc", ["ไ", "ท", "ย", "abc"]),
        ("好的ok", ["好", "的", "ok"]),
        ("\ud83c\udf55", ["🍕"]),
        ("\ud83c pizza", ["pizza"]),
        ("\x00pizza\x00", ["pizza"]),
        ("P\x00I\x00Z\x00Z\x00A\x00", ["pizza"]),
        ("\x00č\x00a\x00j", ["caj"]),
        ("🄿🅸🅩🆉Ⓐ", ["pizza"]),
        ("24/7 24/ /7 y/o 1/2/3", ["24/7", "24", "7", "y", "o", "1/2/3"]),
        ("２４／７", ["24/7"]),
        ("PIZZA+roma+2 a+b c++", ["pizza", "roma", "2", "a+b", "c++"]),
        ("2+1 +5 ok+", ["2+1", "+5", "ok+"]),
        ("", []),
        ("...", []),
    ],
)
def test_a_text_folds_to_these_tokens(text: str, tokens: list[str]) -> None:
    assert fold(text).tokens == tokens


@pytest.mark.parametrize(
    ("one", "other"), [("й", "и"), ("जीत", "जित"), ("ก่", "ก้"), ("が", "か"), ("5€", "5"), ("a+", "a")]
)
def test_what_differs_in_meaning_stays_apart(one: str, other: str) -> None:
    assert fold(one).key != fold(other).key


@pytest.mark.parametrize(
    ("text", "start", "end", "rest"),
    [
        ("PIZZA roma", 0, 5, "roma"),
        ("  «PIZZA»: Roma 5", 3, 8, "Roma 5"),
        ("denny's now", 0, 7, "now"),
        ("ＰＩＺＺＡ　ＲＯＭＡ", 0, 5, "ＲＯＭＡ"),
        ("pi\u200bzza roma", 0, 6, "roma"),
        ("Cafe\u0301 ¿ya?", 0, 5, "¿ya?"),
        ("PIZZA (large)", 0, 5, "(large)"),
        ("ﬁsch & chips", 0, 4, "& chips"),
        ("커피 하나", 0, 2, "하나"),
        (unicodedata.normalize("NFD", "커피 x"), 0, 4, "x"),
        ("PIZZA\n\nroma", 0, 5, "roma"),
        ("PIZZA", 0, 5, ""),
        ("ﾋﾟ x", 0, 2, "x"),
        ("🍕 x", 0, 1, "x"),
        ("PIZZA+roma+due", 0, 5, "roma+due"),
        ("PIZZA +34600000001", 0, 5, "+34600000001"),
        ("a+ +34600000001", 0, 2, "+34600000001"),
        ("24/7 ya", 0, 4, "ya"),
        ("P\x00I\x00Z\x00Z\x00A\x00 \x00y\x00a\x00", 0, 9, "y\x00a\x00"),
        ("🅟🆉 x", 0, 2, "x"),
    ],
)
def test_the_match_is_found_again_in_the_original_text(text: str, start: int, end: int, rest: str) -> None:
    found = locate(text, fold(text).tokens[:1])

    assert (*found, after(text, found[1])) == (start, end, rest)


def test_only_the_head_of_a_text_is_folded() -> None:
    folded = fold("ab " * 500)

    assert (len(folded.tokens), folded.is_long) == (WORDS, True)


@pytest.mark.parametrize("end", ["", " 🍕", " и"])
def test_letters_in_a_row_are_one_word(end: str) -> None:
    folded = fold("F R E E B U R G E R uno dos tres cuatro cinco" + end)

    assert (folded.tokens[9:15], folded.is_long) == (["r", "uno", "dos", "tres", "cuatro", "cinco"], end == " и")


def test_more_than_twelve_letters_in_a_row_are_two_words() -> None:
    folded = fold("a b c d e f g h i j k l m n uno dos tres cuatro cinco")

    assert (len(folded.tokens), folded.tokens[-1], folded.is_long) == (18, "cuatro", True)


@pytest.mark.parametrize("end", ["", "é"])
def test_letters_in_a_row_count_wherever_they_stand(end: str) -> None:
    starts = ("", "uno ", "uno dos ", "uno dos tres ", "uno dos tres cuatro ", "uno dos tres cuatro cinco ")

    counts = [len(fold(f"{start}p i z za uno dos tres cuatro cinco{end}").tokens) for start in starts]

    assert counts == [8] * 6


def test_a_word_cut_at_the_end_of_the_head_is_left_out() -> None:
    folded = fold("pizza " + "x" * HEAD)

    assert (folded.tokens, folded.is_long) == (["pizza"], True)


@pytest.mark.parametrize("tail", ["!" * 200, " " * 1_500, "\u200b" * 200, "…" * 80, "👍" * 80], ids=range(5))
def test_a_long_tail_without_words_leaves_the_message_whole(tail: str) -> None:
    folded = fold("pizza" + tail)

    assert (folded.tokens[0], folded.size, folded.is_long) == ("pizza", 1, False)


def test_a_word_far_behind_the_head_makes_the_message_long() -> None:
    assert fold("pizza" + " " * 100 + "x").is_long


def test_scripts_without_spaces_have_more_tokens() -> None:
    folded = fold("汉" * 1_600)

    assert (len(folded.tokens), folded.is_long) == (CLUSTERS, True)


def test_glued_edges_are_remembered() -> None:
    assert fold("好的 ok好").glued == 0b101


def test_leading_invisibles_do_not_use_up_the_head() -> None:
    assert fold("\u200b\ufeff \n" * 200 + "pizza").tokens == ["pizza"]


def test_the_table_does_not_grow_past_the_second_plane() -> None:
    fold("\U00020000\U0002a6d6\U000e0001\U0010ffff")

    assert max(TABLE) <= 0x1FFFF


@given(WRITTEN)
def test_folding_what_was_folded_changes_nothing(text: str) -> None:
    folded = fold(text)

    again = fold(_joined(folded))

    assert (again.tokens, again.glued) == (folded.tokens, folded.glued)


def _joined(folded: Folded) -> str:
    """The tokens as one text, with spaces where there were some."""
    edges = ["" if folded.glued >> place & 1 else " " for place in range(len(folded.tokens))]
    return "".join(token + edge for token, edge in zip(folded.tokens, edges, strict=True))


@given(WRITTEN)
def test_composed_and_decomposed_texts_fold_alike(text: str) -> None:
    composed, decomposed = (fold(unicodedata.normalize(form, text)).key for form in ("NFC", "NFD"))

    assert composed == decomposed


@given(WRITTEN)
def test_case_makes_no_difference(text: str) -> None:
    assert fold(text.swapcase()).key == fold(text).key


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30))
def test_full_width_makes_no_difference(text: str) -> None:
    assert fold(text.translate(FULL_WIDTH)).tokens == fold(text).tokens


@given(ANY_TEXT)
def test_any_text_can_be_folded_and_located(text: str) -> None:
    folded = fold(text)

    start, end = locate(text, folded.tokens)

    assert 0 <= start <= end <= len(text)


@pytest.mark.parametrize("plane", range(17))
def test_every_code_point_of_a_plane_folds_to_a_fixed_point(plane: int) -> None:
    codes = range(plane << 16, (plane + 1) << 16, 1 if plane in (0, 1) else 61)

    unstable = [code for code in codes if not _is_stable(chr(code))]

    assert unstable == []


def _is_stable(character: str) -> bool:
    folded = fold_character(character).strip(" \x1f")
    again = "".join(fold_character(part) for part in folded).strip(" \x1f").replace("\x1f", "")
    return again == folded.replace("\x1f", "")


@pytest.mark.parametrize("step", [997, 1009])
def test_what_the_table_does_not_keep_folds_as_if_it_did(step: int) -> None:
    codes = [*range(0x20000, 0x110000, step), *range(0x2F800, 0x2FA20), *range(0xDFFF0, 0xE1010)]

    assert [TABLE[code] for code in codes] == [fold_character(chr(code)) for code in codes]
