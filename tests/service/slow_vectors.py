"""Elasticsearch behind a proxy that holds back searches by vectors, for the tests."""

from __future__ import annotations

import http.client
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOLD_SECONDS = 20.0


class SlowVectors:
    """What the proxy saw. held: requests held back. hung_up: of these, given up by the client."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.held = 0
        self.hung_up = threading.Event()
        self.is_slow = True


@contextmanager
def slow_vectors(elasticsearch_url: str) -> Iterator[SlowVectors]:
    """A proxy that passes everything on but the searches whose body has a kNN clause."""
    target = urlsplit(elasticsearch_url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if proxy.is_slow and b'"knn"' in body:
                proxy.held += 1
                readable, _, _ = select.select([self.connection], [], [], HOLD_SECONDS)
                if readable and not self.connection.recv(1):
                    proxy.hung_up.set()
                self.close_connection = True
                return
            connection = http.client.HTTPConnection(target.hostname, target.port, timeout=30)
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("content-length", "transfer-encoding"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = handle_any

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy = SlowVectors(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
