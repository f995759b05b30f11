"""Rows of the outbox become jobs: which travel together, in which order, how many at most."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from twoway_router.dispatch.batches import form_batches
from twoway_router.dispatch.queries import OutboxRow

SHARDS = 4
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def a_row(number: int, job: str = "message.run", *, lane: int = 0, ids: int = 1, attempts: int = 1) -> OutboxRow:
    entries = tuple(UUID(int=number * 1000 + index) for index in range(ids))
    return OutboxRow(id=number, job=job, lane=lane, ids=entries, attempts=attempts, available_at=NOW)


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["message.run", "sms.deliver", "webhook.deliver"]),
        st.integers(0, 1023),
        st.integers(1, 30),
        st.integers(1, 3),
    ),
    max_size=60,
).map(
    lambda drawn: [
        a_row(number, job, lane=lane, ids=ids, attempts=attempts)
        for number, (job, lane, ids, attempts) in enumerate(drawn, start=1)
    ]
)


@given(ROWS, st.integers(1, 50))
def test_every_row_is_in_exactly_one_batch(rows: list[OutboxRow], size: int) -> None:
    batches = form_batches(rows, shards=SHARDS, batch_size=size)

    assert sorted(row.id for batch in batches for row in batch.rows) == [row.id for row in rows]


@given(ROWS, st.integers(1, 50))
def test_rows_of_one_lane_and_attempt_keep_their_order(rows: list[OutboxRow], size: int) -> None:
    batches = form_batches(rows, shards=SHARDS, batch_size=size)

    travelled: dict[tuple[str, int, int], list[int]] = {}
    for row in (row for batch in batches for row in batch.rows):
        travelled.setdefault((row.job, row.lane, row.attempts), []).append(row.id)
    assert all(ids == sorted(ids) for ids in travelled.values())


@given(ROWS, st.integers(1, 50))
def test_no_batch_is_larger_than_allowed_unless_one_row_is(rows: list[OutboxRow], size: int) -> None:
    batches = form_batches(rows, shards=SHARDS, batch_size=size)

    assert all(len(batch.ids) <= size or len(batch.rows) == 1 for batch in batches)


def test_a_kind_without_order_has_one_shard() -> None:
    [batch] = form_batches(
        [a_row(1, "webhook.deliver", lane=1), a_row(2, "webhook.deliver", lane=2)], shards=4, batch_size=9
    )

    assert (batch.shard, batch.row_ids) == (0, [1, 2])
