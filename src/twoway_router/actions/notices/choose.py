"""The number asks which tenant is meant. Nothing of the message goes to a tenant before its sender has answered."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from twoway_router.actions.context import PlannedAction, RunContext, RunMessage
from twoway_router.actions.notices.notice import NoticeRun, send
from twoway_router.actions.notices.question import NumberQuestionSpec, open_sent, question_of
from twoway_router.consent.rules import Person
from twoway_router.contexts import service as contexts
from twoway_router.domain.ids import TenantId
from twoway_router.domain.outcomes import Done, Outcome
from twoway_router.numbers.default_texts import CHOOSE, language_of, own_text
from twoway_router.store import Session

MOST_CHOICES: Final = 9


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A tenant that may be meant, and the context that it would be for."""

    tenant_id: TenantId
    name: str
    context_id: UUID


def plan_choose(message: RunMessage, choices: Sequence[Choice]) -> tuple[PlannedAction, ...]:
    """Ask by numbers: one question for each tenant, that only its number answers."""
    numbered = list(enumerate(choices[:MOST_CHOICES], start=1))
    languages = message.number.languages
    listed = ", ".join(f"{number} = {choice.name}" for number, choice in numbered)
    facts = {"choices": listed, "number": message.number.address}
    text = own_text(message.number.texts, "choose", languages, facts) or CHOOSE[language_of(CHOOSE, languages)].format(
        choices=listed
    )
    questions = tuple(
        replace(
            question_of(message, choice.tenant_id, "choose", "choice"),
            choices=(str(number),),
            target_id=choice.context_id,
        )
        for number, choice in numbered
    )
    spec = NumberQuestionSpec(kind="choose", text=text, questions=questions)
    return (PlannedAction(kind="choose", run=run, spec=spec),)


async def run(session: Session, runs: Sequence[NoticeRun], context: RunContext) -> Sequence[Outcome]:
    """Ask, at most once a day: whoever was asked already is not asked again, and the message stays where it is."""
    people = {each.message.id: Person(number_id=each.message.number.id, msisdn=each.message.sender) for each in runs}
    asked = await contexts.find_asked(session, set(people.values()), now=context.now)
    fresh: dict[Person, NoticeRun] = {}
    for each in runs:
        if people[each.message.id] not in asked:
            fresh.setdefault(people[each.message.id], each)
    asking = list(fresh.values())
    outcomes = await send(session, asking, context)
    await open_sent(session, asking, outcomes, context)
    ended = {each.message.id: outcome for each, outcome in zip(asking, outcomes, strict=True)}
    return [ended.get(each.message.id, Done(detail="asked_before")) for each in runs]
