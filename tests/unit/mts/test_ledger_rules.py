"""The ledger's moves as tables: what each answer, lost answer, look-up and receipt makes of an MT in each state."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoway_router.domain.causes import CauseKind
from twoway_router.domain.ids import new_id
from twoway_router.domain.messages import Capability, DeliveryState, MtState, UnknownPolicy
from twoway_router.domain.outcomes import Done, Failed, Retry, SendReply, Unknown
from twoway_router.mts.rules import (
    MOVES,
    REASONS,
    Circumstances,
    Entry,
    MtClass,
    MtEvent,
    after_answer,
    after_look_up,
    after_receipt,
    after_unknown,
    class_of,
    retry_delay,
)

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
P, C, H, K, F, U, S = (
    MtState.PLANNED,
    MtState.CLAIMED,
    MtState.HANDED_OVER,
    MtState.CONFIRMED,
    MtState.FAILED,
    MtState.UNKNOWN,
    MtState.SUPPRESSED,
)
DONE, RETRY, FAILED, LOST = Done(reference="c-1"), Retry(reason="busy"), Failed(reason="no"), Unknown(reason="timeout")


GRID = """
                 none  P  C  H  K  F  U  S
    queued         P   .  .  .  .  .  .  .
    too_long       F   .  .  .  .  .  .  .
    opted_out      S   S  .  .  .  .  .  .
    claimed        .   C  .  .  .  .  .  .
    expired        .   F  F  .  .  .  F  .
    lease_ended    .   .  U  .  .  .  .  .
    taken          .   H  H  H  K  F  H  S
    not_taken      .   .  P  .  .  .  P  .
    refused        .   .  F  .  .  .  F  .
    lost           .   .  U  .  .  .  U  .
    given_up       .   .  U  .  .  .  U  .
    reported       .   H  C  H  .  .  H  .
    delivered      .   K  K  K  .  .  K  .
    undelivered    .   F  F  F  .  .  F  .
