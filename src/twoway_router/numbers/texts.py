"""What a number says itself, as its operator writes it. Part of ``schemas``; sent by ``actions``.

A text is one for all, or one per language: the sender's is taken if a word shows it, else the first of the number's.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from twoway_router.templates.liquid import TemplateError, check_template, variables_of
from twoway_router.web.schemas import Body

LONGEST: Final = 1600
MOST_LANGUAGES: Final = 10
_LANGUAGE: Final = r"^[a-z]{2,3}$"
_TEXT_SCHEMA: Final = {"type": "string", "minLength": 1, "maxLength": LONGEST}


def _sound(text: str | dict[str, str]) -> str | dict[str, str]:
    """One text, or one per language."""
    texts = {"en": text} if isinstance(text, str) else text
    if not 0 < len(texts) <= MOST_LANGUAGES or not all(re.match(_LANGUAGE, language) for language in texts):
        raise ValueError(f"Texts are written in one to {MOST_LANGUAGES} languages, by their codes such as en")
    if not all(0 < len(each) <= LONGEST for each in texts.values()):
        raise ValueError(f"A text has 1 to {LONGEST} characters")
    return text


Language = Annotated[str, Field(pattern=_LANGUAGE)]
OwnText = Annotated[
    str | dict[str, str],
    AfterValidator(_sound),
    WithJsonSchema(
        {
            "anyOf": [
                _TEXT_SCHEMA,
                {
                    "type": "object",
                    "additionalProperties": _TEXT_SCHEMA,
                    "propertyNames": {"pattern": _LANGUAGE},
                    "minProperties": 1,
                    "maxProperties": MOST_LANGUAGES,
                },
            ]
        }
    ),
]

VARIABLES: Final[Mapping[str, frozenset[str]]] = {
    "opt_out_keyword": frozenset({"number", "tenant", "word"}),
    "opt_in_keyword": frozenset({"number", "tenant", "word"}),
    "choose": frozenset({"number", "choices"}),
    "did_you_mean": frozenset({"number", "word"}),
    "too_early": frozenset({"number", "tenant", "word"}),
    "too_late": frozenset({"number", "tenant", "word"}),
    "sold_out": frozenset({"number", "tenant", "word"}),
}
"""The texts that are templates, and what they may name. The others are sent as they stand."""

_NEEDED: Final[Mapping[str, str]] = {"choose": "choices", "did_you_mean": "word"}


class NumberTexts(Body):
    """What the number itself says, in its operator's name: one text, or one for each language.

    Left out: a plain sentence in the number's first language; of too early, too late and sold out nothing.
    """

    courtesy: OwnText | None = Field(None, description="No keyword fitted: at most once per sender and day.")
    help: OwnText | None = Field(None, description="Answer to HELP.")
    opt_out: OwnText | None = Field(None, description="Confirms STOP; the last message this person gets.")
    opt_in: OwnText | None = Field(None, description="Confirms START.")
    opt_out_keyword: OwnText | None = Field(
        None, description="Shared numbers: confirms STOP with a keyword. Template with `tenant`, `word`, `number`."
    )
    opt_in_keyword: OwnText | None = Field(None, description="Confirms START with a keyword. Template likewise.")
    choose: OwnText | None = Field(
        None, description="Asks which tenant is meant. Template with `choices` (needed), such as `1 = A, 2 = B`."
    )
    did_you_mean: OwnText | None = Field(
        None, description="Follows the courtesy text where one word may be meant. Template with `word` (needed)."
    )
    too_early: OwnText | None = Field(
        None, description="For keywords without such a text of their own. Template with `tenant`, `word`, `number`."
    )
    too_late: OwnText | None = Field(None, description="Likewise.")
    sold_out: OwnText | None = Field(None, description="Likewise.")
    released: OwnText | None = Field(None, description="The keyword is resting after its tenant gave it up.")

    @model_validator(mode="after")
    def _templates_are_sound(self) -> Self:
        for name, known in VARIABLES.items():
            text = getattr(self, name) or {}
            for source in [text] if isinstance(text, str) else text.values():
                try:
                    check_template(source, known)
                except TemplateError as error:
                    raise ValueError(f"{name}: {error}") from None
                needed = _NEEDED.get(name)
                if needed is not None and needed not in variables_of(source):
                    raise ValueError(f"{name}: it has to name {{{{ {needed} }}}}")
        return self
