"""Which photo addresses a worker fetches: the URL is taken apart, its host resolved and checked.

The host is resolved once. What was checked is what is connected to (`connections.py`), so a name
server that gives another address to the second question (DNS rebinding) is never asked it.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from indexer.images.deadline import Deadline
from indexer.images.failures import refused, unavailable
from indexer.images.networks import Network, refusal

Resolver = Callable[[str, int], Sequence[str]]
"""Host and port in, IP addresses out. Raises socket.gaierror."""

DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_URL_CHARACTERS = 8192
"""What web servers take at most; longer ones are mistakes or attacks."""

_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,252})")
# A backslash is a slash to some parsers and a letter to others: they would see two hosts.
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")
# Answers of getaddrinfo that will be the same in a minute.
_NO_SUCH_HOST = frozenset(
    getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA")
    if hasattr(socket, name)
)  # fmt: skip


@dataclass(frozen=True)
class AddressPolicy:
    """What may be fetched from.

    allowed_networks: fetched from although they are private or otherwise special.
    allowed_ports: the only ports.
    """

    allowed_networks: tuple[Network, ...] = ()
    allowed_ports: frozenset[int] = field(default_factory=lambda: frozenset({80, 443}))


@dataclass(frozen=True)
class Target:
    """A checked address: connect to one of `addresses` and nowhere else.

    path: what stands in the request line, with the query. url: normalised, without fragment.
    addresses: IP addresses in the resolver's order, all of them allowed, at least one.
    """

    scheme: str
    host: str
    port: int
    path: str
    url: str
    addresses: tuple[str, ...]


def resolve_by_system(host: str, port: int) -> list[str]:
    """Return the addresses that the system's resolver knows, in its order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def check_address(
    url: str, policy: AddressPolicy, deadline: Deadline, *, resolver: Resolver = resolve_by_system
) -> Target:
    """Take a URL apart, resolve its host once, and return what to connect to.

    Spaces and letters beyond ASCII in the path are percent-encoded, as browsers do.
    Raises ImageRefused when the URL is malformed or not http(s), holds a user name or password,
    or names a port or (by any of its addresses) a network that is not allowed, and when there
    is no such host; ImageUnavailable when the resolver fails or is too slow.
    """
    parts = _parse(url)
    scheme, host = str(parts.scheme), str(parts.host)
    port = DEFAULT_PORTS[scheme] if parts.port is None else parts.port
    if port not in policy.allowed_ports:
        raise refused(url, f"names port {port}, which is not allowed", "port_refused")
    bare = host.strip("[]")
    addresses = (bare,) if _is_literal(bare) else _resolve(url, bare, port, deadline, resolver)
    for address in addresses:
        if why := refusal(address, policy.allowed_networks):
            raise refused(url, f"leads to {address} ({why})", "address_refused")
    return Target(scheme, bare, port, parts.request_uri, str(parts), addresses)


def _parse(url: str) -> Url:
    if len(url) > MAX_URL_CHARACTERS:
        raise refused(url, f"is longer than {MAX_URL_CHARACTERS:,} characters", "address_invalid")
    if _FORBIDDEN.search(url) or url != url.strip():
        raise refused(url, "has a blank or a control character", "address_invalid")
    try:
        parts = parse_url(url)
    except (LocationParseError, UnicodeError) as error:
        raise refused(url, "is no address", "address_invalid") from error
    if parts.scheme not in DEFAULT_PORTS:
        raise refused(url, "should begin with https:// or http://", "scheme_refused")
    # parse_url drops an empty name before the @, so the text itself is asked.
    if parts.auth is not None or "@" in re.split(r"[/?#]", url.partition("//")[2])[0]:
        raise refused(url, "holds a user name or password", "address_invalid")
    host = parts.host or ""
    if not (_HOST.fullmatch(host) or _is_literal(host.strip("[]"))):
        raise refused(url, "names no host", "address_invalid")
    return parts._replace(fragment=None)


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return "%" not in host


def _resolve(
    url: str, host: str, port: int, deadline: Deadline, resolver: Resolver
) -> tuple[str, ...]:
    answers: list[Sequence[str] | Exception] = []

    def ask() -> None:
        try:
            answers.append(resolver(host, port))
        except Exception as error:  # raised again in the thread that waits
            answers.append(error)

    # getaddrinfo takes no limit of time. A thread left behind ends with the resolver's own.
    asking = threading.Thread(target=ask, name=f"resolve {host}", daemon=True)
    asking.start()
    asking.join(max(0.0, deadline.remaining()))
    if not answers:
        raise unavailable(url, f"the name {host} was not resolved in time")
    answer = answers[0]
    if isinstance(answer, UnicodeError):
        raise refused(url, "names no host", "address_invalid") from answer
    if isinstance(answer, socket.gaierror) and answer.errno in _NO_SUCH_HOST:
        raise refused(url, f"there is no host {host}", "unknown_host") from answer
    if isinstance(answer, OSError):
        raise unavailable(url, f"the name {host} cannot be resolved") from answer
    if isinstance(answer, Exception):
        raise answer
    if not answer:
        raise refused(url, f"the host {host} has no address", "unknown_host")
    return tuple(answer)
