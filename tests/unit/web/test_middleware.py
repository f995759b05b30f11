"""What a caller is answered when an operation fails in a way that it does not expect."""

import httpx
import pytest
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.types import Receive, Scope, Send

from twoway_router.web.middleware import RequestGuard


class _Sqlstate(Exception):
    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate
        super().__init__(sqlstate)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OSError(), 503),
        (PoolTimeout(), 503),
        (OperationalError("s", {}, _Sqlstate("08006")), 503),
        (OperationalError("s", {}, _Sqlstate("40P01")), 503),
        (OperationalError("s", {}, _Sqlstate("57014")), 503),
        (ProgrammingError("s", {}, _Sqlstate("42601")), 500),
        (ValueError(), 500),
    ],
)
async def test_what_the_database_cannot_do_now_may_be_asked_again(error: Exception, status: int) -> None:
    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    async with httpx.AsyncClient(transport=httpx.ASGITransport(RequestGuard(fail)), base_url="http://api") as client:
        answer = await client.get("/")

    assert answer.status_code == status
