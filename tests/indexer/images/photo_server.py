"""A real HTTP(S) server on loopback whose answers the tests write, hostile ones among them."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

CERTIFICATE = Path(__file__).with_name("certificate.pem")
"""Self-signed for photos.test, its own authority, valid until 2126."""
HOST = "photos.test"

Answer = Callable[[BaseHTTPRequestHandler], None]


class PhotoServer:
    """Answers each path by its route; remembers what it was asked, and over which connection."""

    def __init__(self, *, tls: bool = False) -> None:
        self.routes: dict[str, Answer] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.peers: list[int] = []
        self.server_names: list[str | None] = []
        self.stopping = threading.Event()
        self._scheme = "https" if tls else "http"
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.handle_error = lambda request, client_address: None  # type: ignore[method-assign]
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE, CERTIFICATE.with_name("certificate_key.pem"))
            context.sni_callback = lambda sock, name, _: self.server_names.append(name)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def url(self, path: str, *, host: str = HOST) -> str:
        return f"{self._scheme}://{host}:{self.port}{path}"

    def serve(self, path: str, body: bytes = b"photo", status: int = 200, **headers: str) -> None:
        self.routes[path] = respond(body, status, **headers)

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.requests.append((self.path, dict(self.headers.items())))
                outer.peers.append(self.client_address[1])
                outer.routes.get(self.path, respond(b"", 404))(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler


def respond(body: bytes, status: int = 200, **headers: str) -> Answer:
    """Answer with a body; header names with _ for -, Content-Length unless it is given."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response_only(status)
        for name, value in {"Content-Length": str(len(body)), **named}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def raw(*pieces: bytes, every: float = 0.0, stopping: threading.Event | None = None) -> Answer:
    """Write these bytes, status line and all, with a pause after each piece; then hang up."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        for piece in pieces:
            handler.wfile.write(piece)
            handler.wfile.flush()
            if stopping is not None and stopping.wait(every):
                return

    return answer


def in_turn(*answers: Answer) -> Answer:
    """Answer the first request by the first, and so on; the last one stays."""
    left = list(answers)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(handler)

    return answer
