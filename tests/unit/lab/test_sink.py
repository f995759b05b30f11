"""The webhook sink: what it believes and what it answers."""

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from twoway_router.lab.journal import read_journal
from twoway_router.lab.sink import running_sink

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FOREIGN = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
BODY = '{"type":"keyword.matched","timestamp":"2026-01-01T00:00:00Z","data":{"sender":"+393310000001"}}'


@pytest.mark.parametrize(("secret", "is_signed"), [(SECRET, True), (FOREIGN, False)])
async def test_only_the_right_secret_signs(tmp_path: Path, secret: str, is_signed: bool) -> None:
    now = datetime.now(UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", now, BODY),
    }

    async with running_sink(tmp_path / "log", secrets=[SECRET]) as sink, httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{sink.url}/crm", content=BODY, headers=headers)

    assert answer.status_code == 204
    assert [record["is_signed"] for record in read_journal(tmp_path / "log")] == [is_signed]


async def test_a_webhook_is_written_down_with_its_event(tmp_path: Path) -> None:
    async with running_sink(tmp_path / "log") as sink, httpx.AsyncClient(trust_env=False) as client:
        await client.post(f"{sink.url}/crm", content=BODY, headers={"webhook-id": "msg_1"})

    (record,) = read_journal(tmp_path / "log")
    assert (record["webhook_id"], record["event"], record["path"]) == ("msg_1", "keyword.matched", "/crm")


async def test_answers_are_given_in_turn_and_the_last_one_for_ever(tmp_path: Path) -> None:
    async with running_sink(tmp_path / "log", answers=[500, 204]) as sink, httpx.AsyncClient(trust_env=False) as client:
        answers = [(await client.post(sink.url, content=BODY)).status_code for _ in range(3)]

    assert answers == [500, 204, 204]
