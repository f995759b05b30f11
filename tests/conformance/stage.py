"""The whole path over real sockets: simulated carrier → ingress → PostgreSQL → executor → simulated carrier.

Nothing runs by itself: jobs are taken from the outbox by hand, and time goes on when a test says so.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from ipaddress import ip_network
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CursorResult, text
from starlette.types import Receive, Scope, Send

from tests.cast import NOON, SEALER, FakeClock, a_number, a_tenant
from tests.flow.doubles import NoErrands
from twoway_router.config import Settings
from twoway_router.domain.ids import ConnectionId, NumberId, TenantId, new_id
from twoway_router.executor.connections import ConnectionBook
from twoway_router.executor.runs import MessageRunner, RunLimits
from twoway_router.ingress.app import Ingress
from twoway_router.keywords import service as keywords
from twoway_router.keywords.schemas import KeywordPut
from twoway_router.lab.behaviour import Behaviour, RetryRule
from twoway_router.lab.carrier import SimulatedCarrier, running_carrier
from twoway_router.lab.dialects.dialect import Account, Ack, Dialect, Mt
from twoway_router.lab.dialects.registry import DIALECTS
from twoway_router.lab.emitter import Emission
from twoway_router.lab.mos import Disorder, Mo
from twoway_router.lab.web import serving
from twoway_router.mts.delivery import Limits, SmsDelivery
from twoway_router.numbers import connection_service as connections
from twoway_router.numbers.connection_schemas import ConnectionIn
from twoway_router.outbound.http import PooledHttpClient
from twoway_router.outbound.network import Guard
from twoway_router.outbound.sms import HttpSender
from twoway_router.store import Engine, System, transaction
from twoway_router.store.engine import make_engine
from twoway_router.store.listen import Listener
from twoway_router.webhooks.listener import tell_endpoints

WORD: Final = "PIZZA"
REPLY: Final = "Buon appetito, è pronta: {{ message.rest }}"
NO_PATIENCE: Final = RetryRule(tries=3, first_seconds=0.01, longest_seconds=0.01)
PATIENCE_SECONDS: Final = 10.0
_RECEIPT_WAIT: Final = timedelta(seconds=120)


def reply_to(rest: str) -> str:
    """What the keyword answers."""
    return REPLY.replace("{{ message.rest }}", rest)


@dataclass(kw_only=True, slots=True)
class Router:
    """One ingress, one carrier of each kind and what an executor needs, for all tests of a session."""

    engine: Engine
    ingress: Ingress
    url: str
    http: PooledHttpClient
    clock: FakeClock
    carriers: Mapping[str, SimulatedCarrier]
    turns: "count[int]" = field(default_factory=lambda: count(10_000))

    async def rows(self, statement: str, **parameters: Any) -> Sequence[Any]:
        """Whatever a test wants to see."""
        async with transaction(self.engine, System("test")) as session:
            result = await session.execute(text(statement), parameters)
            return result.all() if isinstance(result, CursorResult) and result.returns_rows else []

    async def take_jobs(self, job: str) -> list[UUID]:
        """The ids of jobs that are due by our clock."""
        statement = "DELETE FROM outbox WHERE job = :job AND available_at <= :now RETURNING id, ids"
        rows = await self.rows(statement, job=job, now=self.clock())
        return [each for row in sorted(rows) for each in row.ids]


@dataclass(kw_only=True, slots=True)
class Line:
    """A connection of a carrier with one number, one keyword and a handset of its own."""

    router: Router
    carrier: SimulatedCarrier
    connection_id: ConnectionId
    number_id: NumberId
    tenant_id: TenantId
    address: str
    handset: str
    receipts_before: int

    @property
    def dialect(self) -> Dialect:
        return self.carrier.dialect

    @property
    def mo_url(self) -> str:
        return f"{self.router.url}/in/{self.dialect.name}/{self.connection_id}/mo"

    @property
    def receipt_url(self) -> str:
        """Where receipts go that are not told where by their MT."""
        return f"{self.router.url}/in/{self.dialect.name}/{self.connection_id}/dlr"

    def an_mo(self, words: str, *, variant: str = "") -> Mo:
        """One MO of our handset; emitted twice it is a carrier's repeat."""
        turn = next(self.router.turns)
        return Mo(
            id=f"mo-{turn}",
            sender=self.handset,
            recipient=self.address,
            text=words,
            at=self.router.clock() - timedelta(seconds=2),
            variant=variant,
        )

    async def say(self, words: str, *, variant: str = "", disorder: Disorder | None = None) -> Emission:
        """One MO, brought to the ingress."""
        return await self.emit(self.an_mo(words, variant=variant), disorder=disorder)

    async def emit(self, mo: Mo, *, disorder: Disorder | None = None, account: Account | None = None) -> Emission:
        return await self.carrier.emit(self.mo_url, mo, disorder=disorder, account=account)

    async def run(self) -> None:
        """Everything that waits, by a new executor: actions, then sends."""
        limits = RunLimits(tries=5, mt_lifetime=timedelta(hours=12))
        runner = MessageRunner(self.router.engine, limits=limits, clock=self.router.clock, tell=tell_endpoints)
        if ids := await self.router.take_jobs("message.run"):
            await runner.run(ids)
        await self.send()

    async def send(self) -> None:
        """The MTs that are due, by a new executor."""
        if ids := await self.router.take_jobs("sms.deliver"):
            sms = self._sms()
            await sms.deliver(ids)
            await sms.drain()

    async def wait(self, seconds: float) -> None:
        """Let time go on, and do what is due then."""
        self.router.clock.advance(seconds=seconds)
        await self.send()

    async def inbound(self) -> Sequence[Any]:
        """What is stored of our MOs."""
        return await self._mine("SELECT * FROM inbound_messages WHERE connection_id = :id ORDER BY id")

    async def mts(self) -> Sequence[Any]:
        """Our ledger."""
        query = "SELECT m.* FROM outbound_messages m JOIN numbers n ON n.id = m.number_id WHERE n.connection_id = :id"
        return await self._mine(f"{query} ORDER BY m.id")

    async def the_mt(self) -> Any:
        """The only MT."""
        (mt,) = await self.mts()
        return mt

    async def quarantined(self) -> Sequence[Any]:
        return await self._mine("SELECT * FROM quarantined_requests WHERE connection_id = :id")

    async def suppressed(self) -> Sequence[tuple[str, str]]:
        """Who gets nothing from our number any more, and why."""
        query = "SELECT msisdn, reason FROM suppressions WHERE number_id = :id AND state = 'stopped'"
        return [(row.msisdn, row.reason) for row in await self.router.rows(query, id=self.number_id)]

    @property
    def received(self) -> Sequence[Mt]:
        """What handsets got from our number."""
        return [mt for mt in self.carrier.mts.items if mt.sender == self.address and not mt.is_repeat]

    def behave(self, **wanted: Any) -> None:
        """From now on the carrier behaves like this."""
        self.carrier.behaviour = Behaviour.model_validate({"retry": NO_PATIENCE, **wanted})

    def _sms(self) -> SmsDelivery:
        limits = Limits(lease=timedelta(seconds=60), timeout=timedelta(seconds=20), receipt_wait=_RECEIPT_WAIT)
        return SmsDelivery(
            self.router.engine,
            HttpSender(self.router.http),
            ConnectionBook(SEALER, self.router.url),
            limits=limits,
            clock=self.router.clock,
            tell=tell_endpoints,
            chance=lambda: 0.5,
        )

    async def _mine(self, statement: str) -> Sequence[Any]:
        return await self.router.rows(statement, id=self.connection_id)


