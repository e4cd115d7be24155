"""Gunicorn with our settings: one process by default, a thread a request."""

from __future__ import annotations

import socket
import struct
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import ThreadWorker

from service.app import create_app
from service.bootstrap import build_services, check_before_start
from service.settings import ServiceSettings

GRACEFUL_SECONDS = 20
STALL_SECONDS = 10
"""Longest wait for the next bytes of a request, or for a client to take those of an answer."""


class _WebServer(BaseApplication):
    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        options: dict[str, Any] = {
            "bind": f"{self._settings.service_host}:{self._settings.service_port}",
            "workers": self._settings.service_workers,
            "threads": self._settings.service_threads,
            "worker_class": "gthread",
            "graceful_timeout": GRACEFUL_SECONDS,
            "keepalive": 75,
            "control_socket_disable": True,
            "proc_name": "shelfwise-service",
            "loglevel": "warning",
            "post_worker_init": _limit_stalls,
        }
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:  # noqa: ANN401 - Flask's WSGI type is not gunicorn's to the letter
        # After the fork: ONNX Runtime's threads do not survive one.
        return create_app(build_services(self._settings))


def _limit_stalls(worker: ThreadWorker) -> None:
    """Let no client hold a thread for good by saying nothing more.

    Gunicorn's threads read without a time limit. Accepted sockets inherit this one.
    """
    limit = struct.pack("@ll", STALL_SECONDS, 0)  # a timeval: seconds, microseconds
    for listener in worker.sockets:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)


def run_web_server(settings: ServiceSettings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises EncoderMismatch, before anything listens, when an index was filled by another
    encoder, EncoderUnavailable when the query encoder is not there.
    """
    check_before_start(settings)
    _WebServer(settings).run()
