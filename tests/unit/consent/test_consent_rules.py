"""What a STOP or START covers and does, who may be sent to, and the lock that changes and claims share."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoway_router.consent.rules import (
    EXEMPT_ORIGINS,
    ConsentChange,
    ConsentKind,
    Person,
    Suppression,
    SuppressionReason,
    SuppressionState,
    Verdict,
    after,
    in_rounds,
    lock_key,
    may_send,
    scope_of,
)
from twoway_router.domain.ids import NumberId, TenantId
from twoway_router.domain.messages import Sharing
from twoway_router.routing.types import Decision, NumberRules, RouteOutcome, Rule

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PIZZERIA, GYM, NUMBER = (UUID(int=turn) for turn in (1, 2, 3))
ANN = "+393200000001"
TENANTS = (None, PIZZERIA, GYM)
PEOPLE = st.builds(Person, number_id=st.uuids(), msisdn=st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))


def stop(tenant_id: UUID | None = None, said: int | None = None, msisdn: str = ANN) -> ConsentChange:
    return change(ConsentKind.OPT_OUT, tenant_id, said, msisdn)


def start(tenant_id: UUID | None = None, said: int | None = None, msisdn: str = ANN) -> ConsentChange:
    return change(ConsentKind.OPT_IN, tenant_id, said, msisdn)


def change(kind: ConsentKind, tenant_id: UUID | None, said: int | None, msisdn: str = ANN) -> ConsentChange:
    message_id = None if said is None else UUID(int=said)
    return ConsentChange(kind=kind, number_id=NUMBER, msisdn=msisdn, tenant_id=tenant_id, inbound_message_id=message_id)


def held(tenant_id: UUID | None = None, state: str = "stopped", said: int | None = None) -> Suppression:
    return Suppression(
        tenant_id=tenant_id,
        state=SuppressionState(state),
        reason=SuppressionReason.WORD,
        changed_at=NOW,
        inbound_message_id=None if said is None else UUID(int=said),
    )


@dataclass(frozen=True)
class Number:
    sharing: Sharing


@pytest.mark.parametrize(
    ("named", "number", "scope"),
    [
        (PIZZERIA, Number(Sharing.SHARED), PIZZERIA),
        (None, Number(Sharing.SHARED), None),
        (PIZZERIA, Number(Sharing.DEDICATED), None),
        (None, Number(Sharing.DEDICATED), None),
        (PIZZERIA, None, None),
    ],
    ids=["a tenant named", "nobody named", "the owner's number", "the owner's number, unnamed", "no longer routed"],
)
def test_a_word_is_about_one_tenant_only_where_several_share_the_number(
    named: UUID | None, number: Number | None, scope: UUID | None
) -> None:
    decision = Decision(
        outcome=RouteOutcome.OPT_OUT, rule=Rule.OPT_OUT, tenant_id=None if named is None else TenantId(named)
    )

    assert scope_of(decision, number) == scope


def test_a_scope_is_taken_from_the_rules_of_a_number() -> None:
    rules = NumberRules(number_id=NumberId(NUMBER), country="IT", address="12345", sharing=Sharing.SHARED)

    assert scope_of(Decision(RouteOutcome.OPT_IN, Rule.OPT_IN, TenantId(GYM)), rules) == GYM


@pytest.mark.parametrize(
    ("suppressions", "tenant_id", "origin", "verdict"),
    [
        ([], PIZZERIA, "reply", Verdict.FREE),
        ([held()], PIZZERIA, "reply", Verdict.NUMBER_STOPPED),
        ([held()], None, "courtesy", Verdict.NUMBER_STOPPED),
        ([held(PIZZERIA)], PIZZERIA, "reply", Verdict.TENANT_STOPPED),
        ([held(PIZZERIA)], GYM, "reply", Verdict.FREE),
        ([held(PIZZERIA)], None, "courtesy", Verdict.FREE),
        ([held(), held(PIZZERIA, "restored")], PIZZERIA, "reply", Verdict.FREE),
        ([held(PIZZERIA, "restored"), held()], GYM, "reply", Verdict.NUMBER_STOPPED),
        ([held(), held(PIZZERIA)], PIZZERIA, "reply", Verdict.TENANT_STOPPED),
        ([held()], PIZZERIA, "opt_out", Verdict.EXEMPT),
        ([held()], None, "help", Verdict.EXEMPT),
        ([held(PIZZERIA)], PIZZERIA, "help", Verdict.EXEMPT),
        ([held()], None, "opt_in", Verdict.NUMBER_STOPPED),
        ([held()], None, "choose", Verdict.NUMBER_STOPPED),
        ([], None, "opt_out", Verdict.FREE),
    ],
)
def test_the_tenants_own_word_counts_before_the_whole_numbers(
    suppressions: Sequence[Suppression], tenant_id: UUID | None, origin: str, verdict: Verdict
) -> None:
    assert may_send(suppressions, tenant_id, origin) is verdict


@pytest.mark.parametrize(
    ("verdict", "allows"),
    [
        (Verdict.FREE, True),
        (Verdict.EXEMPT, True),
        (Verdict.TENANT_STOPPED, False),
        (Verdict.NUMBER_STOPPED, False),
    ],
)
def test_who_is_free_or_exempt_is_sent_to(verdict: Verdict, allows: bool) -> None:
    assert verdict.allows is allows


def test_only_the_confirmation_of_a_stop_and_help_are_exempt() -> None:
    assert EXEMPT_ORIGINS == ("opt_out", "help")


@pytest.mark.parametrize(
    ("before", "said", "afterwards", "has_effect"),
    [
        ([], stop(said=5), [held(said=5)], True),
        ([held(said=3)], stop(said=5), [held(said=5)], False),
        ([held(said=7)], stop(said=5), [held(said=7)], False),
        ([held()], stop(said=5), [held(said=5)], False),
        ([held(said=5)], stop(), [held(said=5)], False),
        ([held(PIZZERIA, said=3)], stop(said=5), [held(PIZZERIA, said=3), held(said=5)], True),
        ([held(said=3), held(PIZZERIA, "restored", 4)], stop(said=5), [held(said=5)], False),
        (
            [held(said=3), held(PIZZERIA, "restored", 7)],
            stop(said=5),
            [held(PIZZERIA, "restored", 7), held(said=5)],
            False,
        ),
        ([held(said=3)], stop(PIZZERIA, 5), [held(said=3), held(PIZZERIA, said=5)], False),
        (
            [held(said=3), held(PIZZERIA, "restored", 4)],
            stop(PIZZERIA, 5),
            [held(said=3), held(PIZZERIA, said=5)],
            True,
        ),
        ([held(GYM, said=3)], stop(PIZZERIA, 5), [held(GYM, said=3), held(PIZZERIA, said=5)], True),
        ([], start(said=5), [], False),
        ([held(said=3)], start(said=5), [], True),
        ([held(said=7)], start(said=5), [held(said=7)], False),
        ([held()], start(said=5), [], True),
        ([held(said=3), held(PIZZERIA, "restored", 4)], start(said=5), [], True),
        ([held(said=3), held(PIZZERIA, said=2)], start(said=5), [held(PIZZERIA, said=2)], True),
        ([held(PIZZERIA, said=3)], start(said=5), [], True),
        ([held(PIZZERIA, said=7)], start(said=5), [held(PIZZERIA, said=7)], False),
        (
            [held(PIZZERIA, said=3), held(GYM, said=4)],
            start(said=5),
            [held(PIZZERIA, said=3), held(GYM, said=4)],
            False,
        ),
        ([held(PIZZERIA, said=3)], start(PIZZERIA, 5), [], True),
        ([held(PIZZERIA, said=7)], start(PIZZERIA, 5), [held(PIZZERIA, said=7)], False),
        ([held(GYM, said=3)], start(PIZZERIA, 5), [held(GYM, said=3)], False),
        ([held(said=3)], start(PIZZERIA, 5), [held(said=3), held(PIZZERIA, "restored", 5)], True),
        ([held(said=7)], start(PIZZERIA, 5), [held(said=7)], False),
        (
            [held(said=3), held(PIZZERIA, said=2)],
            start(PIZZERIA, 5),
            [held(said=3), held(PIZZERIA, "restored", 5)],
            True,
        ),
        (
            [held(said=3), held(PIZZERIA, "restored", 4)],
            start(PIZZERIA, 5),
            [held(said=3), held(PIZZERIA, "restored", 4)],
            False,
        ),
    ],
)
def test_what_a_word_makes_of_what_was_said_before(
    before: Sequence[Suppression], said: ConsentChange, afterwards: Sequence[Suppression], has_effect: bool
) -> None:
    changed = after(before, said, NOW)

    assert (list(changed.suppressions), changed.has_effect) == (afterwards, has_effect)


def test_a_repeated_stop_keeps_its_reason_and_its_time() -> None:
    first = Suppression(
        tenant_id=None, state=SuppressionState.STOPPED, reason=SuppressionReason.CARRIER, changed_at=NOW
    )

    [stored] = after([first], stop(said=5), datetime(2026, 4, 1, tzinfo=UTC)).suppressions

    assert (stored.reason, stored.changed_at) == (SuppressionReason.CARRIER, NOW)


CHANGES = st.lists(
    st.builds(change, st.sampled_from(ConsentKind), st.sampled_from(TENANTS), st.none() | st.integers(1, 20)),
    max_size=12,
)


@given(CHANGES)
def test_nothing_leads_from_stopped_to_sent_but_a_start_in_scope_that_is_not_older(
    changes: Sequence[ConsentChange],
) -> None:
    suppressions: Sequence[Suppression] = ()
    for said in changes:
        following = after(suppressions, said, NOW).suppressions
        for tenant_id in TENANTS:
            if not may_send(suppressions, tenant_id, "reply").allows and may_send(following, tenant_id, "reply").allows:
                own = {each.tenant_id: each for each in suppressions}
                stopping = own.get(tenant_id) or own[None]
                assert said.kind is ConsentKind.OPT_IN
                assert said.tenant_id in (None, tenant_id)
                assert None in (stopping.inbound_message_id, said.inbound_message_id) or (
                    str(stopping.inbound_message_id) < str(said.inbound_message_id)
                )
        suppressions = following


@given(CHANGES, st.sampled_from(TENANTS))
def test_after_a_stop_nothing_in_its_scope_is_sent(changes: Sequence[ConsentChange], tenant_id: UUID | None) -> None:
    suppressions: Sequence[Suppression] = ()
    for said in changes:
        suppressions = after(suppressions, said, NOW).suppressions

    stopped = after(suppressions, stop(tenant_id, said=99), NOW).suppressions

    in_scope = TENANTS if tenant_id is None else (tenant_id,)
    assert [each for each in in_scope if may_send(stopped, each, "reply").allows] == []


@given(CHANGES)
def test_each_tenant_has_one_suppression_of_a_person_at_most(changes: Sequence[ConsentChange]) -> None:
    suppressions: Sequence[Suppression] = ()
    for said in changes:
        suppressions = after(suppressions, said, NOW).suppressions

    assert len({each.tenant_id for each in suppressions}) == len(suppressions)


def test_one_persons_changes_follow_each_other_and_different_peoples_go_together() -> None:
    first, second, third, other = stop(said=1), start(said=2), stop(said=3), stop(said=4, msisdn="+393200000002")

    assert in_rounds([first, second, other, third]) == [[first, other], [second], [third]]


@given(PEOPLE)
def test_a_lock_key_fits_into_32_bits(person: Person) -> None:
    assert -(2**31) <= lock_key(person) < 2**31


@given(PEOPLE)
def test_a_change_locks_the_same_person_as_a_claim(person: Person) -> None:
    said = ConsentChange(kind=ConsentKind.OPT_OUT, number_id=person.number_id, msisdn=person.msisdn)

    assert lock_key(said.person) == lock_key(person)


@given(PEOPLE, st.uuids())
def test_another_number_is_another_lock(person: Person, other: object) -> None:
    elsewhere = Person(number_id=other, msisdn=person.msisdn)  # type: ignore[arg-type] # a UUID of hypothesis

    assert elsewhere == person or lock_key(elsewhere) != lock_key(person)
