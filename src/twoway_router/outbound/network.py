"""Opens the connections of ``outbound.http``: resolves a name once, judges every address, connects to a judged one.

The URL, the Host header and the TLS name stay as they were, so a certificate is checked against the name while a
name that resolves differently a second time (rebinding) gains nothing.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from twoway_router.domain.addresses import Address, Network, is_allowed, may_reach, read_address
from twoway_router.outbound.connection import Connection
from twoway_router.outbound.errors import SendRefused

Resolver = Callable[[str, int], Awaitable[Sequence[Address]]]
CONNECT_SECONDS: Final = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """One destination: what a pool is kept for. ``host`` is a name in ASCII (IDNA) or an address literal."""

    is_tls: bool
    host: str
    port: int

    @property
    def authority(self) -> str:
        """The Host header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """Where requests may go. ``ports`` None means any port; an allowed network is free of every rule."""

    allowed: Sequence[Network] = ()
    ports: frozenset[int] | None = None
    is_tls_required: bool = False

    def judge(self, origin: Origin, addresses: Sequence[Address]) -> None:
        """Refuse unless all addresses may be reached: one bad address refuses the name as a whole."""
        if not addresses:
            raise SendRefused("name_not_resolved")
        if not all(may_reach(address, self.allowed) for address in addresses):
            raise SendRefused("address_not_allowed")
        if all(is_allowed(address, self.allowed) for address in addresses):
            return
        if self.ports is not None and origin.port not in self.ports:
            raise SendRefused("port_not_allowed")
        if self.is_tls_required and not origin.is_tls:
            raise SendRefused("https_required")


async def resolve(host: str, port: int) -> Sequence[Address]:
    """Every address of a name, as the system's resolver gives them; it also reads odd spellings of literals."""
    loop = asyncio.get_running_loop()
    try:
        entries = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise SendRefused("name_not_resolved") from error
    found = dict.fromkeys(read_address(str(entry[4][0])) for entry in entries)
    if None in found:
        raise SendRefused("address_not_allowed")
    return [address for address in found if address is not None]


async def connect(origin: Origin, guard: Guard, resolver: Resolver, context: ssl.SSLContext) -> Connection:
    """A fresh connection to the first judged address that answers, encrypted where the URL says so."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            literal = read_address(origin.host)
            addresses = [literal] if literal is not None else await resolver(origin.host, origin.port)
            guard.judge(origin, addresses)
            return await _open(origin, addresses, context)
    except TimeoutError as error:
        raise SendRefused("connect_timeout") from error


async def _open(origin: Origin, addresses: Sequence[Address], context: ssl.SSLContext) -> Connection:
    loop = asyncio.get_running_loop()
    reason = "connect_failed"
    for address in addresses:
        try:
            _, connection = await loop.create_connection(
                Connection,
                str(address),
                origin.port,
                ssl=context if origin.is_tls else None,
                server_hostname=origin.host if origin.is_tls else None,
            )
        except ssl.SSLCertVerificationError:
            reason = "certificate_invalid"
        except ssl.SSLError:
            reason = "tls_failed"
        except OSError:
            reason = "connect_failed"
        else:
            return connection
    raise SendRefused(reason)
