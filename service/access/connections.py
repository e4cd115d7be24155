"""Time limits of connections, which reads and writes of single bytes cannot stretch."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

import structlog

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 0.5

_here = threading.local()


class ConnectionWatch:
    """Cuts connections whose time is over, so that no client holds a thread for good.

    A limit of the socket alone begins anew with every byte. One thread looks after all.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: dict[socket.socket, float] = {}

    def start(self) -> None:
        """Begin to look; after the fork, as threads do not survive one."""
        threading.Thread(target=self._look, name="connection-watch", daemon=True).start()

    def limit(self, connection: socket.socket, seconds: float) -> None:
        """Cut a connection unless it is forgotten, or given another limit, until then."""
        with self._lock:
            self._ends[connection] = time.monotonic() + seconds

    def forget(self, connection: socket.socket) -> None:
        """Look after a connection no longer."""
        with self._lock:
            self._ends.pop(connection, None)

    def cut_late(self) -> int:
        """Cut what is late, and return how many connections that were."""
        now = time.monotonic()
        with self._lock:
            late = [connection for connection, end in self._ends.items() if end < now]
            for connection in late:
                del self._ends[connection]
        for connection in late:
            with suppress(OSError):  # it has just ended by itself
                connection.shutdown(socket.SHUT_RDWR)
        if late:
            log.warning("connections_cut", connections=len(late))
        return len(late)

    def _look(self) -> None:
        while True:
            time.sleep(_LOOK_SECONDS)
            self.cut_late()


def begin_request(watch: ConnectionWatch, connection: socket.socket, waited: float) -> None:
    """Say which connection this thread answers, and how many seconds its request has waited."""
    _here.watched = (watch, connection)
    _here.waited = waited


def waited_seconds() -> float:
    """Return how long the request of this thread waited for a thread; 0 outside of the server."""
    waited: float = getattr(_here, "waited", 0.0)
    return waited


def limit_here(seconds: float) -> None:
    """Give the connection of this thread's request another limit; nothing outside the server."""
    watched: tuple[ConnectionWatch, socket.socket] | None = getattr(_here, "watched", None)
    if watched is not None:
        watch, connection = watched
        watch.limit(connection, seconds)
