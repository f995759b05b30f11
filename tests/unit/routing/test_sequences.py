"""Random sequences of claims, releases, questions, answers and texts by three tenants, against a slow reference of the rules.

The words are few, so that they meet often: compounds of one another, in six languages and three scripts.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.unit.routing.cast import GYM, PIZZERIA, RADIO, SHARED, SHARED_RULES, a_keyword, route
from tests.unit.routing.reference import EVERYONE, NOBODY, Held, Open, Words, fold, recipients
from twoway_router.domain.ids import KeywordId, TenantId
from twoway_router.routing.claims import Claim, VerdictKind, judge_claim
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.types import (
    ClaimState,
    Context,
    ContextKind,
    Decision,
    KeywordRules,
    RouteOutcome,
    SubKeyword,
    WindowState,
)

NAMES: Final = {PIZZERIA: "PIZZERIA", GYM: "GYM", RADIO: "RADIO"}
LANGUAGES: Final = ("en", "it", "es", "zh", "th", "ja")
COMMON: Final = ("FREE", "NOW", "WIN", "WEEK", "PASS", "CLUB", "ROMA", "CASA", "BAÑO", "OFERTA", "ください")
RARE: Final = ("SKI", "PIZZA", "BURGER", "SPA", "健身房", "优惠", "ข่าว", "สมัคร", "クーポン", "くーぽん")
NO_WORDS: Final = ("TER", "ZOK")
PIECES: Final = (*COMMON, *RARE, *NO_WORDS, "5", "99", "50%OFF")
WORDS: Final = Words(
    sure=frozenset(
        fold(word)[0].text if len(fold(word)) == 1 else "".join(t.text for t in fold(word)) for word in COMMON
    ),
    doubtful=frozenset("".join(token.text for token in fold(word)) for word in RARE),
)
OWN_FAULT: Final = {"common_word", "typical_reply", "too_short"}

piece = st.sampled_from(PIECES)
separator = st.sampled_from(("", "", " ", " ", "-"))
phrase = st.lists(st.tuples(separator, piece), min_size=1, max_size=3).map(
    lambda parts: "".join(between * bool(place) + part for place, (between, part) in enumerate(parts))
)
WEAR: Final[tuple[Callable[[str], str], ...]] = (
    str.lower,
    str.title,
    lambda text: text + "!",
    lambda text: f'"{text}"',
    lambda text: text + " 🙂",
    lambda text: "🍕 " + text,
    lambda text: "#" + text,
    lambda text: " ".join(text.replace(" ", "")),
    lambda text: text.replace(" ", ""),
    lambda text: text[:3] + " " + text[3:],
    lambda text: text.replace("E", "3"),
    lambda text: text.replace("O", "0"),
    lambda text: text + text[-1] * 3,
    lambda text: text.replace("Ñ", "N"),
    lambda text: text.replace("%", ""),
)
wear = st.lists(st.sampled_from(WEAR), max_size=2)


class Sequences(RuleBasedStateMachine):
    """One shared number, its registry, and what is open with one sender."""

    @initialize()
    def begin(self) -> None:
        self.table = RoutingTable.build([replace(SHARED_RULES, languages=LANGUAGES)], [])
        self.keywords: dict[KeywordId, KeywordRules] = {}
        self.contexts: list[tuple[Open, int]] = []
        self.now = 0
        self.sent: list[str] = []

    @rule(
        tenant=st.sampled_from(tuple(NAMES)),
        words=st.lists(phrase, min_size=1, max_size=2, unique=True),
        spell=st.sampled_from((str, str, str, WEAR[9], WEAR[10], WEAR[11])),
        sub_keywords=st.lists(piece, max_size=1),
        is_glued=st.booleans(),
    )
    def claim(
        self,
        tenant: TenantId,
        words: list[str],
        spell: Callable[[str], str],
        sub_keywords: list[str],
        is_glued: bool,
    ) -> None:
        """A claim that registration lets through; the operator lets through only what collides with nobody."""
        spellings = tuple(map(spell, words))
        wanted = Claim(
            number_id=SHARED, tenant_id=tenant, spellings=spellings, sub_keywords=tuple(sub_keywords), is_override=False
        )
        verdict = judge_claim(self.table, wanted)
        if verdict.kind is VerdictKind.OVERRIDE_NEEDED and not verdict.collisions and verdict.code in OWN_FAULT:
            verdict = judge_claim(self.table, replace(wanted, is_override=True))
        if verdict.kind not in (VerdictKind.ACCEPT, VerdictKind.WARN):
            return
        keyword = a_keyword(
            ",".join(spellings),
            tenant,
            sub_keywords=tuple(SubKeyword(name=sub, spellings=(sub,)) for sub in sub_keywords),
            is_glued=is_glued,
            is_whole_message=verdict.is_whole_message,
        )
        texts = self.texts_of_others(tenant, spellings)
        before = {text: route(self.table, text) for text in texts}

        self.keywords[keyword.keyword_id] = keyword
        self.table.put_keyword(keyword)

        for text, decision in before.items():
            if was_anothers(decision, tenant) and not is_split(text, spellings):
                after = route(self.table, text)
                assert after.tenant_id == decision.tenant_id, (
                    f"{text!r} was {name(decision.tenant_id)}'s ({decision.word}) and is {name(after.tenant_id)}'s "
                    f"({after.rule}) since {NAMES[tenant]} holds {spellings}: {self.registry()}"
                )
            self.judge(text)

    def texts_of_others(self, tenant: TenantId, claimed: tuple[str, ...]) -> list[str]:
        """What others' keywords are written like, alone and with something behind, and what was sent lately."""
        texts = dict.fromkeys(self.sent[-20:])
        for keyword in self.keywords.values():
            if keyword.tenant_id == tenant or keyword.state is ClaimState.RELEASED:
                continue
            for spelling in keyword.spellings:
                texts |= dict.fromkeys(ways_to_write(spelling))
                tails = [*claimed, "NOW", "5", "ZOK", *(sub.name for sub in keyword.sub_keywords)]
                texts |= dict.fromkeys(spelling + between + tail for tail in tails for between in ("", " "))
        texts |= dict.fromkeys(way for word in claimed for way in ways_to_write(word))
        return list(islice(texts, 60))

    @precondition(lambda self: self.keywords)
    @rule(data=st.data(), is_ended=st.booleans())
    def release(self, data: st.DataObject, is_ended: bool) -> None:
        """A keyword is given back and rests; or its rest is ended."""
        keyword = self.keywords[data.draw(st.sampled_from(sorted(self.keywords)))]
        if keyword.state is ClaimState.RELEASED and is_ended:
            del self.keywords[keyword.keyword_id]
            self.table.remove_keyword(keyword.keyword_id)
            return
        self.keywords[keyword.keyword_id] = replace(keyword, state=ClaimState.RELEASED)
        self.table.put_keyword(self.keywords[keyword.keyword_id])

    @rule(tenant=st.sampled_from(tuple(NAMES)), expects=st.sampled_from(("yes_no", "0-10", "text", None)))
    def ask(self, tenant: TenantId, expects: str | None) -> None:
        """A question of a tenant, which replaces its older one; or an exchange."""
        self.now += 1
        opened = Open(tenant=NAMES[tenant], expects=expects)
        kept = [
            (one, at)
            for one, at in self.contexts
            if one.tenant != opened.tenant or (one.expects is None) != (expects is None)
        ]
        self.contexts = [(opened, self.now), *kept]

    @precondition(lambda self: self.contexts)
    @rule()
    def forget(self) -> None:
        """The oldest is over."""
        self.contexts.pop()

    @precondition(lambda self: self.contexts)
    @rule(text=st.sampled_from(("Si", "YES", "no", "7", "10", "11", "Stop!", "STOP")))
    def answer(self, text: str) -> None:
        self.send(text)

    @rule(text=phrase, worn=wear)
    def text(self, text: str, worn: list[Callable[[str], str]]) -> None:
        for put_on in worn:
            text = put_on(text)
        self.send(text)

    @precondition(lambda self: self.keywords)
    @rule(
        data=st.data(),
        worn=wear,
        tail=st.one_of(st.just(""), st.tuples(separator, piece).map("".join)),
        is_stop=st.booleans(),
    )
    def keyword(self, data: st.DataObject, worn: list[Callable[[str], str]], tail: str, is_stop: bool) -> None:
        held = self.keywords[data.draw(st.sampled_from(sorted(self.keywords)))]
        text = data.draw(st.sampled_from(held.spellings))
        for put_on in worn:
            text = put_on(text)
        self.send(("STOP " if is_stop and not worn and not tail else "") + text + tail)

    def send(self, text: str) -> None:
        """One message; who gets it is in touch with the sender from now on, and an answered question is closed."""
        decision = self.judge(text)
        self.sent.append(text)
        if decision.outcome is RouteOutcome.OPT_OUT:
            self.contexts = []
        if decision.context_id is not None and decision.rule in ("open_question", "free_text_question"):
            self.contexts = [(one, at) for one, at in self.contexts if str(at) != decision.context_id]
        if decision.tenant_id is not None and decision.outcome is RouteOutcome.KEYWORD:
            self.ask(decision.tenant_id, None)

    def judge(self, text: str) -> Decision:
        """Route it, as a first message and with what is open, and compare."""
        for contexts in ([], self.contexts) if self.contexts else ([],):
            decision = route(self.table, text, *(context_of(one, at, self.now) for one, at in contexts), explain=False)
            got = (
                EVERYONE
                if (decision.outcome, decision.tenant_id) == (RouteOutcome.OPT_OUT, None)
                else name(decision.tenant_id)
            )
            allowed = recipients(self.registry(), WORDS, text, [one for one, _ in contexts])
            assert got in allowed, (
                f"{text!r} went to {got or 'nobody'} ({decision.rule}, {decision.word}, class {decision.match_class}) "
                f"and not to {allowed}, with {contexts} and {self.registry()}"
            )
        return decision

    def registry(self) -> list[Held]:
        return [
            Held(
                tenant=NAMES[keyword.tenant_id],
                spellings=keyword.spellings,
                sub_keywords=tuple(sub.name for sub in keyword.sub_keywords),
                takes_digits=keyword.is_glued,
                is_whole_only=keyword.is_whole_message,
                is_at_rest=keyword.state is ClaimState.RELEASED,
            )
            for keyword in self.keywords.values()
        ]


