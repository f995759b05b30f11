"""Who may send now and who comes back when: ``give_turns`` decides for limited connections and numbers, without a database."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from tests.cast import NOON
from twoway_router.mts.delivery.pacing import BURST, PACED, Turns, give_turns
from twoway_router.mts.queries.delivering import Seen
from twoway_router.mts.queries.pacing import Pace
from twoway_router.mts.rules import MtClass

LINE, CODE, OTHER = UUID(int=101), UUID(int=102), UUID(int=103)
IDLE = Pace(free_at=NOON, tail_at=NOON)


def an_mt(
    number: int,
    rates: Mapping[UUID, float] | None = None,
    *,
    mt_class: MtClass = MtClass.ANSWER,
    reason: str | None = None,
) -> Seen:
    return Seen(
        id=UUID(int=number),
        number_id=CODE,
        recipient=f"+39000000{number:04}",
        connection_id=LINE,
        order_key=number,
        revision=1,
        state="planned",
        is_usable=True,
        mt_class=mt_class,
        reason=reason,
        rates=rates if rates is not None else {LINE: 10.0},
    )


def turns(*mts: Seen, paces: Mapping[UUID, Pace] | None = None, pressing: frozenset[UUID] = frozenset()) -> Turns:
    known = {LINE: IDLE, CODE: IDLE, OTHER: IDLE}
    return give_turns(mts, known | dict(paces or {}), pressing, NOON)


def allowed(given: Turns) -> list[int]:
    return [each.id.int for each in given.allowed]


def seconds(given: Turns) -> dict[int, float]:
    return {mt_id.int: (due_at - NOON).total_seconds() for mt_id, due_at in given.later.items()}


def test_at_ten_a_second_half_a_second_s_worth_goes_at_once() -> None:
    given = turns(*(an_mt(number) for number in range(20)))

    assert allowed(given) == [0, 1, 2, 3, 4, 5]
    assert len(given.later) == 14


def test_who_comes_too_late_queues_in_steps_of_the_rate() -> None:
    given = turns(*(an_mt(number) for number in range(9)))

    assert seconds(given) == {6: 0.6, 7: 0.7, 8: 0.8}


def test_a_pause_is_not_saved_up() -> None:
    long_ago = NOON - timedelta(hours=1)

    given = turns(*(an_mt(number) for number in range(20)), paces={LINE: Pace(free_at=long_ago, tail_at=long_ago)})

    assert len(given.allowed) == 6


def test_what_was_used_up_counts() -> None:
    busy = Pace(free_at=NOON + BURST + timedelta(milliseconds=1), tail_at=NOON)

    assert allowed(turns(an_mt(1), paces={LINE: busy})) == []


def test_a_rate_below_one_a_second_lets_one_go_and_the_next_wait() -> None:
    given = turns(an_mt(1, {LINE: 0.1}), an_mt(2, {LINE: 0.1}))

    assert (allowed(given), seconds(given)) == ([1], {2: 10.0})


def test_the_slower_of_connection_and_number_decides() -> None:
    given = turns(*(an_mt(number, {LINE: 1000.0, CODE: 2.0}) for number in range(5)))

    assert allowed(given) == [0, 1]


def test_another_number_s_limit_is_not_used_up() -> None:
    given = turns(an_mt(1, {CODE: 0.5}), an_mt(2, {CODE: 0.5}), an_mt(3, {OTHER: 0.5}))

    assert allowed(given) == [1, 3]


def test_answers_go_before_bulk_whatever_their_age() -> None:
    bulk = [an_mt(number, {LINE: 2.0}, mt_class=MtClass.BULK) for number in range(3)]

    given = turns(*bulk, an_mt(9, {LINE: 2.0}))

    assert allowed(given) == [9, 0]


def test_bulk_yields_while_an_answer_waits_there() -> None:
    given = turns(
        an_mt(1, mt_class=MtClass.BULK), an_mt(2, {OTHER: 10.0}, mt_class=MtClass.BULK), pressing=frozenset({LINE})
    )

    assert allowed(given) == [2]


def test_who_has_waited_is_not_sent_to_the_end_again() -> None:
    queue = Pace(free_at=NOON + timedelta(seconds=1), tail_at=NOON + timedelta(seconds=60))

    given = turns(an_mt(1, mt_class=MtClass.BULK, reason=PACED), an_mt(2, mt_class=MtClass.BULK), paces={LINE: queue})

    assert seconds(given) == {1: 1.0, 2: 60.0}


def test_nobody_comes_back_sooner_than_the_burst() -> None:
    given = turns(an_mt(1, {LINE: 10_000.0}, mt_class=MtClass.BULK), pressing=frozenset({LINE}))

    assert seconds(given) == {1: BURST.total_seconds()}


def test_turns_of_a_crowd_never_exceed_the_rate() -> None:
    """Ten seconds of a crowd that comes back whenever it is told: at five a second never more than the rate and a burst."""
    waiting = dict.fromkeys(range(200), NOON)
    paces, sent = {LINE: IDLE}, []
    for step in range(101):
        now = NOON + timedelta(milliseconds=100 * step)
        ready = [number for number, due_at in waiting.items() if due_at <= now]
        given = give_turns([an_mt(number, {LINE: 5.0}) for number in ready], paces, frozenset(), now)
        paces = dict(given.paces)
        sent += [(now, each.id.int) for each in given.allowed]
        waiting = {number: given.later.get(UUID(int=number), at) for number, at in waiting.items()}
        for each in given.allowed:
            waiting.pop(each.id.int)

    assert len({number for _, number in sent}) == len(sent)
    assert len(sent) <= 5 * 10 + 4
    for begin, _ in sent:
        assert sum(begin <= at < begin + timedelta(seconds=1) for at, _ in sent) <= 5 + 3
