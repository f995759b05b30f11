"""What a tenant configures for a keyword: the document that a revision stores and ``actions`` runs.

Read by the API as part of its bodies (``schemas``), by the executor from revisions, and by rules as code.
"""

from typing import Annotated

from pydantic import Field

from twoway_router.actions.registry import Actions, walk
from twoway_router.actions.spec import ActionBase, Part
from twoway_router.routing.types import MatchMode
from twoway_router.web.schemas import Moment

Word = Annotated[str, Field(min_length=1, max_length=64)]
OwnText = Annotated[str | None, Field(min_length=1, max_length=1600)]


class SubKeywordDefinition(Part):
    """A second word. Its actions run instead of the keyword's own."""

    word: Word = Field(description="As it is shown; matching ignores case, accents and small mistakes.")
    aliases: tuple[Word, ...] = Field((), max_length=20, description="Other spellings of it.")
    actions: Actions = ()


class KeywordDefinition(Part):
    """One immutable revision: all that is needed to run a message that matched it."""

    word: Word = Field(description="As it is shown; matching ignores case, accents and spacing.")
    aliases: tuple[Word, ...] = Field((), max_length=50, description="Other words that lead to the same actions.")
    actions: Actions = Field((), description="What is done with a message, in this order.")
    sub_keywords: tuple[SubKeywordDefinition, ...] = Field(
        (), max_length=100, description="Second words, such as LARGE in PIZZA LARGE."
    )
    active_from: Moment | None = Field(None, description="When it comes into force; left out: at once.")
    active_until: Moment | None = Field(None, description="When it ends; left out: never.")
    expires_at: Moment | None = Field(None, description="When it is given back by itself; left out: never.")
    too_early_text: OwnText = Field(None, description="Answered before `active_from`; left out: what the number says.")
    too_late_text: OwnText = Field(None, description="Answered after `active_until`; left out: what the number says.")
    limit: int | None = Field(
        None,
        ge=1,
        le=100_000_000,
        strict=True,
        description="Only the first so many messages run the actions; see `sold_out_text`.",
    )
    sold_out_text: OwnText = Field(None, description="Answered beyond `limit`; left out: what the number says.")
    match: MatchMode = Field(
        MatchMode.START,
        description="Where the word stands: at the `start` of a text; on dedicated numbers also anywhere in one that nothing"
        " else fits (`contains`), or it takes every such text (`any_word`).",
    )
    is_glued: bool = Field(False, description="Digits may stand right behind the word: VOTE5.")
    is_whole_message: bool = Field(False, description="Nothing but a sub-keyword may follow the word.")

    def actions_of(self, sub_keyword: str | None) -> Actions:
        """What the keyword, or one of its sub-keywords, does."""
        if sub_keyword is None:
            return self.actions
        return next((each.actions for each in self.sub_keywords if each.word == sub_keyword), self.actions)

    def placed_actions(self) -> tuple[tuple[str, ActionBase], ...]:
        """Every action with its JSON pointer, also those of sub-keywords and answers."""
        subs = enumerate(self.sub_keywords)
        return (
            *walk(self.actions, "/actions"),
            *(each for place, sub in subs for each in walk(sub.actions, f"/sub_keywords/{place}/actions")),
        )
