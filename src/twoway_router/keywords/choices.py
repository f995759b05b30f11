"""Choices of questions beside the keywords of others: refused when a keyword is saved, reported when one is claimed later.

Called by ``service``. What a choice that was taken later may still answer decides ``routing.choices``, message by message.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from twoway_router.actions.ask import questions_with_choices
from twoway_router.actions.spec import ActionBase
from twoway_router.domain.causes import Cause, CauseKind, EffectKey
from twoway_router.domain.errors import FieldError, Unprocessable
from twoway_router.domain.ids import TenantId, new_id
from twoway_router.events.catalogue import ChoiceTaken
from twoway_router.events.news import Event
from twoway_router.keywords import queries
from twoway_router.keywords.definitions import KeywordDefinition
from twoway_router.keywords.rules import KeywordClaim
from twoway_router.numbers.service import list_usable
from twoway_router.routing.choices import ChoiceFault, fault_of_choice, keys_of_choices, twice_meant
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.text import fold
from twoway_router.routing.types import KeywordRules
from twoway_router.store import Session

_DETAILS = {
    ChoiceFault.IS_KEYWORD: "{choice!r} is another tenant's keyword on {number}: choose another word.",
    ChoiceFault.RESERVED: "{choice!r} is a word that every sender may use on {number}.",
    ChoiceFault.AMBIGUOUS: "{choice!r} means what another choice means.",
    ChoiceFault.IS_OWN_KEYWORD: "{choice!r} is your own keyword on {number}: while the question is open it is an answer.",
}


class ChoiceNotAcceptable(Unprocessable):
    """A choice of a question is another tenant's keyword, a word that every sender may use, or means what another one means."""

    code = "choice_not_acceptable"
    title = "Choice not acceptable"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChoiceFinding:
    """What is to be said of a choice at a place of a definition."""

    pointer: str
    choice: str
    number: str
    fault: ChoiceFault

    @property
    def detail(self) -> str:
        """As a sentence, without saying whose the word is."""
        return _DETAILS[self.fault].format(choice=self.choice, number=self.number)


async def check_choices(
    session: Session, tenant_id: TenantId, wanted: KeywordClaim, tables: Sequence[RoutingTable]
) -> Sequence[ChoiceFinding]:
    """Raise for choices that cannot be; what is left are warnings. Every number counts that the tenant may send from."""
    questions = questions_with_choices(wanted.actions)
    if not questions:
        return ()
    own = {fold(text).key for text in (wanted.word, *wanted.aliases)}
    usable = await list_usable(session, tenant_id)
    entries = [
        (table, entry)
        for table in tables
        for rules in table.numbers()
        if rules.number_id in usable and (entry := table.entry(rules.number_id)) is not None
    ]
    findings: dict[str, ChoiceFinding] = {}
    for at, question in questions:
        for table, entry in entries:
            is_here = entry.rules.number_id == wanted.number_id
            doubled = twice_meant(entry, question.choices) if is_here else ()
            for place, choice in enumerate(question.choices):
                fault = fault_of_choice(table, entry, tenant_id, choice)
                if fault is None and is_here and fold(choice).key in own:
                    fault = ChoiceFault.IS_OWN_KEYWORD
                if fault in (None, ChoiceFault.IS_OWN_KEYWORD) and choice in doubled:
                    fault = ChoiceFault.AMBIGUOUS
                if fault is None:
                    continue
                finding = ChoiceFinding(
                    pointer=f"{at}/choices/{place}", choice=choice, number=entry.rules.address, fault=fault
                )
                known = findings.get(finding.pointer)
                if known is None or known.fault is ChoiceFault.IS_OWN_KEYWORD:
                    findings[finding.pointer] = finding
    wrong = [each for each in findings.values() if each.fault is not ChoiceFault.IS_OWN_KEYWORD]
    if wrong:
        raise ChoiceNotAcceptable(
            wrong[0].detail,
            errors=[FieldError(pointer=each.pointer, detail=each.detail) for each in wrong],
            extra={"choices": [show_finding(each) for each in wrong]},
        )
    return list(findings.values())


def show_finding(finding: ChoiceFinding) -> dict[str, str]:
    """For programs and for people."""
    return {
        "pointer": finding.pointer,
        "choice": finding.choice,
        "number": finding.number,
        "reason": finding.fault.value,
        "detail": finding.detail,
    }


def choice_keys(actions: Sequence[tuple[str, ActionBase]]) -> list[str]:
    """By what a keyword is found when somebody claims one of its choices."""
    return sorted(
        keys_of_choices(choice for _, question in questions_with_choices(actions) for choice in question.choices)
    )


async def list_taken(session: Session, claimed: KeywordRules, table: RoutingTable) -> Sequence[Event]:
    """What the tenants of questions hear, one event for each choice that a claim makes another tenant's keyword."""
    number = table.number(claimed.number_id)
    if number is None or not claimed.spellings:
        return ()
    alone = RoutingTable.build([number], [claimed])
    entry = alone.entry(claimed.number_id)
    assert entry is not None
    events: list[Event] = []
    for asking in await queries.list_offering(session, claimed.number_id, claimed.tenant_id, list(entry.index)):
        tenant_id = TenantId(asking.tenant_id)
        questions = questions_with_choices(KeywordDefinition.model_validate(asking.definition).placed_actions())
        for choice in dict.fromkeys(choice for _, question in questions for choice in question.choices):
            if fault_of_choice(alone, entry, tenant_id, choice) is not ChoiceFault.IS_KEYWORD:
                continue
            data = ChoiceTaken(
                keyword_id=asking.id, keyword=asking.word, number=number.address, country=number.country, choice=choice
            )
            cause = Cause(kind=CauseKind.API_REQUEST, id=new_id())
            events.append(Event(tenant_id=tenant_id, type="choice.taken", data=data, key=EffectKey(cause=cause)))
    return events
