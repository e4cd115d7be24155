"""Whether the service can be reached from elsewhere, and which address a request comes from."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network
MAX_HOPS = 20
"""Entries of `X-Forwarded-For` that are read, from the right."""

_IPV6_SITE_BITS = 64
"""What one customer has at least: whoever has that many addresses is one client."""


def is_loopback(host: str) -> bool:
    """Return whether a host to listen on is this machine alone; names are not looked up."""
    if host.lower() == "localhost":
        return True
    address = _parse(host.strip("[]"))
    return address is not None and address.is_loopback


def names_this_machine(host_header: str) -> bool:
    """Return whether a `Host` header names the machine itself, as `127.0.0.1:8080` does."""
    name = host_header.strip()
    if name.startswith("["):
        return is_loopback(name.partition("]")[0] + "]")
    return is_loopback(name.partition(":")[0])


def client_address(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """Return the address of the client.

    peer: who is connected. forwarded_for: the header, which anybody can write, so it is read
    from the right and only as far as the proxies are trusted; the first other address is the
    client. A part that is no address ends the reading.
    """
    found = peer
    hops = [part.strip() for part in forwarded_for.split(",")][-MAX_HOPS:]
    for hop in reversed(hops):
        if not _is_trusted(found, trusted) or _parse(hop) is None:
            break
        found = hop
    return found


def client_group(address: str) -> str:
    """Return what is counted as one client: an IPv4 address, or the /64 of an IPv6 one."""
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(IPv6Network((parsed, _IPV6_SITE_BITS), strict=False))
    return address if parsed is not None else "unknown"


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    parsed = _parse(address)
    return parsed is not None and any(
        parsed in network for network in trusted if network.version == parsed.version
    )


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
