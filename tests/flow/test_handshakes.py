"""Handshakes from end to end: a topic of Amazon SNS is subscribed, its certificate fetched, its messages taken."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import text

from tests.carriers.signing import SNS_CERTIFICATE_URL, aws, sns_certificate
from tests.cast import ANN, NOON, SEALER, SHARED, FakeClock, a_number
from tests.support.scene import FakeHttp
from twoway_router.carriers.http import HttpReply, HttpRequest, RawRequest
from twoway_router.config import Settings
from twoway_router.domain.ids import ConnectionId, new_id
from twoway_router.ingress.app import Ingress
from twoway_router.numbers import connection_service as connections
from twoway_router.numbers.connection_schemas import ConnectionIn
from twoway_router.outbound.errors import SendUnknown
from twoway_router.processes.handshakes import BackgroundHandshakes
from twoway_router.store import Engine, Session, System, changes, outbox, transaction
from twoway_router.store.engine import make_engine
from twoway_router.store.listen import Listener

TOPIC = "arn:aws:sns:eu-west-1:111122223333:inbound"
SUBSCRIBE_URL = f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=tok"
TIMESTAMP = "2026-11-22T11:59:58.123Z"
HANDSHAKE = {
    "Type": "SubscriptionConfirmation",
    "MessageId": "sns-1",
    "Token": "tok",
    "TopicArn": TOPIC,
    "Message": "You have chosen to subscribe",
    "SubscribeURL": SUBSCRIBE_URL,
    "Timestamp": TIMESTAMP,
}
MO = {"originationNumber": ANN, "destinationNumber": SHARED, "messageBody": "PIZZA", "inboundMessageId": "in-1"}
NOTIFICATION = {
    "Type": "Notification",
    "MessageId": "sns-2",
    "TopicArn": TOPIC,
    "Message": json.dumps(MO),
    "Timestamp": TIMESTAMP,
}


@dataclass(frozen=True, kw_only=True)
class Topic:
    """Amazon's side: it signs envelopes and serves its certificate and its confirmation."""

    client: httpx.AsyncClient
    handshakes: BackgroundHandshakes
    amazon: FakeHttp
    engine: Engine
    connection_id: ConnectionId

    async def post(self, envelope: dict[str, str]) -> int:
        path = f"/in/aws/{self.connection_id}/mo"
        unsigned = RawRequest(
            method="POST", path=path, query="", headers={}, body=json.dumps(envelope).encode(), url=path
        )
        signed = aws(unsigned, {}, NOON)
        answer = await self.client.post(path, content=signed.body, headers={"content-type": "text/plain"})
        return answer.status_code

    async def visited(self, condition: Callable[[], bool]) -> list[str]:
        """The URLs that were fetched by the time the condition held."""
        stop = asyncio.Event()
        run = asyncio.create_task(self.handshakes.run(stop))
        for _ in range(500):
            if condition():
                break
            await asyncio.sleep(0.01)
        stop.set()
        await run
        return [request.url for request in self.amazon.requests]

    async def has_certificate(self) -> list[str]:
        return await self.visited(lambda: SNS_CERTIFICATE_URL in self.handshakes.certificates)

    async def texts(self) -> list[str]:
        async with transaction(self.engine, System("test")) as session:
            return list(await session.scalars(text("SELECT text FROM inbound_messages")))


async def amazon(request: HttpRequest) -> HttpReply:
    is_certificate = urlsplit(request.url).path.endswith(".pem")
    return HttpReply(status=200, body=sns_certificate().encode() if is_certificate else b"<ConfirmSubscription/>")


async def an_ingress_of(database_url: str, engine: Engine, handshakes: BackgroundHandshakes) -> Ingress:
    """Started, with an errand boy."""
    ingress = Ingress(
        settings=Settings(),
        engine=engine,
        sealer=SEALER,
        listener=Listener(database_url, (changes.CHANNEL, outbox.CHANNEL)),
        handshakes=handshakes,
        certificates=handshakes.certificates,
        clock=FakeClock(),
    )
    await ingress.start()
    return ingress


async def an_aws_connection(session: Session) -> ConnectionId:
    wanted = ConnectionIn(
        name="aws",
        carrier="aws",
        settings={"topic_arns": TOPIC, "region": "eu-west-1", "access_key_id": "AKIA0"},
        secrets={"secret_access_key": "s3cret"},
    )
    row = await connections.create_connection(session, SEALER, wanted.to_row(new_id(), NOON), wanted.secrets)
    return ConnectionId(row.id)


