"""A stage for the executor: real database, fake carrier. Jobs are taken from the outbox by hand, so tests decide when."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import CursorResult, text

from tests.cast import ANN, GYM, NOON, PIZZERIA, PUBLIC_URL, SEALER, FakeClock, a_number, a_tenant, an_id
from twoway_router.carriers.http import HttpReply, HttpRequest
from twoway_router.domain.ids import ConnectionId, NumberId, TenantId, new_id
from twoway_router.executor.connections import ConnectionBook
from twoway_router.executor.runs import BATCH_ROWS, MessageRunner, RunLimits
from twoway_router.inbound.tables import InboundMessages
from twoway_router.keywords.tables import KeywordRevisions, Keywords
from twoway_router.mts.delivery import Limits, SmsDelivery
from twoway_router.numbers import connection_service as connections
from twoway_router.numbers.connection_schemas import ConnectionIn
from twoway_router.outbound.sms import HttpSender
from twoway_router.store import Engine, Session, System, transaction
from twoway_router.store.outbox import order_key
from twoway_router.webhooks.listener import tell_endpoints

Answer = Callable[[HttpRequest], Awaitable[HttpReply]]


async def taken(request: HttpRequest) -> HttpReply:
    """A carrier that takes every MT and names it after our reference."""
    reference = orjson.loads(request.body)["reference"]
    return HttpReply(status=200, headers={}, body=orjson.dumps({"id": f"c-{reference}"}))


@dataclass(kw_only=True, slots=True)
class FakeHttp:
    """An ``HttpClient`` that records requests and answers as it is told."""

    answer: Answer = taken
    requests: list[HttpRequest] = field(default_factory=list)

    async def send(self, request: HttpRequest, *, timeout: timedelta) -> HttpReply:
        self.requests.append(request)
        return await self.answer(request)

    async def close(self) -> None:
        """Nothing is open."""

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [orjson.loads(request.body) for request in self.requests]

    @property
    def texts(self) -> list[str]:
        return [body["text"] for body in self.bodies]


@dataclass(kw_only=True, slots=True)
class Scene:
    """One connection, one shared number, two tenants."""

    engine: Engine
    clock: FakeClock
    connection_id: ConnectionId
    number_id: NumberId
    pizzeria: TenantId
    gym: TenantId
    http: FakeHttp = field(default_factory=FakeHttp)

    def runner(self, *, tries: int = 5, rows: int = BATCH_ROWS) -> MessageRunner:
        """A new executor's part for ``message.run``; ``rows`` is how many messages it runs in one transaction."""
        limits = RunLimits(tries=tries, mt_lifetime=timedelta(hours=12))
        return MessageRunner(self.engine, limits=limits, clock=self.clock, tell=tell_endpoints, rows=rows)

    def sms(self, http: FakeHttp | None = None, *, process_number: int | None = None) -> SmsDelivery:
        """A new executor's part for ``sms.deliver``."""
        limits = Limits(
            lease=timedelta(seconds=60),
            timeout=timedelta(seconds=20),
            receipt_wait=timedelta(seconds=120),
            process_number=process_number,
        )
        book = ConnectionBook(SEALER, PUBLIC_URL)
        return SmsDelivery(
            self.engine,
            HttpSender(http or self.http),
            book,
            limits=limits,
            clock=self.clock,
            tell=tell_endpoints,
            chance=lambda: 0.5,
        )

    async def take_jobs(self, job: str) -> list[UUID]:
        """The ids of jobs that are available by the scene's clock, taken from the outbox."""
        statement = text("DELETE FROM outbox WHERE job = :job AND available_at <= :now RETURNING id, ids")
        async with transaction(self.engine, System("test")) as session:
            rows = (await session.execute(statement, {"job": job, "now": max(self.clock(), NOON)})).all()
        return [each for row in sorted(rows) for each in row.ids]

    async def add_inbound(
        self, words: str = "PIZZA", *, sender: str = ANN, tenant_id: TenantId | None = None, **columns: Any
    ) -> UUID:
        """An accepted MO; its job is the caller's business."""
        message_id = new_id() if "at" not in columns else an_id(columns.pop("at"))
        owner = tenant_id or self.number_id
        values: dict[str, Any] = {
            "id": message_id,
            "connection_id": self.connection_id,
            "carrier_message_id": str(message_id),
            "number_id": self.number_id,
            "tenant_id": tenant_id,
            "sender": sender,
            "sender_kind": "msisdn",
            "recipient": "12345",
            "text": words,
            "state": "accepted",
            "order_key": order_key(owner, sender),
            "route": "keyword",
            "rule": "keyword",
            "rest": words.partition(" ")[2],
            "route_details": {"word": words.partition(" ")[0]},
            "received_at": self.clock(),
        }
        async with transaction(self.engine, System("test")) as session:
            session.add(InboundMessages(**(values | columns)))
        return message_id

    async def add_keyword(self, tenant_id: TenantId, *actions: Mapping[str, Any], **definition: Any) -> UUID:
        """A keyword with one revision."""
        keyword_id = new_id()
        content = {"word": "PIZZA", "actions": list(actions), **definition}
        async with transaction(self.engine, System("test")) as session:
            session.add(
                Keywords(
                    id=keyword_id,
                    tenant_id=tenant_id,
                    number_id=self.number_id,
                    word="PIZZA",
                    state="active",
                    revision=1,
                    definition=content,
                )
            )
            session.add(KeywordRevisions(keyword_id=keyword_id, revision=1, tenant_id=tenant_id, definition=content))
        return keyword_id

    async def ask(self, keyword_id: UUID, words: str = "PIZZA", **columns: Any) -> UUID:
        """An accepted MO of the pizzeria's keyword."""
        owner: dict[str, Any] = {"tenant_id": self.pizzeria, "keyword_id": keyword_id, "keyword_revision": 1}
        return await self.add_inbound(words, **(owner | columns))

    async def rows(self, statement: str, **parameters: Any) -> Sequence[Any]:
        """Whatever a test wants to see."""
        async with transaction(self.engine, System("test")) as session:
            result = await session.execute(text(statement), parameters)
            return result.all() if isinstance(result, CursorResult) and result.returns_rows else []

    async def mts(self) -> Sequence[Any]:
        """All MTs, oldest first."""
        return await self.rows("SELECT * FROM outbound_messages ORDER BY id")

    async def states(self) -> list[str]:
        """The states of all MTs, oldest first."""
        return [mt.state for mt in await self.mts()]


async def set_scene(engine: Engine, *, settings: Mapping[str, Any] | None = None, **number: Any) -> Scene:
    """A scene at noon. ``settings`` change the connection: ``capability`` and the like."""
    clock = FakeClock()
    async with transaction(engine, System("test")) as session:
        connection_id = await _connection(session, settings or {})
        number_id = await a_number(session, connection_id, **number)
        pizzeria, gym = await a_tenant(session, PIZZERIA), await a_tenant(session, GYM)
    return Scene(
        engine=engine, clock=clock, connection_id=connection_id, number_id=number_id, pizzeria=pizzeria, gym=gym
    )


async def _connection(session: Session, settings: Mapping[str, Any]) -> ConnectionId:
    wanted = ConnectionIn(
        name="lab",
        carrier="generic",
        country="IT",
        settings={"send_url": "https://lab.example/send", **settings},
        secrets={"key": "carrier-key"},
    )
    row = wanted.to_row(new_id(), NOON)
    return ConnectionId((await connections.create_connection(session, SEALER, row, wanted.secrets)).id)


def later(**duration: float) -> datetime:
    """A moment after noon."""
    return NOON + timedelta(**duration)
