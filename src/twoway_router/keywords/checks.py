"""What of a keyword's definition is not acceptable, field by field. Called by the API before anything is stored."""

from collections.abc import Iterator, Sequence

from twoway_router.actions.checks import check_actions, check_text
from twoway_router.domain.errors import FieldError
from twoway_router.keywords.definitions import KeywordDefinition
from twoway_router.routing.text import fold
from twoway_router.routing.types import MatchMode


def check_definition(definition: KeywordDefinition) -> Sequence[FieldError]:
    """Everything that is wrong; empty when nothing is."""
    return [
        *_check_window(definition),
        *_check_sub_keywords(definition),
        *check_text(definition.too_early_text, "/too_early_text"),
        *check_text(definition.too_late_text, "/too_late_text"),
        *check_text(definition.sold_out_text, "/sold_out_text"),
        *check_actions(definition.actions, "/actions"),
        *(
            error
            for place, sub in enumerate(definition.sub_keywords)
            for error in check_actions(sub.actions, f"/sub_keywords/{place}/actions")
        ),
    ]


def _check_window(definition: KeywordDefinition) -> Iterator[FieldError]:
    start, end = definition.active_from, definition.active_until
    if start is not None and end is not None and start >= end:
        yield FieldError(pointer="/active_until", detail="The window must end after it begins.")
    if start is not None and definition.expires_at is not None and definition.expires_at <= start:
        yield FieldError(pointer="/expires_at", detail="It would be given back before its window begins.")
    if definition.is_whole_message and definition.match is not MatchMode.START:
        yield FieldError(pointer="/match", detail="What is only a whole message stands nowhere inside a text.")
    if (definition.limit is None) != (definition.sold_out_text is None):
        yield FieldError(pointer="/sold_out_text", detail="A limit and what is answered beyond it go together.")


def _check_sub_keywords(definition: KeywordDefinition) -> Iterator[FieldError]:
    seen: dict[str, int] = {}
    for place, sub in enumerate(definition.sub_keywords):
        for text in (sub.word, *sub.aliases):
            key = fold(text).key
            if not key:
                yield FieldError(pointer=f"/sub_keywords/{place}/word", detail=f"{text!r} has no letter or digit.")
            elif seen.setdefault(key, place) != place:
                yield FieldError(
                    pointer=f"/sub_keywords/{place}/word", detail=f"{text!r} is another sub-keyword's already."
                )
