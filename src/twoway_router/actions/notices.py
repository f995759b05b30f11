"""What a number answers itself: to STOP, START and HELP, to what fits no keyword, and where a keyword does not run.

Planned by ``executor.decide``. ``questions`` has what the number asks.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from twoway_router.actions.context import PlannedAction, Run, RunContext, RunMessage
from twoway_router.actions.reply import outcome_of, queue
from twoway_router.domain.messages import Origin, UnknownPolicy
from twoway_router.domain.outcomes import Done, Outcome
from twoway_router.events.catalogue import SenderOptedOut
from twoway_router.events.news import Departure, Event
from twoway_router.inbound.service import find_repeated_opt_outs, take_courtesies
from twoway_router.mts.service import MtDraft
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
from twoway_router.numbers.rules import RunNumber
from twoway_router.store import Session
from twoway_router.templates.liquid import render

NoticeKind = Literal["opt_out", "opt_in", "help", "courtesy", "choose", "window"]


@dataclass(frozen=True, kw_only=True, slots=True)
class NoticeSpec:
    """A text ready to be sent. ``kind`` is the origin of its MT."""

    kind: NoticeKind
    text: str


NoticeRun = Run[NoticeSpec]

_CARRIERS_ANSWER: Final = ("opt_out", "opt_in", "help")
"""What some carriers answer themselves, and say so."""


def plan_opt_out(message: RunMessage) -> tuple[PlannedAction, ...]:
    """Confirm STOP. It has been in force since the ingress took it."""
    text = _about_keyword(message, "opt_out_keyword", OPT_OUT_KEYWORD) or _about_number(message, "opt_out", OPT_OUT)
    return (PlannedAction(kind="opt_out", run=_run_opt_out, spec=NoticeSpec(kind="opt_out", text=text)),)


async def _run_opt_out(session: Session, runs: Sequence[NoticeRun], context: RunContext) -> Sequence[Outcome]:
    """Confirm an opt-out, once: a second STOP in a row is obeyed in silence. The suppression exists already."""
    repeated = await find_repeated_opt_outs(session, [each.message.id for each in runs])
    for each in runs:
        message = each.message
        if message.id in repeated:
            continue
        if message.tenant_id is None:
            context.left.append(Departure(number_id=message.number.id, msisdn=message.sender, key=each.key))
        else:
            data = SenderOptedOut(inbound_message_id=message.id, number=message.number.address, sender=message.sender)
            context.events.append(Event(tenant_id=message.tenant_id, type="sender.opted_out", data=data, key=each.key))
    return await send(session, runs, context, silent=repeated, reason="confirmed_before")


def plan_opt_in(message: RunMessage) -> tuple[PlannedAction, ...]:
    """Confirm START."""
    text = _about_keyword(message, "opt_in_keyword", OPT_IN_KEYWORD) or _about_number(message, "opt_in", OPT_IN)
    return (PlannedAction(kind="opt_in", run=_run_opt_in, spec=NoticeSpec(kind="opt_in", text=text)),)


async def _run_opt_in(session: Session, runs: Sequence[NoticeRun], context: RunContext) -> Sequence[Outcome]:
    """Confirm a START that has lifted something. What it lifts was lifted when it came in."""
    silent = {each.message.id for each in runs if not each.message.has_restored}
    return await send(session, runs, context, silent=silent, reason="was_not_suppressed")


def plan_help(message: RunMessage) -> tuple[PlannedAction, ...]:
    """Answer HELP: what the number is and how to leave it."""
    text = _about_number(message, "help", HELP)
    return (PlannedAction(kind="help", run=send, spec=NoticeSpec(kind="help", text=text)),)


def plan_courtesy(message: RunMessage) -> tuple[PlannedAction, ...]:
    """Answer a text that fits no keyword."""
    text = courtesy_text(message.number)
    return (
        (PlannedAction(kind="courtesy", run=run_courtesy, spec=NoticeSpec(kind="courtesy", text=text)),) if text else ()
    )


def courtesy_text(number: RunNumber) -> str | None:
    """A dedicated number answers an unknown word only if its owner wrote a text; a shared one always does."""
    text = own_text(number.texts, "courtesy", number.languages)
    if text is None and number.owner is None:
        return default_text(COURTESY, number.languages, number.address)
    return text


async def run_courtesy(session: Session, runs: Sequence[NoticeRun], context: RunContext) -> Sequence[Outcome]:
    """At most one courtesy reply per number, sender and day, by the number's own calendar."""
    days = {each.message.id: each.message.received_at.astimezone(each.message.number.zone).date() for each in runs}
    first = {
        (each.message.number.id, each.message.sender, days[each.message.id]): each.message.id for each in reversed(runs)
    }
    taken = await take_courtesies(session, list(first))
    answered = {message_id for key, message_id in first.items() if key in taken}
    silent = {each.message.id for each in runs} - answered
    return await send(session, runs, context, silent=set(silent), reason="once_a_day")


