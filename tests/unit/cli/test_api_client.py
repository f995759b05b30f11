"""The command line's client of the management API: what it does when it called too often."""

import httpx
import pytest

from twoway_router.cli.api_client import ApiClient


@pytest.mark.parametrize("told", ["0", None, "soon", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_full_rate_limit_is_waited_for_whatever_retry_after_says(told: str | None) -> None:
    answers = iter([429, 200])

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(next(answers), headers={"Retry-After": told} if told else {})

    with ApiClient("https://api.example", "twr_live_x_y", transport=httpx.MockTransport(answer)) as client:
        got = client.send("GET", "/v1/keywords")

    assert got.status_code == 200
