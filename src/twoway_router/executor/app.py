"""The executor role: its parts made from the settings. Built by ``processes``."""

from datetime import timedelta

from twoway_router.carriers.registry import SANDBOX
from twoway_router.config import Settings
from twoway_router.dispatch.port import Transport
from twoway_router.domain.addresses import read_networks
from twoway_router.domain.clock import Clock
from twoway_router.emails import service as emails
from twoway_router.emails.delivery import EmailDelivery
from twoway_router.executor.connections import ConnectionBook
from twoway_router.executor.owners import email_owners, tell_nobody
from twoway_router.executor.runner import Delivery, JobRunner
from twoway_router.executor.runs import MessageRunner, RunLimits
from twoway_router.mts.delivery import Limits, SmsDelivery
from twoway_router.mts.rules import MtClass, job_of
from twoway_router.outbound.email import SmtpServer
from twoway_router.outbound.http import PooledHttpClient
from twoway_router.outbound.network import Guard
from twoway_router.outbound.sms import HttpSender, SenderByCarrier
from twoway_router.sandbox import delivery as sandbox
from twoway_router.sandbox.delivery import SandboxCarrier
from twoway_router.store import Engine
from twoway_router.store.sealing import Sealer
from twoway_router.webhooks import service as webhooks
from twoway_router.webhooks.delivery import WebhookDelivery, WebhookLimits
from twoway_router.webhooks.listener import tell_endpoints
from twoway_router.webhooks.rules import PORTS


class Executor:
    """Runs actions and makes deliveries until it is drained."""

    def __init__(
        self,
        *,
        settings: Settings,
        engine: Engine,
        sealer: Sealer,
        transport: Transport,
        process_number: int,
        clock: Clock,
    ) -> None:
        allowed = read_networks(settings.webhook_allowed_networks)
        self._drain: timedelta = settings.drain
        limits = Limits(
            lease=settings.mt_lease,
            timeout=settings.mt_timeout,
            receipt_wait=settings.mt_receipt_wait,
            process_number=process_number,
        )
        posting = WebhookLimits(
            lease=settings.webhook_lease, timeout=settings.webhook_timeout, process_number=process_number
        )
        # as many connections as tries at once: a try that waited for one would use up its time and its lease
        self._carriers = PooledHttpClient(Guard(allowed=allowed), connections=limits.at_once)
        self._webhooks = PooledHttpClient(
            Guard(allowed=allowed, ports=PORTS, is_tls_required=True), connections=posting.at_once
        )
        sandboxes = SandboxCarrier(engine, clock=clock, tell=tell_endpoints)
        smtp = smtp_server(settings)
        sms = SmsDelivery(
            engine,
            SenderByCarrier(HttpSender(self._carriers), {SANDBOX: sandboxes}),
            ConnectionBook(sealer, settings.public_url),
            limits=limits,
            clock=clock,
            tell=tell_endpoints,
        )
        deliveries: dict[str, Delivery] = {
            job_of(MtClass.ANSWER): sms,
            job_of(MtClass.BULK): sms.bulk,
            webhooks.JOB: WebhookDelivery(
                engine,
                self._webhooks,
                sealer,
                limits=posting,
                clock=clock,
                tell_owners=email_owners if smtp else tell_nobody,
            ),
            sandbox.JOB: sandboxes,
        }
        if smtp:
            deliveries[emails.JOB] = EmailDelivery(engine, smtp, clock=clock, process_number=process_number)
        running = RunLimits(tries=settings.run_tries, mt_lifetime=settings.mt_lifetime)
        runner = MessageRunner(engine, limits=running, clock=clock, tell=tell_endpoints)
        self._jobs = JobRunner(transport, runner, deliveries, prefetch=settings.prefetch)

    async def start(self) -> None:
        """Begin to consume."""
        await self._jobs.start()

    async def drain(self) -> None:
        """Take nothing new, finish what has begun."""
        await self._jobs.drain(self._drain * 0.8)

    async def close(self) -> None:
        """Close every connection to the outside."""
        await self._carriers.close()
        await self._webhooks.close()


def smtp_server(settings: Settings) -> SmtpServer | None:
    """The SMTP server of the settings, if there is one."""
    if settings.smtp_host is None:
        return None
    return SmtpServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        sender=settings.email_sender,
        tls=settings.smtp_tls,
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
    )