@pytest.fixture
async def topic(database_url: str) -> AsyncIterator[Topic]:
    engine = make_engine(database_url, pool_size=3)
    async with transaction(engine, System("test")) as session:
        connection_id = await an_aws_connection(session)
        await a_number(session, connection_id)
    http = FakeHttp(answer=amazon)
    handshakes = BackgroundHandshakes(http)
    ingress = await an_ingress_of(database_url, engine, handshakes)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(ingress), base_url="http://in.router.example") as client:
        yield Topic(client=client, handshakes=handshakes, amazon=http, engine=engine, connection_id=connection_id)
    await engine.dispose()


async def test_without_the_certificate_amazon_is_asked_to_come_back_and_it_is_fetched(topic: Topic) -> None:
    status = await topic.post(NOTIFICATION)

    assert status == 503
    assert await topic.has_certificate() == [SNS_CERTIFICATE_URL]
    assert await topic.texts() == []


async def test_once_it_is_there_the_repeated_message_is_stored(topic: Topic) -> None:
    await topic.post(NOTIFICATION)
    await topic.has_certificate()

    status = await topic.post(NOTIFICATION)

    assert status == 200
    assert await topic.texts() == ["PIZZA"]


async def test_a_subscription_is_confirmed_by_visiting_its_address(topic: Topic) -> None:
    await topic.post(HANDSHAKE)
    await topic.has_certificate()

    status = await topic.post(HANDSHAKE)

    assert status == 200
    visited = await topic.visited(lambda: len(topic.amazon.requests) == 2)
    assert visited == [SNS_CERTIFICATE_URL, SUBSCRIBE_URL]
    assert await topic.texts() == []


@pytest.mark.parametrize(
    "envelope",
    [
        {**NOTIFICATION, "SigningCertURL": "https://evil.example/SimpleNotificationService.pem"},
        {**NOTIFICATION, "SigningCertURL": "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem"},
        {**NOTIFICATION, "SigningCertURL": "http://sns.eu-west-1.amazonaws.com/x.pem"},
        {**NOTIFICATION, "TopicArn": "arn:aws:sns:eu-west-1:999999999999:other"},
    ],
)
async def test_nothing_is_fetched_for_strangers(topic: Topic, envelope: dict[str, str]) -> None:
    status = await topic.post(envelope)

    assert status == 403
    await topic.visited(lambda: True)
    assert topic.amazon.requests == []


async def test_a_confirmation_address_elsewhere_is_never_visited(topic: Topic) -> None:
    await topic.post(HANDSHAKE)
    await topic.has_certificate()

    await topic.post({**HANDSHAKE, "SubscribeURL": "https://evil.example/?Action=ConfirmSubscription"})

    assert await topic.visited(lambda: True) == [SNS_CERTIFICATE_URL]


async def test_a_forged_envelope_is_refused(topic: Topic) -> None:
    await topic.post(NOTIFICATION)
    await topic.has_certificate()

    path = f"/in/aws/{topic.connection_id}/mo"
    forged = {**NOTIFICATION, "SignatureVersion": "2", "SigningCertURL": SNS_CERTIFICATE_URL, "Signature": "AAAA"}
    answer = await topic.client.post(path, content=json.dumps(forged))

    assert answer.status_code == 403
    assert await topic.texts() == []


async def test_what_is_no_certificate_is_not_kept(topic: Topic) -> None:
    async def junk(request: HttpRequest) -> HttpReply:
        return HttpReply(status=200, body=b"<html>busy</html>")

    topic.amazon.answer = junk
    await topic.post(NOTIFICATION)
    await topic.visited(lambda: len(topic.amazon.requests) == 1)

    topic.amazon.answer = amazon
    assert await topic.post(NOTIFICATION) == 503
    await topic.has_certificate()
    assert await topic.post(NOTIFICATION) == 200


async def test_a_certificate_that_could_not_be_fetched_is_fetched_at_the_next_try(topic: Topic) -> None:
    async def away(request: HttpRequest) -> HttpReply:
        raise SendUnknown("timeout")

    topic.amazon.answer = away
    await topic.post(NOTIFICATION)
    await topic.visited(lambda: len(topic.amazon.requests) == 1)

    topic.amazon.answer = amazon
    status = await topic.post(NOTIFICATION)

    assert status == 503
    assert await topic.has_certificate() == [SNS_CERTIFICATE_URL] * 2
