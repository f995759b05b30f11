"""What a number answers itself: a text of its own, sent as an MT of the number. Each sort of notice has a file beside this."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from twoway_router.actions.context import Run, RunContext, RunMessage
from twoway_router.actions.reply import outcome_of, queue
from twoway_router.domain.messages import UnknownPolicy
from twoway_router.domain.outcomes import Done, Outcome
from twoway_router.mts.service import MtDraft
from twoway_router.numbers.default_texts import FALLBACK, default_text, own_text
from twoway_router.store import Session

NoticeKind = Literal["opt_out", "opt_in", "help", "courtesy", "choose", "window"]


@dataclass(frozen=True, kw_only=True, slots=True)
class NoticeSpec:
    """A text ready to be sent. ``kind`` is the origin of its MT."""

    kind: NoticeKind
    text: str


NoticeRun = Run[NoticeSpec]

_CARRIERS_ANSWER: Final = ("opt_out", "opt_in", "help")
"""What some carriers answer themselves, and say so."""


def text_about_number(message: RunMessage, name: str, sentences: Mapping[str, str]) -> str:
    """The operator's own text, else the sentence in the sender's language, as far as the word tells it.

    STOP and HELP are understood everywhere and tell no language.
    """
    number, languages = message.number, _languages(message)
    return own_text(number.texts, name, languages) or default_text(sentences, languages, number.address)


def text_about_keyword(message: RunMessage, name: str, sentences: Mapping[str, str]) -> str:
    """The same about one tenant's keyword, which it names."""
    number, languages = message.number, _languages(message)
    return own_text(number.texts, name, languages, facts_of(message)) or default_text(
        sentences, languages, number.address, tenant=message.tenant_name, word=message.word
    )


def facts_of(message: RunMessage) -> Mapping[str, object]:
    """What an operator's own text about a keyword may name."""
    return {"tenant": message.tenant_name, "word": message.word, "number": message.number.address}


def is_about_keyword(message: RunMessage) -> bool:
    """STOP and START with a keyword on a shared number are about its tenant only, and their answers say so."""
    return message.keyword_id is not None and message.number.owner is None


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
    drafts = [_draft(each) for each in runs if each.message.id not in why]
    queued = iter(await queue(session, drafts, context))
    return [Done(detail=why[each.message.id]) if each.message.id in why else outcome_of(next(queued)) for each in runs]


def _draft(each: NoticeRun) -> MtDraft:
    message, kind = each.message, each.spec.kind
    return MtDraft(
        id=each.mt_id,
        tenant_id=message.tenant_id,
        number_id=message.number.id,
        recipient=message.sender,
        text=each.spec.text,
        origin=kind,
        key=each.key,
        reply_token=message.reply_token,
        policy=None if kind in ("help", "window") else UnknownPolicy.AT_MOST_ONCE,
    )


def _languages(message: RunMessage) -> Sequence[str]:
    own = message.number.languages
    return own if message.language in ("", FALLBACK) else (message.language, *own)
