"""The ingress with one connection of any carrier, as its recorded requests know it, and the rows behind it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.carriers.cases import HOST, NOW, Case, sign, table
from tests.carriers.quirks.rewriting import a_draft
from tests.carriers.signing import SIGNERS
from tests.cast import PIZZERIA, SEALER, a_number, a_tenant
from tests.flow.doubles import NoErrands, a_listener
from tests.support.scene import FakeHttp
from twoway_router.carriers.http import HttpReply, HttpRequest, RawRequest
from twoway_router.config import Settings
from twoway_router.domain.ids import ConnectionId, NumberId, TenantId, new_id
from twoway_router.executor.connections import ConnectionBook
from twoway_router.executor.runs import MessageRunner, RunLimits
from twoway_router.ingress.app import Ingress
from twoway_router.keywords import service as keywords
from twoway_router.keywords.schemas import KeywordPut
from twoway_router.mts.delivery import Limits, SmsDelivery
from twoway_router.numbers import connection_service as connections
from twoway_router.numbers.connection_schemas import ConnectionIn
from twoway_router.outbound.sms import HttpSender
from twoway_router.store import Engine, Session, System, transaction
from twoway_router.store.engine import make_engine
from twoway_router.webhooks.listener import tell_endpoints

PIZZA = KeywordPut.model_validate({"word": "PIZZA", "actions": [{"kind": "reply", "text": "Ciao"}]})
SENDING = {"to": "{recipient}", "text": "{text}", "token": "{reply_token?}"}
SPECIAL = {"generic": {"settings": {"send_url": "https://gateway.example/send", "send_fields": SENDING}}}
"""What a connection needs here besides its recorded settings."""


@dataclass(frozen=True, kw_only=True)
class Door:
    """One carrier's door. ``sent`` signs a recorded request for the connection's own address and posts it."""

    carrier: str
    connection: ConnectionId
    number: NumberId
    tenant: TenantId
    client: httpx.AsyncClient
    engine: Engine
    ingress: Ingress

    def here(self, request: RawRequest) -> RawRequest:
        """The request at the connection's own address, unsigned."""
        path = request.path.replace(f"/{self.carrier}/1/", f"/{self.carrier}/{self.connection}/")
        url = f"{HOST}{path}" + (f"?{request.query}" if request.query else "")
        return replace(request, path=path, url=url)

    def signed(self, request: RawRequest) -> RawRequest:
        return sign(self.carrier, self.here(request))

    async def post(self, request: RawRequest) -> httpx.Response:
        """As it is, to wherever it is addressed."""
        target = request.path + (f"?{request.query}" if request.query else "")
        headers = [(name.encode(), value.encode("latin-1")) for name, value in request.headers.items()]
        return await self.client.request(request.method, target, content=request.body, headers=headers)

    async def send(self, name: str | None = None, **changes: Any) -> httpx.Response:
        """A recorded message, changed and signed."""
        return await self.post(self.signed(a_draft(self.carrier, name).change(**changes).unsigned()))

    async def record(self, name: str) -> httpx.Response:
        """A recorded request as it is, signed."""
        return await self.post(self.signed(Case(self.carrier, name).unsigned()))

    async def rows(self, query: str) -> list[Any]:
        async with transaction(self.engine, System("test")) as session:
            return list((await session.execute(text(query))).all())

    async def run(self) -> None:
        """Everything that waits for its actions."""
        ids = [row.id for row in await self.rows("SELECT id FROM inbound_messages WHERE state = 'accepted'")]
        limits = RunLimits(tries=1, mt_lifetime=timedelta(hours=12))
        await MessageRunner(self.engine, limits=limits, clock=lambda: NOW, tell=tell_endpoints).run(ids)

    async def deliver(self) -> list[HttpRequest]:
        """What goes out for all that is planned."""
        http = FakeHttp(answer=_taken)
        limits = Limits(lease=timedelta(seconds=60), timeout=timedelta(seconds=20), receipt_wait=timedelta(seconds=60))
        book = ConnectionBook(SEALER, HOST)
        sms = SmsDelivery(
            self.engine,
            HttpSender(http),
            book,
            limits=limits,
            clock=lambda: NOW,
            tell=tell_endpoints,
            chance=lambda: 0.5,
        )
        await sms.deliver([row.id for row in await self.rows("SELECT id FROM outbound_messages ORDER BY id")])
        await sms.drain()
        return http.requests

    async def texts(self) -> list[str]:
        return [row.text for row in await self.rows("SELECT text FROM inbound_messages ORDER BY id")]


async def _taken(_: HttpRequest) -> HttpReply:
    return HttpReply(status=202)


async def a_connection_of(session: Session, carrier: str, **changes: Any) -> ConnectionId:
    """The recorded connection of a carrier."""
    told = table(carrier)["connection"] | SPECIAL.get(carrier, {}) | changes
    wanted = ConnectionIn(
        name=f"{carrier} {new_id()}",
        carrier=carrier,
        country=told.get("country"),
        settings=told.get("settings", {}),
        secrets=told.get("secrets", {}),
    )
    row = await connections.create_connection(session, SEALER, wanted.to_row(new_id(), NOW), wanted.secrets)
    return ConnectionId(row.id)


@pytest.fixture
async def door(carrier: str, database_url: str) -> AsyncIterator[Door]:
    """The door of the test's ``carrier``; the pizzeria holds PIZZA on the number that the recorded messages name."""
    engine = make_engine(database_url, pool_size=3)
    async with transaction(engine, System("test")) as session:
        tenant = await a_tenant(session, PIZZERIA)
        connection = await a_connection_of(session, carrier)
        address = a_draft(carrier).message().recipient
        country = table(carrier)["connection"].get("country", "IT")
        owner = tenant if address.startswith("+") else None
        number = await a_number(session, connection, address, country=country, owner=owner)
        await keywords.claim(session, tenant, PIZZA.to_claim(number), now=NOW)
    ingress = Ingress(
        settings=Settings(public_url=HOST),
        engine=engine,
        sealer=SEALER,
        listener=a_listener(database_url),
        handshakes=NoErrands(),
        certificates=SIGNERS.certificates,
        clock=lambda: NOW,
    )
    await ingress.start()
    transport = httpx.ASGITransport(ingress)
    async with httpx.AsyncClient(transport=transport, base_url="http://10.0.0.7:8080") as client:
        yield Door(
            carrier=carrier,
            connection=connection,
            number=number,
            tenant=tenant,
            client=client,
            engine=engine,
            ingress=ingress,
        )
    await engine.dispose()
