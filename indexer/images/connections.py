"""HTTP connections that go to a checked address and cannot outlive a deadline.

urllib3 speaks HTTP and TLS; what is changed is where it connects and how long it reads. The
host's name stays in the `Host` header, in TLS's server name and in the check of the certificate.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssl_ import create_urllib3_context

from indexer.images.addresses import Target
from indexer.images.deadline import Deadline

if TYPE_CHECKING:
    from typing_extensions import Buffer  # collections.abc has it from 3.12 on

CONNECT_SECONDS = 5.0
"""Longest wait for one address to accept; the next one of the host is tried then."""

SILENCE_SECONDS = 10.0
"""Longest wait for the next byte, so that a fetch can be repeated within its time."""

_IDLE_SECONDS = 30.0
_IDLE_CONNECTIONS = 64
_OVER = Deadline(0.0)


class _PlainSocket(socket.socket):
    """Reads until the deadline in all; a timeout of its own would begin anew with every byte."""

    deadline: Deadline = _OVER

    def recv_into(self, buffer: Buffer, nbytes: int = 0, flags: int = 0) -> int:
        self.settimeout(self.deadline.wait_at_most(SILENCE_SECONDS))
        return super().recv_into(buffer, nbytes, flags)


class _TlsSocket(ssl.SSLSocket):
    deadline: Deadline = _OVER

    def recv_into(self, buffer: Buffer, nbytes: int | None = None, flags: int = 0) -> int:
        self.settimeout(self.deadline.wait_at_most(SILENCE_SECONDS))
        return super().recv_into(buffer, nbytes, flags)


class _Pinned(HTTPConnection):
    addresses: tuple[str, ...] = ()
    deadline: Deadline = _OVER

    def _new_conn(self) -> socket.socket:
        problem: OSError = OSError("no address")
        for address in self.addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            connected = _PlainSocket(family, socket.SOCK_STREAM)
            try:
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connected.settimeout(self.deadline.wait_at_most(CONNECT_SECONDS))
                connected.connect((address, self.port))
                # TLS takes this over for its handshake as a whole.
                connected.settimeout(self.deadline.wait_at_most(SILENCE_SECONDS))
            except OSError as error:
                connected.close()
                problem = error
                continue
            connected.deadline = self.deadline
            return connected
        raise problem

    def begin(self, deadline: Deadline) -> None:
        """Connect if that is needed; what follows must be over by the deadline."""
        self.deadline = deadline
        if self.sock is None:
            self.connect()
        if isinstance(self.sock, _PlainSocket | _TlsSocket):
            self.sock.deadline = deadline
        # urllib3 sets this on the socket before it sends; reading sets its own.
        self.timeout = deadline.wait_at_most(SILENCE_SECONDS)


class _PinnedTls(_Pinned, HTTPSConnection):
    pass


class Connections:
    """Opens connections and keeps idle ones for the next photo of the same host; thread-safe.

    ca_certs: path of a bundle that is trusted besides the system's, for a shop's own authority.
    Raises OSError (ssl.SSLError among them) if the bundle cannot be read.
    """

    def __init__(self, *, ca_certs: str | None = None) -> None:
        self._context = create_urllib3_context()
        self._context.load_default_certs()
        if ca_certs is not None:
            self._context.load_verify_locations(ca_certs)
        self._context.sslsocket_class = _TlsSocket
        self._lock = threading.Lock()
        self._idle: OrderedDict[_Pinned, tuple[Target, float]] = OrderedDict()

    def take(self, target: Target, deadline: Deadline) -> _Pinned:
        """Return a connection to one of the target's addresses, ready for one request.

        Raises OSError or urllib3's HTTPError when none of the addresses can be reached in time.
        """
        connection = self._take_idle(target) or self._open(target)
        try:
            connection.begin(deadline)
        except BaseException:
            connection.close()
            raise
        return connection

    def give_back(self, connection: _Pinned, target: Target) -> None:
        """Keep a connection whose last answer was read to its end."""
        stale: list[_Pinned] = []
        with self._lock:
            self._idle[connection] = (target, time.monotonic())
            while len(self._idle) > _IDLE_CONNECTIONS:
                stale.append(self._idle.popitem(last=False)[0])
        for old in stale:
            old.close()

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            idle = list(self._idle)
            self._idle.clear()
        for connection in idle:
            connection.close()

    def _open(self, target: Target) -> _Pinned:
        connection = (
            _PinnedTls(target.host, target.port, ssl_context=self._context)
            if target.scheme == "https"
            else _Pinned(target.host, target.port)
        )
        connection.addresses = target.addresses
        return connection

    def _take_idle(self, target: Target) -> _Pinned | None:
        oldest = time.monotonic() - _IDLE_SECONDS
        stale: list[_Pinned] = []
        found = None
        with self._lock:
            for connection, (kept, since) in list(self._idle.items()):
                if since < oldest or not connection.is_connected:
                    stale.append(connection)
                # The same peer only: an idle connection may be to an address of yesterday.
                elif (
                    found is None and _same(kept, target) and _peer(connection) in target.addresses
                ):
                    found = connection
                else:
                    continue
                del self._idle[connection]
        for old in stale:
            old.close()
        return found


def _same(one: Target, other: Target) -> bool:
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)


def _peer(connection: _Pinned) -> str | None:
    try:
        return str(connection.sock.getpeername()[0]) if connection.sock else None
    except OSError:
        return None