@asynccontextmanager
async def running_router(database_url: str, folder: Path) -> AsyncIterator[Router]:
    """A router whose ingress listens while the block runs."""
    door: list[Ingress] = []

    async def enter(scope: Scope, receive: Receive, send: Send) -> None:
        await door[0](scope, receive, send)

    engine, clock = make_engine(database_url), FakeClock()
    http = PooledHttpClient(Guard(allowed=(ip_network("127.0.0.0/8"),)))
    async with serving(enter) as url:
        ingress = Ingress(
            settings=Settings(public_url=url),
            engine=engine,
            sealer=SEALER,
            listener=Listener(database_url, ()),
            handshakes=NoErrands(),
            certificates={at: pem for dialect in DIALECTS.values() for at, pem in dialect.certificates.items()},
            clock=clock,
        )
        door.append(ingress)
        await ingress.start()
        async with AsyncExitStack() as stack:
            carriers = {
                name: await stack.enter_async_context(
                    running_carrier(folder / f"{name}.jsonl", dialect=dialect, clock=clock)
                )
                for name, dialect in DIALECTS.items()
            }
            yield Router(engine=engine, ingress=ingress, url=url, http=http, clock=clock, carriers=carriers)
        await ingress.drain()
    await http.close()
    await engine.dispose()


async def open_line(router: Router, carrier: str, **settings: object) -> Line:
    """A new connection to a simulated carrier that behaves well. ``settings`` change the connection."""
    await router.rows("DELETE FROM outbox")
    line = await _set_up(router, router.carriers[carrier], f"{next(router.turns)}", dict(settings))
    line.behave()
    await router.ingress.follower.catch_up()
    return line


async def _set_up(router: Router, carrier: SimulatedCarrier, address: str, settings: dict[str, object]) -> Line:
    account = carrier.account
    numbered = dict.fromkeys(carrier.dialect.number_settings, address)
    account = replace(account, settings={**account.settings, **numbered, **settings}).at(carrier.url)
    wanted = ConnectionIn.model_validate(
        {
            "name": f"lab {address}",
            "carrier": account.carrier,
            "country": account.country,
            "settings": dict(account.settings),
            "secrets": dict(account.secrets),
        }
    )
    async with transaction(router.engine, System("test")) as session:
        row = await connections.create_connection(session, SEALER, wanted.to_row(new_id(), NOON), wanted.secrets)
        connection_id = ConnectionId(row.id)
        number_id = await a_number(session, connection_id, address, country=account.country)
        tenant_id = await a_tenant(session, f"Pizzeria {address}")
        put = KeywordPut.model_validate({"word": WORD, "actions": [{"kind": "reply", "text": REPLY}]})
        await keywords.claim(session, tenant_id, put.to_claim(number_id, is_override=True), now=router.clock())
    return Line(
        router=router,
        carrier=carrier,
        connection_id=connection_id,
        number_id=number_id,
        tenant_id=tenant_id,
        address=address,
        handset=f"+3932000{address}",
        receipts_before=len(carrier.receipts.items),
    )


async def settled(line: Line, count: int) -> Sequence[Ack]:
    """What became of the carrier's receipts, once it has brought ``count`` of them or given them up."""
    wanted = line.receipts_before + count
    found = await line.carrier.receipts.wait_for(
        lambda acks: acks if len(acks) >= wanted else None, timeout_seconds=PATIENCE_SECONDS
    )
    assert found is not None, f"fewer than {count} receipts"
    return found[line.receipts_before :]
