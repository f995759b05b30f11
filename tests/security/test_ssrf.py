"""A tenant's URL never makes us connect to anything but the public internet, however it is written or resolved."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.raw_server import raw_server
from twoway_router.carriers.http import HttpRequest
from twoway_router.domain.addresses import Address, is_public, may_reach, read_networks, unwrap
from twoway_router.outbound.errors import SendRefused
from twoway_router.outbound.http import PooledHttpClient
from twoway_router.outbound.network import Guard, resolve

INNER_V4 = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.254",
    "127.0.0.1",
    "127.0.0.53",
    "127.255.255.254",
    "169.254.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
]
INNER_V6 = [
    "::1",
    "::",
    "::2",
    "::127.0.0.1",
    "::10.0.0.1",
    "::ffff:0:127.0.0.1",
    "100::1",
    "2001::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "64:ff9b:1::1",
    "2606:4700::5efe:7f00:1",
    "2606:4700::200:5efe:a00:1",
]
MAPPED = [f"::ffff:{address}" for address in INNER_V4]
NAT64 = [f"64:ff9b::{address}" for address in INNER_V4]
SPELLINGS = [
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "127.1",
    "127.0.1",
    "0",
    "0x0",
    "0xa9fea9fe",
    "2852039166",
    "0xa9.0xfe.0xa9.0xfe",
    "0251.0376.0251.0376",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "127.0.0.1.",
    "⑫7.0.0.1",
    "127。0。0。1",
    "１２７.０.０.１",
]
HOSTS = [*INNER_V4, *SPELLINGS, *(f"[{address}]" for address in (*INNER_V6, *MAPPED, *NAT64))]
SHAPES = [
    "http://user@127.0.0.1:{port}/",
    "http://user:secret@127.0.0.1:{port}/",
    "http://crm.example@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@crm.example/",
    "http://127.0.0.1:{port}?@crm.example/",
    "http://crm.example:80@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@crm.example/",
    "http:\\\\127.0.0.1:{port}\\",
    "http:/127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "ftp://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_x",
    "unix:///run/docker.sock",
    "http+unix://%2Frun%2Fdocker.sock/",
    "http://127.0.0.1%00.crm.example:{port}/",
    "http://127.0.0.1%2f@crm.example:{port}/",
    "http://[::1%25lo]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://127.0.0.1:{port}/\r\nx: y",
    "http://127.0.0.1:{port}/ HTTP/1.1\r\nx: y",
    "http://127.0.0.1:0/",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1:-1/",
    "http:///",
    "http://",
    "",
    "javascript:alert(1)",
    "data:text/plain,x",
    " http://127.0.0.1:{port}/",
    "http://127.0.0.1\t:{port}/",
]
URLS = [*(f"http://{host}:{{port}}/" for host in HOSTS), *SHAPES]
REAL = ip_address("93.184.215.14")


def test_the_table_is_long_enough() -> None:
    assert len(set(URLS)) >= 100


@pytest.mark.parametrize("url", URLS)
async def test_a_hostile_url_is_refused_before_a_connection_is_made(url: str) -> None:
    client = PooledHttpClient(Guard())
    async with raw_server(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n") as server:
        request = HttpRequest(method="POST", url=url.replace("{port}", str(server.port)), body=b"{}")
        with pytest.raises(SendRefused) as caught:
            await client.send(request, timeout=timedelta(seconds=3))
        await asyncio.sleep(0)

    assert (server.connections, caught.value.reason) in {
        (0, reason) for reason in ("address_not_allowed", "url_not_allowed", "name_not_resolved")
    }


class Rebinding:
    """A resolver that answers each question with the next of its answers, the last one for ever."""

    def __init__(self, *answers: Sequence[Address]) -> None:
        self._answers = list(answers)
        self.questions = 0

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        self.questions += 1
        return self._answers[min(self.questions, len(self._answers)) - 1]


async def attempt(resolver: Rebinding, guard: Guard | None = None) -> str:
    """Why a request to a name was refused."""
    client = PooledHttpClient(guard or Guard(), resolver=resolver)
    request = HttpRequest(method="POST", url="https://crm.example/hook", body=b"{}")
    with pytest.raises(SendRefused) as caught:
        await client.send(request, timeout=timedelta(milliseconds=50))
    return caught.value.reason


@pytest.mark.parametrize("inner", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "64:ff9b::a00:1"])
async def test_one_bad_address_among_good_ones_refuses_the_name(inner: str) -> None:
    reason = await attempt(Rebinding([REAL, ip_address(inner)]))

    assert reason == "address_not_allowed"


async def test_a_name_that_resolves_differently_the_second_time_is_refused_then() -> None:
    closing = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    resolver = Rebinding([ip_address("127.0.0.1")], [ip_address("127.0.0.2")])
    client = PooledHttpClient(Guard(allowed=read_networks(["127.0.0.1/32"])), resolver=resolver)
    async with raw_server(closing) as server:
        request = HttpRequest(method="POST", url=f"http://crm.example:{server.port}/", body=b"{}")
        reply = await client.send(request, timeout=timedelta(seconds=2))
        with pytest.raises(SendRefused) as caught:
            await client.send(request, timeout=timedelta(seconds=2))
    await client.close()

    assert (reply.status, caught.value.reason, resolver.questions) == (200, "address_not_allowed", 2)


async def test_the_judged_address_is_the_one_that_is_connected_to() -> None:
    resolver = Rebinding([ip_address("127.0.0.1")], [ip_address("127.0.0.2")])
    client = PooledHttpClient(Guard(allowed=read_networks(["127.0.0.1/32"])), resolver=resolver)
    async with raw_server(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n") as server:
        request = HttpRequest(method="POST", url=f"http://crm.example:{server.port}/", body=b"{}")
        await client.send(request, timeout=timedelta(seconds=2))
    await client.close()

    assert (resolver.questions, server.connections) == (1, 1)
    assert f"host: crm.example:{server.port}".encode() in server.heads[0]


async def test_only_listed_ports_are_tried() -> None:
    reason = await attempt(Rebinding([REAL]), Guard(ports=frozenset({80})))

    assert reason == "port_not_allowed"


async def test_plain_http_is_refused_where_tls_is_required() -> None:
    client = PooledHttpClient(Guard(is_tls_required=True), resolver=Rebinding([REAL]))
    request = HttpRequest(method="POST", url="http://crm.example/hook")

    with pytest.raises(SendRefused) as caught:
        await client.send(request, timeout=timedelta(seconds=1))

    assert caught.value.reason == "https_required"


async def test_an_allowed_network_is_reached_and_its_neighbour_is_not() -> None:
    guard = Guard(allowed=read_networks(["127.0.0.1/32"]), ports=frozenset({443}), is_tls_required=True)
    client = PooledHttpClient(guard)
    async with raw_server(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n") as server:
        reply = await client.send(HttpRequest(method="GET", url=server.url), timeout=timedelta(seconds=2))
        with pytest.raises(SendRefused):
            await client.send(
                HttpRequest(method="GET", url=f"http://127.0.0.2:{server.port}/"), timeout=timedelta(seconds=2)
            )
    await client.close()

    assert reply.status == 200


async def test_a_redirect_into_the_network_is_not_followed() -> None:
    async with (
        raw_server(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n") as inner,
        raw_server(b"HTTP/1.1 302 Found\r\nlocation: %s\r\ncontent-length: 0\r\n\r\n" % inner.url.encode()) as outer,
    ):
        client = PooledHttpClient(Guard(allowed=read_networks(["127.0.0.0/8"])))
        reply = await client.send(HttpRequest(method="GET", url=outer.url), timeout=timedelta(seconds=2))
        await client.close()

    assert (reply.status, inner.connections) == (302, 0)


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        raw_server(b"HTTP/1.1 502 Proxy\r\ncontent-length: 0\r\n\r\n") as proxy,
        raw_server(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n") as server,
    ):
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        client = PooledHttpClient(Guard(allowed=read_networks(["127.0.0.0/8"])))
        reply = await client.send(HttpRequest(method="GET", url=server.url), timeout=timedelta(seconds=2))
        await client.close()

    assert (reply.status, proxy.connections) == (200, 0)


@pytest.mark.parametrize("text", ["1.1.1.1", "8.8.8.8", "93.184.215.14", "2606:4700::1111", "2a00:1450:4001::1"])
def test_public_addresses_are_public(text: str) -> None:
    assert is_public(ip_address(text))


@settings(max_examples=512)
@given(st.ip_addresses(v=4))
def test_nat64_and_mapped_forms_are_judged_as_their_ipv4_address(address: IPv4Address) -> None:
    forms = [IPv6Address((0x64FF9B << 96) | int(address)), IPv6Address((0xFFFF << 32) | int(address))]

    assert [is_public(form) for form in forms] == [is_public(address)] * 2


@settings(max_examples=512)
@given(st.integers(0, 2**120 - 1), st.integers(0, 2**112 - 1))
def test_everything_below_one_hundred_and_all_of_6to4_is_refused(low: int, relayed: int) -> None:
    in_first_block, in_6to4 = IPv6Address(low), IPv6Address((0x2002 << 112) | relayed)

    assert not is_public(in_6to4)
    assert in_first_block in ip_network("::ffff:0:0/96") or not is_public(in_first_block)


@settings(max_examples=512)
@given(st.ip_addresses())
def test_what_python_calls_private_is_never_public(address: Address) -> None:
    assert address.is_global or not is_public(address) or getattr(address, "ipv4_mapped", None) is not None


@settings(max_examples=200)
@given(st.ip_addresses(), st.ip_addresses(v=4))
def test_an_allow_list_opens_nothing_but_itself(address: Address, allowed: IPv4Address) -> None:
    networks = read_networks([f"{allowed}/32"])

    assert may_reach(allowed, networks)
    assert unwrap(address) == allowed or may_reach(address, networks) == is_public(address)


@settings(max_examples=100, deadline=None)
@given(st.from_regex(r"[0-9a-fx.:]{1,30}", fullmatch=True))
async def test_no_spelling_of_an_address_reaches_the_loopback(host: str) -> None:
    try:
        addresses = await resolve(host, 80)
    except SendRefused:
        return
    assert not any(address.is_loopback for address in addresses if is_public(address))
