"""A webhook goes only to who can prove the name in its URL."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.raw_server import read_request
from twoway_router.carriers.http import HttpRequest
from twoway_router.domain.addresses import Address, read_networks
from twoway_router.outbound.errors import SendRefused
from twoway_router.outbound.http import PooledHttpClient
from twoway_router.outbound.network import Guard

NAME = "crm.example"


def write_certificate(folder: Path, name: str = NAME) -> tuple[Path, Path]:
    """A certificate for a name that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[tuple[int, Path, list[bytes]]]:
    """An HTTPS server for NAME on the loopback: port, certificate, heads of the requests it got."""
    certificate, key = write_certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, _ = await read_request(reader)
        heads.append(head)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    found = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    yield found.sockets[0].getsockname()[1], certificate, heads
    found.close()


async def here(host: str, port: int) -> Sequence[Address]:
    """Every name is the loopback."""
    return [ip_address("127.0.0.1")]


async def post(url: str, context: ssl.SSLContext | None) -> int:
    """The status of one request."""
    guard = Guard(allowed=read_networks(["127.0.0.0/8"]), is_tls_required=True)
    client = PooledHttpClient(guard, resolver=here, ssl_context=context)
    reply = await client.send(HttpRequest(method="POST", url=url, body=b"{}"), timeout=timedelta(seconds=5))
    await client.close()
    return reply.status


async def test_the_name_in_the_url_is_what_the_certificate_must_prove(server: tuple[int, Path, list[bytes]]) -> None:
    port, certificate, heads = server

    status = await post(f"https://{NAME}:{port}/hook", ssl.create_default_context(cafile=certificate))

    assert status == 200
    assert f"host: {NAME}:{port}".encode() in heads[0]


@pytest.mark.parametrize("is_trusted", [True, False])
async def test_another_name_or_an_unknown_issuer_gets_nothing(
    server: tuple[int, Path, list[bytes]], is_trusted: bool
) -> None:
    port, certificate, heads = server
    context = ssl.create_default_context(cafile=certificate) if is_trusted else None

    with pytest.raises(SendRefused) as caught:
        await post(f"https://{'other.example' if is_trusted else NAME}:{port}/hook", context)

    assert (caught.value.reason, heads) == ("certificate_invalid", [])


async def test_plain_text_where_tls_was_expected_is_refused() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    plain = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = plain.sockets[0].getsockname()[1]

    with pytest.raises(SendRefused) as caught:
        await post(f"https://{NAME}:{port}/hook", None)
    plain.close()

    assert caught.value.reason in {"tls_failed", "connect_failed"}