def context_of(one: Open, at: int, now: int) -> Context:
    [tenant] = [tenant_id for tenant_id, called in NAMES.items() if called == one.tenant]
    return Context(
        context_id=str(at),
        tenant_id=tenant,
        kind=ContextKind.RECENT if one.expects is None else ContextKind.QUESTION,
        age_seconds=now - at + 1,
        lifetime_seconds=100_000,
        expected=one.expects,
    )


def name(tenant_id: TenantId | None) -> str:
    return NOBODY if tenant_id is None else NAMES[tenant_id]


def was_anothers(decision: Decision, tenant: TenantId) -> bool:
    """Whether a keyword in force of another tenant had the text."""
    is_in_force = decision.outcome is RouteOutcome.KEYWORD and decision.window is WindowState.OPEN
    return is_in_force and decision.tenant_id != tenant


def ways_to_write(spelling: str) -> Iterable[str]:
    """As it is, in one word, and parted at each place where a piece ends."""
    key = spelling.replace(" ", "").replace("-", "")
    yield from (spelling, key, spelling.lower())
    for first in PIECES:
        if key.startswith(first) and key != first:
            yield f"{first} {key.removeprefix(first)}"
            yield from (f"{first} {rest}" for rest in ways_to_part(key.removeprefix(first)))


