"""The body of a broker message: what is written is read again, what is foreign is refused."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoway_router.dispatch.jobs import JOBS, UnreadableJob, read_job, write_job


@given(st.sampled_from(sorted(JOBS)), st.lists(st.uuids(), max_size=20))
def test_a_written_job_is_read_again(job: str, ids: list[UUID]) -> None:
    assert read_job(write_job(job, ids)) == (job, tuple(ids))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        read_job(body)
    except UnreadableJob as refused:
        assert refused.detail


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "the body is not JSON"),
        (b'{"v":2,"job":"message.run","ids":[]}', "version 2 is unknown"),
        (b'{"v":"1","job":"message.run","ids":[]}', "version 1 is unknown"),
        (b'{"v":1,"job":"fax.deliver","ids":[]}', "the kind 'fax.deliver' is unknown"),
        (b'{"v":1,"job":"message.run"}', "the body lacks v, job or ids"),
        (b'{"v":1,"job":"message.run","ids":["7"]}', "an id is not a UUID"),
        (b'{"v":1,"job":"message.run","ids":[null]}', "an id is not a UUID"),
        (b'{"job":"message.run","ids":[]}', "the body lacks v, job or ids"),
    ],
)
def test_a_foreign_body_is_refused_with_its_reason(body: bytes, detail: str) -> None:
    with pytest.raises(UnreadableJob) as refused:
        read_job(body)

    assert refused.value.detail == detail
