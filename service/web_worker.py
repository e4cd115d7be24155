"""Gunicorn's worker with threads, but none of them waits for a client's first byte."""

from __future__ import annotations

import errno
import selectors
import socket
import time
from functools import partial
from typing import Any, ClassVar

from gunicorn.workers.gthread import TConn, ThreadWorker

from service.access.connections import ConnectionWatch, begin_request

HEAD_SECONDS = 10.0
"""Longest time for a client to send a request's first line and its headers."""


class PatientWorker(ThreadWorker):
    """Gives a connection to a thread when it has something to read, and looks at its time.

    request_seconds: the longest time for a request with its body and its answer.
    """

    request_seconds: ClassVar[float] = 60.0

    def init_process(self) -> None:
        """Start the watch of this process, then serve."""
        self._watch = ConnectionWatch()
        self._watch.start()
        super().init_process()

    def accept(self, listener: socket.socket) -> None:
        """Take a connection; gunicorn's own gives it to a thread, which waits for 5 s."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return
        self.nr_conns += 1
        connection = TConn(self.cfg, client, address, listener.getsockname())
        connection.timeout = time.monotonic() + HEAD_SECONDS
        self.pending_conns.append(connection)
        readable = partial(self.on_pending_socket_readable, connection)
        self.poller.register(connection.sock, selectors.EVENT_READ, readable)

    def enqueue_req(self, conn: TConn) -> None:
        """Note since when a request waits for a thread."""
        conn.waits_since = time.monotonic()  # type: ignore[attr-defined]
        super().enqueue_req(conn)

    def handle(self, conn: TConn) -> Any:  # noqa: ANN401 - gunicorn's own marks
        """Read a request and answer it."""
        waited = time.monotonic() - conn.waits_since  # type: ignore[attr-defined]
        begin_request(self._watch, conn.sock, waited)
        self._watch.limit(conn.sock, HEAD_SECONDS)
        try:
            return super().handle(conn)
        finally:
            self._watch.forget(conn.sock)

    def handle_request(self, req: Any, conn: TConn) -> Any:  # noqa: ANN401 - as above
        """Answer a request whose headers are there."""
        self._watch.limit(conn.sock, self.request_seconds)
        return super().handle_request(req, conn)
