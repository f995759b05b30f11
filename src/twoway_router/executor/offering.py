"""What the number itself asks when it does not know who is meant, and who still gets a place. Called by ``planning``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from twoway_router.actions.context import RunMessage
from twoway_router.actions.notice import NoticeSpec
from twoway_router.actions.offers import MOST_CHOICES, OfferSpec, talk_of
from twoway_router.contexts.rules import OFFER_LIFETIME, Question
from twoway_router.domain.ids import TenantId
from twoway_router.executor.plans import PlannedAction, plan_courtesy, plan_notice
from twoway_router.executor.queries import KeywordRow, TenantRow, list_keywords, take_places
from twoway_router.inbound.queries.runs import WaitingMessage
from twoway_router.numbers.default_texts import CHOOSE, DID_YOU_MEAN, language_of, own_text
from twoway_router.store import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A tenant that may be meant, and the context that it would be for."""

    tenant_id: TenantId
    name: str
    context_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """A keyword that may have been meant."""

    tenant_id: TenantId
    keyword_id: UUID
    revision: int
    word: str


def plan_choose(message: RunMessage, choices: Sequence[Choice]) -> tuple[PlannedAction, ...]:
    """Ask by numbers which tenant is meant: one question for each, that only its number answers."""
    offered = list(enumerate(choices[:MOST_CHOICES], start=1))
    language = language_of(CHOOSE, message.number.languages)
    listed = ", ".join(f"{number} = {choice.name}" for number, choice in offered)
    questions = tuple(
        replace(
            _question(message, choice.tenant_id, "choose", "choice"),
            choices=(str(number),),
            target_id=choice.context_id,
        )
        for number, choice in offered
    )
    own = own_text(
        message.number.texts, "choose", message.number.languages, {"choices": listed, "number": message.number.address}
    )
    text = own or CHOOSE[language].format(choices=listed)
    return (PlannedAction(kind="choose", spec=OfferSpec(kind="choose", text=text, questions=questions)),)


def plan_did_you_mean(message: RunMessage, suggestion: Suggestion) -> tuple[PlannedAction, ...]:
    """The courtesy reply, with the word that may have been meant."""
    language = language_of(DID_YOU_MEAN, message.number.languages)
    courtesy = [step.spec.text for step in plan_courtesy(message.number) if isinstance(step.spec, NoticeSpec)]
    facts = {"word": suggestion.word, "number": message.number.address}
    own = own_text(message.number.texts, "did_you_mean", message.number.languages, facts)
    text = " ".join([*courtesy, own or DID_YOU_MEAN[language].format(word=suggestion.word)])
    question = replace(
        _question(message, suggestion.tenant_id, "did_you_mean", "yes_no"),
        language=language,
        keyword_id=suggestion.keyword_id,
        keyword_revision=suggestion.revision,
    )
    return (PlannedAction(kind="did_you_mean", spec=OfferSpec(kind="courtesy", text=text, questions=(question,))),)


def _question(message: RunMessage, tenant_id: TenantId, origin: str, expected: str) -> Question:
    return Question(
        talk=talk_of(message),
        tenant_id=tenant_id,
        origin=origin,
        expected=expected,
        lifetime=OFFER_LIFETIME,
        inbound_message_id=message.id,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimant:
    """A message of a keyword with a limit."""

    message_id: UUID
    keyword_id: UUID
    limit: int


def asked_tenants(waiting: Sequence[WaitingMessage]) -> set[UUID]:
    """The tenants between which senders are to choose."""
    return {UUID(choice["tenant_id"]) for each in waiting for choice in _asks(each)}


async def list_suggested(session: Session, waiting: Sequence[WaitingMessage]) -> Mapping[UUID, KeywordRow]:
    """The keywords that misspelt messages may mean, if they are still active."""
    wanted = {UUID(str(found)) for each in waiting if (found := each.details.get("suggestion"))}
    return {row.id: row for row in await list_keywords(session, wanted) if row.is_active} if wanted else {}


def plan_number(
    waiting: WaitingMessage,
    message: RunMessage,
    tenants: Mapping[UUID, TenantRow],
    suggested: Mapping[UUID, KeywordRow],
) -> Sequence[PlannedAction]:
    """What the number answers or asks itself."""
    choices = [
        Choice(tenant_id=TenantId(tenant.id), name=tenant.name, context_id=UUID(choice["context_id"]))
        for choice in _asks(waiting)
        if (tenant := tenants.get(UUID(choice["tenant_id"]))) and tenant.is_active
    ]
    if choices:
        return plan_choose(message, choices)
    keyword = suggested.get(UUID(str(waiting.details["suggestion"]))) if waiting.details.get("suggestion") else None
    if waiting.route == "default" and keyword is not None and message.number.owner is None:
        suggestion = Suggestion(
            tenant_id=TenantId(keyword.tenant_id), keyword_id=keyword.id, revision=keyword.revision, word=keyword.word
        )
        return plan_did_you_mean(message, suggestion)
    return plan_notice(message)


async def find_sold_out(session: Session, claimants: Sequence[Claimant]) -> set[UUID]:
    """Those for whom no place is left, in the order of the messages; everybody else has got one."""
    by_keyword: dict[UUID, list[Claimant]] = {}
    for each in claimants:
        by_keyword.setdefault(each.keyword_id, []).append(each)
    if not by_keyword:
        return set()
    wanted = {keyword_id: (len(group), group[0].limit) for keyword_id, group in by_keyword.items()}
    granted = await take_places(session, wanted)
    return {each.message_id for keyword_id, group in by_keyword.items() for each in group[granted[keyword_id] :]}


def _asks(waiting: WaitingMessage) -> Sequence[Mapping[str, Any]]:
    return waiting.details.get("asks", ()) if waiting.route == "none" else ()
