"""Which IP addresses a tenant's URL may lead to. Asked by ``outbound.network`` for every address before it connects.

``ipaddress.is_global`` calls NAT64, 6to4, IPv4-compatible, site-local and some multicast addresses global, and changes
between Python versions; this is an explicit list (RFC 6890 and its registries) instead.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_DENIED_V4: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_NAT64: Final = IPv6Network("64:ff9b::/96")
_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_DENIED_V6: Final = tuple(
    IPv6Network(network)
    for network in (
        "::/8",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)
_ISATAP: Final = (0x00005EFE, 0x02005EFE)


def unwrap(address: Address) -> Address:
    """The IPv4 address inside a mapped or NAT64 one, otherwise the address itself."""
    if isinstance(address, IPv6Address) and (address in _MAPPED or address in _NAT64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet; a mapped or NAT64 address is judged by its IPv4 part."""
    bare = unwrap(address)
    if isinstance(bare, IPv4Address):
        return not any(bare in network for network in _DENIED_V4)
    if (int(bare) >> 32) & 0xFFFFFFFF in _ISATAP:
        return False
    return not any(bare in network for network in _DENIED_V6)


def may_reach(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether we may connect: public, or inside a network that the operator allows."""
    return is_public(address) or is_allowed(address, allowed)


def is_allowed(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether the operator named this address's network."""
    bare = unwrap(address)
    return any(bare.version == network.version and bare in network for network in allowed)


def read_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks from settings (CIDR). A wrong one raises ValueError with its text."""
    return tuple(ip_network(text) for text in texts)


def read_address(text: str) -> Address | None:
    """An address literal, or None for a name. Scoped IPv6 literals are no addresses of ours."""
    try:
        return None if "%" in text else ip_address(text)
    except ValueError:
        return None