"""
"""The state after each event in each state; a dot: nothing changes."""

STATES = dict(zip("PCHKFUS", (P, C, H, K, F, U, S), strict=True))


def grid() -> list[tuple[MtEvent, MtState | None, MtState | None]]:
    """One case for each cell of the grid."""
    header, *lines = [line.split() for line in GRID.strip().splitlines()]
    return [
        (MtEvent(event), STATES.get(before), STATES.get(after))
        for event, *cells in lines
        for before, after in zip(header, cells, strict=True)
    ]


@pytest.mark.parametrize(("event", "before", "after"), grid())
def test_each_event_moves_each_state_as_the_grid_says(
    event: MtEvent, before: MtState | None, after: MtState | None
) -> None:
    assert MOVES[event].get(before) == after


def test_the_grid_has_a_cell_for_each_event_and_state() -> None:
    cells = [(event, before) for event, before, _ in grid()]

    assert sorted(cells, key=str) == sorted(
        ((event, state) for event in MtEvent for state in (None, *MtState)), key=str
    )


@pytest.mark.parametrize("event", [event for event in MtEvent if {F, S} & set(MOVES[event].values())])
def test_no_mt_ends_without_a_reason(event: MtEvent) -> None:
    """Refusals and receipts bring their own; a success keeps what it finds."""
    assert event in REASONS or event in (MtEvent.REFUSED, MtEvent.UNDELIVERED, MtEvent.TAKEN)


def an_entry(state: MtState = C, **changes: object) -> Entry:
    """An MT on its second try."""
    fields = {
        "id": new_id(),
        "state": state,
        "delivery_state": None,
        "attempt": 2,
        "policy": UnknownPolicy.AT_MOST_ONCE,
        "created_at": NOW,
        "expires_at": NOW + timedelta(hours=12),
    }
    return Entry(**(fields | changes))  # type: ignore[arg-type] # fields of a test


def around(capability: Capability = Capability.BLIND, now: datetime = NOW, chance: float = 0.5) -> Circumstances:
    """What an answer is judged by."""
    return Circumstances(now=now, capability=capability, receipt_wait=timedelta(seconds=120), chance=chance)


@pytest.mark.parametrize(
    ("state", "reply", "expected"),
    [
        (C, DONE, H),
        (U, DONE, H),
        (P, DONE, H),
        (K, DONE, K),
        (F, DONE, F),
        (C, RETRY, P),
        (U, RETRY, P),
        (P, RETRY, None),
        (K, RETRY, None),
        (C, FAILED, F),
        (U, FAILED, F),
        (H, FAILED, None),
        (C, LOST, U),
        (H, LOST, None),
        (S, LOST, None),
    ],
)
def test_an_answer_to_the_newest_try_moves_the_mt(state: MtState, reply: SendReply, expected: MtState | None) -> None:
    move = after_answer(an_entry(state), 2, reply, around())

    assert (move.state if move else None) == expected


@pytest.mark.parametrize(("reply", "expected"), [(DONE, H), (RETRY, None), (FAILED, None), (LOST, None)])
def test_of_answers_to_an_older_try_only_success_counts(reply: SendReply, expected: MtState | None) -> None:
    move = after_answer(an_entry(), 1, reply, around())

    assert (move.state if move else None) == expected


@pytest.mark.parametrize(
    ("capability", "policy", "state", "reason"),
    [
        (Capability.IDEMPOTENT, UnknownPolicy.AT_MOST_ONCE, P, "timeout"),
        (Capability.LOOK_UP, UnknownPolicy.AT_MOST_ONCE, U, "timeout"),
        (Capability.RECEIPT, UnknownPolicy.AT_LEAST_ONCE, U, "waiting_for_receipt"),
        (Capability.BLIND, UnknownPolicy.AT_MOST_ONCE, U, "not_repeated"),
        (Capability.BLIND, UnknownPolicy.AT_LEAST_ONCE, P, "repeated_by_policy"),
    ],
)
def test_a_lost_answer_is_settled_by_the_carriers_capability(
    capability: Capability, policy: UnknownPolicy, state: MtState, reason: str
) -> None:
    move = after_answer(an_entry(policy=policy), 2, LOST, around(capability))

    assert move is not None
    assert (move.state, move.reason) == (state, reason)


def test_a_receipt_proves_that_a_lost_answer_was_a_success() -> None:
    move = after_answer(an_entry(delivery_state=DeliveryState.ACCEPTED), 2, LOST, around())

    assert move is not None
    assert move.state is H


def test_an_idempotent_repeat_that_would_come_too_late_stays_unknown() -> None:
    move = after_answer(an_entry(expires_at=NOW), 2, LOST, around(Capability.IDEMPOTENT))

    assert move is not None
    assert (move.state, move.at) == (U, None)


def test_a_retry_that_would_come_too_late_fails() -> None:
    move = after_answer(an_entry(expires_at=NOW + timedelta(seconds=2)), 2, RETRY, around())

    assert move is not None
    assert (move.state, move.reason) == (F, "expired")


@pytest.mark.parametrize(
    ("found", "age", "expected"),
    [
        (DONE, timedelta(0), H),
        (Retry(reason="not_found"), timedelta(0), P),
        (FAILED, timedelta(0), F),
        (LOST, timedelta(minutes=9), U),
        (LOST, timedelta(minutes=11), U),
    ],
)
def test_a_look_up_decides(found: SendReply, age: timedelta, expected: MtState) -> None:
    move = after_look_up(an_entry(U, created_at=NOW - age), found, around(Capability.LOOK_UP))

    assert move is not None
    assert move.state is expected


def test_a_look_up_that_never_answers_ends_with_the_policy() -> None:
    move = after_look_up(an_entry(U, created_at=NOW - timedelta(hours=1)), LOST, around(Capability.LOOK_UP))

    assert move is not None
    assert (move.at, move.reason) == (None, "not_repeated")


@pytest.mark.parametrize(
    ("state", "decide_at", "reason", "expected"),
    [
        (U, NOW, "waiting_for_receipt", "not_repeated"),
        (U, NOW, "lease_expired", "waiting_for_receipt"),
        (U, NOW + timedelta(minutes=1), "waiting_for_receipt", None),
        (U, None, "not_repeated", None),
        (H, NOW, None, None),
    ],
)
def test_an_unknown_mt_is_decided_when_its_time_has_come(
    state: MtState, decide_at: datetime | None, reason: str | None, expected: str | None
) -> None:
    move = after_unknown(an_entry(state, decide_at=decide_at, reason=reason), around(Capability.RECEIPT))

    assert (move.reason if move else None) == expected


@pytest.mark.parametrize(
    ("state", "known", "reported", "expected"),
    [
        (H, None, DeliveryState.DELIVERED, (K, DeliveryState.DELIVERED)),
        (H, None, DeliveryState.REJECTED, (F, DeliveryState.REJECTED)),
        (H, None, DeliveryState.ACCEPTED, (H, DeliveryState.ACCEPTED)),
        (H, DeliveryState.ACCEPTED, DeliveryState.ACCEPTED, None),
        (H, DeliveryState.ACCEPTED, DeliveryState.UNKNOWN, None),
        (C, None, DeliveryState.ACCEPTED, (C, DeliveryState.ACCEPTED)),
        (C, None, DeliveryState.DELIVERED, (K, DeliveryState.DELIVERED)),
        (U, None, DeliveryState.ACCEPTED, (H, DeliveryState.ACCEPTED)),
        (K, DeliveryState.DELIVERED, DeliveryState.EXPIRED, None),
        (F, DeliveryState.EXPIRED, DeliveryState.DELIVERED, None),
        (S, None, DeliveryState.DELIVERED, None),
        (F, None, DeliveryState.DELIVERED, None),
    ],
)
def test_a_receipt_moves_an_mt_forward_only(
    state: MtState,
    known: DeliveryState | None,
    reported: DeliveryState,
    expected: tuple[MtState, DeliveryState] | None,
) -> None:
    moved = after_receipt(state, known, reported)

    assert moved == expected


@pytest.mark.parametrize(
    ("cause", "origin", "expected"),
    [
        (CauseKind.INBOUND_MESSAGE, "opt_out", MtClass.COMPLIANCE),
        (CauseKind.INBOUND_MESSAGE, "help", MtClass.COMPLIANCE),
        (CauseKind.INBOUND_MESSAGE, "reply", MtClass.ANSWER),
        (CauseKind.TIMER, "reply", MtClass.SERVICE),
        (CauseKind.API_REQUEST, "reply", MtClass.SERVICE),
        (CauseKind.CAMPAIGN_RECIPIENT, "campaign", MtClass.BULK),
    ],
)
def test_what_an_mt_is_due_to_says_its_class(cause: CauseKind, origin: str, expected: MtClass) -> None:
    assert class_of(cause, origin) is expected


@given(st.lists(st.sampled_from(DeliveryState), max_size=8))
def test_the_first_final_receipt_is_the_last_word(reported: list[DeliveryState]) -> None:
    state, known = H, None
    for each in reported:
        state, known = after_receipt(state, known, each) or (state, known)

    final = next((each for each in reported if each.is_final), None)
    assert final is None or known is final


@given(st.integers(1, 50), st.floats(0, 1, exclude_max=True))
def test_a_retry_is_never_sooner_than_eighty_per_cent_of_its_slot(attempt: int, chance: float) -> None:
    delay = retry_delay(attempt, chance)

    assert timedelta(seconds=0.8) <= delay <= timedelta(seconds=360)


@pytest.mark.parametrize(("wish", "least"), [(40, 40), (0, 0.8), (90_000, 3600)])
def test_the_carriers_wish_counts_up_to_an_hour(wish: float, least: float) -> None:
    delay = retry_delay(1, 0.0, timedelta(seconds=wish))

    assert delay == timedelta(seconds=least)
