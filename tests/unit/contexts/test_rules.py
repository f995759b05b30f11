"""What a stored context is to routing."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from twoway_router.contexts.rules import StoredContext, needs_word_choices

AT = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)


def a_context(origin: str = "ask") -> StoredContext:
    return StoredContext(
        id=UUID(int=1),
        number_id=UUID(int=2),
        sender="+393200000001",
        tenant_id=UUID(int=3),
        kind="question",
        origin=origin,
        expected="yes_no",
        choices=[],
        language=None,
        keyword_id=None,
        keyword_revision=None,
        sub_keyword=None,
        ordinal=None,
        inbound_message_id=None,
        target_id=None,
        last_at=AT,
        expires_at=AT + timedelta(minutes=10),
    )


@pytest.mark.parametrize(("seconds", "age"), [(60, 60.0), (0, 0.0), (-2, 0.0)])
def test_a_context_is_never_younger_than_new(seconds: int, age: float) -> None:
    assert a_context().as_context(AT + timedelta(seconds=seconds)).age_seconds == age


@pytest.mark.parametrize(("minutes", "is_live"), [(9, True), (10, False), (11, False)])
def test_a_context_lives_until_it_expires(minutes: int, is_live: bool) -> None:
    context = a_context().as_context(AT + timedelta(minutes=minutes))

    assert (context.age_seconds < context.lifetime_seconds) is is_live


@pytest.mark.parametrize(("origin", "is_asked_by_number"), [("ask", False), ("choose", True), ("did_you_mean", True)])
def test_the_numbers_own_questions_are_offers(origin: str, is_asked_by_number: bool) -> None:
    assert a_context(origin).as_context(AT).is_asked_by_number is is_asked_by_number


@pytest.mark.parametrize(
    ("choices", "language", "needs"),
    [((), None, False), (("1", "2"), None, False), (("BIG",), None, True), ((), "it", False), ((), "de", True)],
)
def test_answers_that_may_be_keywords_are_known_beforehand(
    choices: tuple[str, ...], language: str | None, needs: bool
) -> None:
    assert needs_word_choices(("it",), choices, language) is needs
