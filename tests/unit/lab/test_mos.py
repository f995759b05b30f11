"""How the lab cuts and shuffles what handsets send."""

from datetime import UTC, datetime

import pytest

from twoway_router.lab.dialects.dialect import Splitting
from twoway_router.lab.mos import Copies, Disorder, Mo, plan, split

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LONG = "PIZZA " + "\N{SLICE OF PIZZA}" * 90


def an_mo(words: str = LONG) -> Mo:
    return Mo(id="mo-1", sender="+393310000001", recipient="12345", text=words)


def test_octets_are_cut_anywhere_and_whole_again_when_joined() -> None:
    pieces = split(an_mo(f"x{LONG}"), NOON, Splitting.BY_OCTETS)

    assert b"".join(piece.octets for piece in pieces).decode("utf-16-be") == f"x{LONG}"
    assert [piece.part.header[:3] for piece in pieces if piece.part] == [b"\x05\x00\x03"] * len(pieces)
    assert any("\N{REPLACEMENT CHARACTER}" in piece.text for piece in pieces)


def test_characters_are_never_cut_by_a_carrier_that_sends_text() -> None:
    pieces = split(an_mo(f"x{LONG}"), NOON, Splitting.BY_TEXT)

    assert "".join(piece.text for piece in pieces) == f"x{LONG}"
    assert max(len(piece.octets) for piece in pieces) <= 134


@pytest.mark.parametrize(("words", "splitting"), [("PIZZA", Splitting.BY_OCTETS), (LONG, Splitting.JOINED)])
def test_what_fits_or_is_joined_is_one_piece_with_the_mo_s_own_id(words: str, splitting: Splitting) -> None:
    (piece,) = split(an_mo(words), NOON, splitting)

    assert (piece.id, piece.text, piece.part) == ("mo-1", words, None)


def test_a_seed_repeats_its_disorder() -> None:
    disorder = Disorder(seed=3, is_shuffled=True, copies=3, variants=("get", "json"))

    first = plan(an_mo(), NOON, Splitting.BY_TEXT, disorder)
    again = plan(an_mo(), NOON, Splitting.BY_TEXT, disorder)

    assert first == again


@pytest.mark.parametrize(("copies_come", "sizes"), [(Copies.TOGETHER, [2, 2]), (Copies.LATER, [1, 1, 1, 1])])
def test_copies_come_together_or_later(copies_come: Copies, sizes: list[int]) -> None:
    rounds = plan(an_mo("a" * 200), NOON, Splitting.BY_TEXT, Disorder(copies=2, copies_come=copies_come))

    assert [len(pieces) for pieces in rounds] == sizes
