"""Which IP addresses a worker may connect to when a shop's product names a photo's address.

A catalogue is written by others. Without this check a product could make the worker read what
only machines inside the network may read: the cloud's metadata, Redis, an admin page.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# IANA's registries of special-purpose addresses (RFC 6890 and later). Python's own
# `is_global` differs between patch releases of 3.11 and 3.12, so the list stands here.
_REFUSED_V4 = tuple(
    (IPv4Network(network), meaning)
    for network, meaning in (
        ("0.0.0.0/8", "this host"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "reserved"),
        ("192.52.193.0/24", "reserved"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "reserved"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)
_REFUSED_V6 = tuple(
    (IPv6Network(network), meaning)
    for network, meaning in (
        ("::1/128", "loopback"),
        ("fe80::/10", "link-local"),
        ("fc00::/7", "private"),
        ("ff00::/8", "multicast"),
        ("2001::/23", "reserved"),  # Teredo among them, which holds an IPv4 address
        ("2001:db8::/32", "documentation"),
        ("2620:4f:8000::/48", "reserved"),
        ("3fff::/20", "documentation"),
    )
)
_GLOBAL_V6 = IPv6Network("2000::/3")

# What the clouds answer on, with credentials for whoever asks: AWS, Azure, Google and others on
# the first; Azure's wire server, Alibaba, Oracle, and AWS and Google over IPv6.
_METADATA = frozenset(
    ip_address(address)
    for address in (
        "169.254.169.254",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
    )
)

# Where IPv6 addresses hold an IPv4 address, and by how many bits from the right.
_EMBEDDING = (
    (IPv6Network("::ffff:0:0/96"), 0),  # IPv4-mapped, RFC 4291
    (IPv6Network("::ffff:0:0:0/96"), 0),  # IPv4-translated, RFC 2765
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64, RFC 6052
    (IPv6Network("2002::/16"), 80),  # 6to4, RFC 3056
)


def parse_networks(text: str) -> tuple[Network, ...]:
    """Return the networks of a text such as `10.1.0.0/16, fd12::/48`; none of an empty one.

    Raises ValueError that names what is no network; bits set behind the prefix are one such.
    """
    networks: list[Network] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            networks.append(ip_network(part))
        except ValueError as error:
            raise ValueError(
                f"should be networks such as 10.1.0.0/16, divided by commas, got {part!r}"
            ) from error
    return tuple(networks)


def refusal(address: str, allowed: Sequence[Network] = ()) -> str | None:
    """Return why a worker must not connect to an address, e.g. "private"; None if it may.

    address: as a resolver gives it; the zone of an IPv6 address (`%eth0`) is left aside.
    allowed: networks that are fetched from all the same. An address of cloud metadata is so
    only if it is named by itself, as a network of one address: a wide network that an operator
    allows for photos is not meant to open it.
    An IPv6 address that holds an IPv4 address (mapped, translated, NAT64, 6to4) is judged as
    that one. Raises ValueError if the text is no address.
    """
    outer = ip_address(address.partition("%")[0])
    inner = _embedded(outer)
    forms = {outer, inner}
    if forms & _METADATA:
        named = any(network.num_addresses == 1 and network[0] in forms for network in allowed)
        return None if named else "cloud metadata"
    if any(form in network for form in forms for network in allowed):
        return None
    return _meaning(inner)


def _embedded(address: Address) -> Address:
    if isinstance(address, IPv6Address):
        for network, shift in _EMBEDDING:
            if address in network:
                return IPv4Address((int(address) >> shift) & 0xFFFF_FFFF)
    return address


def _meaning(address: Address) -> str | None:
    if isinstance(address, IPv4Address):
        return next((meaning for network, meaning in _REFUSED_V4 if address in network), None)
    for network, meaning in _REFUSED_V6:
        if address in network:
            return meaning
    return None if address in _GLOBAL_V6 else "reserved"


def parse_ports(text: str) -> frozenset[int]:
    """Return the ports of a text such as `80,443`.

    Raises ValueError that names what is no port (1 to 65535), and for an empty text.
    """
    parts = [part.strip() for part in text.split(",")]
    for part in parts:
        if not (part.isascii() and part.isdigit() and 1 <= int(part[:6]) <= 65_535):
            raise ValueError(f"should be ports from 1 to 65535, divided by commas, got {part!r}")
    return frozenset(int(part) for part in parts)