def ways_to_part(key: str) -> Iterable[str]:
    for first in PIECES:
        if key.startswith(first) and key != first:
            yield f"{first} {key.removeprefix(first)}"


def is_split(text: str, spellings: tuple[str, ...]) -> bool:
    """Whether the text is one of the new words with something behind it that is no word, nor two or three longer ones."""
    tokens = [token.text for token in fold(text)]
    heads = [[token.text for token in fold(spelling)] for spelling in spellings]
    rests = [tokens[len(head) :] for head in heads if tokens[: len(head)] == head]
    return any(rest and WORDS.hold(rest) is not True and not are_words(rest) for rest in rests)


def are_words(rest: Sequence[str]) -> bool:
    return 1 < len(rest) <= 3 and all(len(one) >= 4 and WORDS.hold([one]) is True for one in rest)


def run(max_examples: int, steps: int, *, derandomize: bool) -> None:
    run_state_machine_as_test(
        Sequences,
        settings=settings(
            max_examples=max_examples,
            stateful_step_count=steps,
            derandomize=derandomize,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_no_sequence_gives_a_text_to_a_tenant_that_its_reader_would_not_expect() -> None:
    run(30, 25, derandomize=True)


@pytest.mark.drill
@pytest.mark.timeout(0)
def test_no_long_sequence_does_so_either() -> None:
    run(500, 50, derandomize=False)