def plan_closed(
    message: RunMessage, name: Literal["too_early", "too_late", "sold_out"], source: str | None
) -> tuple[PlannedAction, ...]:
    """Outside its window, or sold out: the keyword's own text (``source``), else the number's for all keywords, else nothing."""
    if source:
        return _plan_window(render(source, message.variables()))
    return _plan_window(own_text(message.number.texts, name, message.number.languages, _facts(message)))


def plan_released(message: RunMessage, *, is_released: bool) -> tuple[PlannedAction, ...]:
    """Nobody holds the word (``is_released``), or its tenant has suspended it: then only the number's own text is said."""
    number = message.number
    text = own_text(number.texts, "released", number.languages)
    if text is None and is_released:
        text = default_text(RELEASED, number.languages, number.address)
    return _plan_window(text)


def _plan_window(text: str | None) -> tuple[PlannedAction, ...]:
    return (PlannedAction(kind="window", run=send, spec=NoticeSpec(kind="window", text=text)),) if text else ()


async def send(
    session: Session,
    runs: Sequence[NoticeRun],
    context: RunContext,
    *,
    silent: Set[UUID] = frozenset(),
    reason: str = "",
) -> Sequence[Outcome]:
    """Queue the texts but those of the ``silent``, for that ``reason``, and those that the carrier has answered itself."""
    why = {
        each.message.id: "carrier_replied"
        for each in runs
        if each.message.carrier_replied and each.spec.kind in _CARRIERS_ANSWER
    } | dict.fromkeys(silent, reason)
    drafts = [
        MtDraft(
            id=each.mt_id,
            tenant_id=each.message.tenant_id,
            number_id=each.message.number.id,
            recipient=each.message.sender,
            text=each.spec.text,
            origin=Origin(each.spec.kind),
            key=each.key,
            reply_token=each.message.reply_token,
            policy=None if each.spec.kind in ("help", "window") else UnknownPolicy.AT_MOST_ONCE,
        )
        for each in runs
        if each.message.id not in why
    ]
    queued = iter(await queue(session, drafts, context))
    return [Done(detail=why[each.message.id]) if each.message.id in why else outcome_of(next(queued)) for each in runs]


def _about_number(message: RunMessage, name: str, sentences: Mapping[str, str]) -> str:
    """The operator's own text, else the sentence in the sender's language."""
    languages = _languages(message)
    own = own_text(message.number.texts, name, languages)
    return own or default_text(sentences, languages, message.number.address)


def _about_keyword(message: RunMessage, name: str, sentences: Mapping[str, str]) -> str | None:
    """STOP and START with a keyword on a shared number are about its tenant only, and their answers say so."""
    if message.keyword_id is None or message.number.owner is not None:
        return None
    languages = _languages(message)
    own = own_text(message.number.texts, name, languages, _facts(message))
    names = {"tenant": message.tenant_name, "word": message.word}
    return own or default_text(sentences, languages, message.number.address, **names)


def _facts(message: RunMessage) -> Mapping[str, object]:
    return {"tenant": message.tenant_name, "word": message.word, "number": message.number.address}


def _languages(message: RunMessage) -> Sequence[str]:
    """The sender's language, if the word shows it: STOP and HELP are common to all languages and show none."""
    own = message.number.languages
    return own if message.language in ("", FALLBACK) else (message.language, *own)
