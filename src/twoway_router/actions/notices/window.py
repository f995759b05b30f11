"""What a keyword answers instead of its actions: before and after its window, when it is sold out or nobody's."""

from typing import Literal

from twoway_router.actions.context import PlannedAction, RunMessage
from twoway_router.actions.notices.notice import NoticeSpec, facts_of, send
from twoway_router.numbers.default_texts import RELEASED, default_text, own_text
from twoway_router.templates.liquid import render


def plan_closed(
    message: RunMessage, name: Literal["too_early", "too_late", "sold_out"], source: str | None
) -> tuple[PlannedAction, ...]:
    """The keyword's own text (``source``), else the number's for all keywords, else nothing."""
    if source:
        return _say(render(source, message.variables()))
    return _say(own_text(message.number.texts, name, message.number.languages, facts_of(message)))


def plan_released(message: RunMessage, *, is_released: bool) -> tuple[PlannedAction, ...]:
    """Nobody holds the word (``is_released``), or its tenant has suspended it: then only the number's own text is said."""
    number = message.number
    text = own_text(number.texts, "released", number.languages)
    if text is None and is_released:
        text = default_text(RELEASED, number.languages, number.address)
    return _say(text)


def _say(text: str | None) -> tuple[PlannedAction, ...]:
    return (PlannedAction(kind="window", run=send, spec=NoticeSpec(kind="window", text=text)),) if text else ()
