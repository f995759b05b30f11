"""Which actions a routed message runs: those of its keyword's revision, or what its number answers. Pure.

Called by ``executor``; the actions run by ``steps``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from twoway_router.actions.conditions import Condition
from twoway_router.actions.context import RunMessage, RunNumber
from twoway_router.actions.notice import NoticeKind, NoticeSpec
from twoway_router.actions.specs import (
    ActionSpec,
    AskSpec,
    IssueCouponSpec,
    ReplySpec,
    SendEmailSpec,
    answer_key,
    names_of,
)
from twoway_router.keywords.definitions import KeywordDefinition
from twoway_router.numbers.default_texts import (
    COURTESY,
    FALLBACK,
    HELP,
    OPT_IN,
    OPT_IN_KEYWORD,
    OPT_OUT,
    OPT_OUT_KEYWORD,
    RELEASED,
    default_text,
    own_text,
)
from twoway_router.routing.types import WindowState
from twoway_router.templates.liquid import render, variables_of


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedAction:
    """One step. ``names`` are what later steps call its values by; without those it ``needs`` it is skipped."""

    kind: str
    spec: ActionSpec | NoticeSpec
    names: tuple[str, ...] = ()
    condition: Condition | None = None
    needs: frozenset[str] = frozenset()


def plan_keyword(definition: KeywordDefinition, sub_keyword: str | None) -> tuple[PlannedAction, ...]:
    """The steps of a keyword, or of one of its sub-keywords."""
    return _steps(actions_of(definition, sub_keyword))


def actions_of(definition: KeywordDefinition, sub_keyword: str | None) -> Sequence[ActionSpec]:
    """What a keyword, or one of its sub-keywords, is configured to do."""
    if sub_keyword is None:
        return definition.actions
    return next((each.actions for each in definition.sub_keywords if each.word == sub_keyword), definition.actions)


def plan_answer(
    definition: KeywordDefinition, sub_keyword: str | None, ordinal: int | None, answer: str
) -> tuple[PlannedAction, ...]:
    """The steps for an answer to the question that this keyword's ``ordinal``-th action asked."""
    actions = actions_of(definition, sub_keyword)
    if ordinal is None or ordinal >= len(actions):
        return ()
    question = actions[ordinal]
    if not isinstance(question, AskSpec):
        return ()
    key = answer_key(question, answer)
    return _steps(question.on_answer[key]) if key is not None else ()


def _steps(actions: Sequence[ActionSpec]) -> tuple[PlannedAction, ...]:
    givers = frozenset(name for action in actions if isinstance(action, IssueCouponSpec) for name in names_of(action))
    return tuple(
        PlannedAction(
            kind=action.kind,
            spec=action,
            names=names_of(action),
            condition=action.condition,
            needs=_reads(action) & givers,
        )
        for action in actions
    )


def plan_window(definition: KeywordDefinition, window: WindowState, message: RunMessage) -> tuple[PlannedAction, ...]:
    """What a keyword answers outside its activity window, or while nobody holds it."""
    if window not in (WindowState.TOO_EARLY, WindowState.TOO_LATE):
        text = own_text(message.number.texts, "released", message.number.languages)
        if text is None and window is WindowState.RELEASED:
            text = default_text(RELEASED, message.number.languages, message.number.address)
        return (_notice("window", text),) if text else ()
    if window is WindowState.TOO_EARLY:
        return _about_keyword("too_early", definition.too_early_text, message)
    return _about_keyword("too_late", definition.too_late_text, message)


def plan_sold_out(definition: KeywordDefinition, message: RunMessage) -> tuple[PlannedAction, ...]:
    """What a keyword answers when all its places are taken."""
    return _about_keyword("sold_out", definition.sold_out_text, message)


def _about_keyword(name: str, source: str | None, message: RunMessage) -> tuple[PlannedAction, ...]:
    """The keyword's own text, else the number's for all keywords, else nothing."""
    if source:
        return (_notice("window", render(source, message.variables())),)
    text = own_text(message.number.texts, name, message.number.languages, _facts(message))
    return (_notice("window", text),) if text else ()


def _facts(message: RunMessage) -> Mapping[str, object]:
    return {"tenant": message.tenant_name, "word": message.word, "number": message.number.address}


def plan_notice(message: RunMessage) -> tuple[PlannedAction, ...]:
    """What the number itself answers to reserved words and to what fits no keyword."""
    number, languages = message.number, _languages(message)
    if message.route in _BY_KEYWORD and message.keyword_id is not None and number.owner is None:
        kind, sentences = _BY_KEYWORD[message.route]
        own = own_text(number.texts, f"{kind}_keyword", languages, _facts(message))
        plain = {"tenant": message.tenant_name, "word": message.word}
        return (_notice(kind, own or default_text(sentences, languages, number.address, **plain)),)
    if message.route == "default":
        return plan_courtesy(number)
    if message.route not in _WHOLE:
        return ()
    kind, sentences = _WHOLE[message.route]
    own = own_text(number.texts, kind, languages)
    return (_notice(kind, own or default_text(sentences, languages, number.address)),)


def _languages(message: RunMessage) -> Sequence[str]:
    """The sender's language, if the word tells: STOP and HELP are understood everywhere and tell nothing."""
    own = message.number.languages
    return own if message.language in ("", FALLBACK) else (message.language, *own)


_WHOLE: Final[Mapping[str, tuple[NoticeKind, Mapping[str, str]]]] = {
    "opt_out": ("opt_out", OPT_OUT),
    "opt_in": ("opt_in", OPT_IN),
    "help": ("help", HELP),
}
_BY_KEYWORD: Final[Mapping[str, tuple[NoticeKind, Mapping[str, str]]]] = {
    "opt_out": ("opt_out", OPT_OUT_KEYWORD),
    "opt_in": ("opt_in", OPT_IN_KEYWORD),
}
"""STOP and START with a keyword on a shared number are about its tenant only, and say so."""


def plan_courtesy(number: RunNumber) -> tuple[PlannedAction, ...]:
    """A dedicated number answers an unknown word only if its owner wrote a text; a shared one always does."""
    text = own_text(number.texts, "courtesy", number.languages)
    if text is None and number.owner is None:
        text = default_text(COURTESY, number.languages, number.address)
    return (_notice("courtesy", text),) if text else ()


def _notice(kind: NoticeKind, text: str) -> PlannedAction:
    return PlannedAction(kind=kind, spec=NoticeSpec(kind=kind, text=text))


def _reads(action: ActionSpec) -> frozenset[str]:
    """The first parts of the variables that an action's templates name."""
    sources: Sequence[str] = ()
    if isinstance(action, ReplySpec | AskSpec):
        sources = (action.text,)
    elif isinstance(action, SendEmailSpec):
        sources = (action.subject, action.text)
    return frozenset(name.partition(".")[0] for source in sources for name in variables_of(source))
