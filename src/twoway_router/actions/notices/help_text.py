"""The answer to HELP. Always given, unless the carrier has answered."""

from twoway_router.actions.context import PlannedAction, RunMessage
from twoway_router.actions.notices.notice import NoticeSpec, send, text_about_number
from twoway_router.numbers.default_texts import HELP


def plan_help(message: RunMessage) -> tuple[PlannedAction, ...]:
    """Say what the number is and how to leave it."""
    text = text_about_number(message, "help", HELP)
    return (PlannedAction(kind="help", run=send, spec=NoticeSpec(kind="help", text=text)),)
