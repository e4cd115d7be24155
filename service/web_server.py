"""Gunicorn with our settings: one process by default, a thread a request."""

from __future__ import annotations

import math
import os
import socket
import struct
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker
from gunicorn.workers.gthread import ThreadWorker
from prometheus_client.multiprocess import mark_process_dead

from mappings.metrics_folder import VARIABLE
from mappings.tracing import start_tracing
from service.access.admission import PROBE_ROOM, PROBE_TURNS, SPARE_THREADS
from service.app import create_app
from service.bootstrap import build_services, check_before_start
from service.draining import DrainingWorker
from service.services import EXTENSION, Services
from service.settings import ServiceSettings

GRACEFUL_SECONDS = 20
MAX_LINE_BYTES = 8_190
"""Of the first line of a request, and of each of its headers."""
MAX_HEADERS = 60
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
            # Those that work, those that wait, and some that refuse: see access/admission.py.
            "threads": self._settings.service_threads
            + self._settings.service_waiting
            + PROBE_TURNS
            + PROBE_ROOM
            + SPARE_THREADS,
            "worker_class": type(
                "Worker",
                (DrainingWorker,),
                {
                    "request_seconds": self._settings.service_request_seconds,
                    "drain_seconds": self._settings.service_drain_seconds,
                },
            ),
            "limit_request_line": MAX_LINE_BYTES,
            "limit_request_fields": MAX_HEADERS,
            "limit_request_field_size": MAX_LINE_BYTES,
            "graceful_timeout": GRACEFUL_SECONDS + math.ceil(self._settings.service_drain_seconds),
            "keepalive": 75,
            "control_socket_disable": True,
            "proc_name": "shelfwise-service",
            "loglevel": "warning",
            "post_worker_init": _limit_stalls,
            "child_exit": _forget_gauges,
            "worker_exit": _finish_record,
        }
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:  # noqa: ANN401 - Flask's WSGI type is not gunicorn's to the letter
        # After the fork: the threads of ONNX Runtime and of a sender of traces survive none.
        start_tracing("shelfwise-service", os.environ)
        services = build_services(self._settings)
        services.recorder.start()
        return create_app(services)


def _forget_gauges(server: Arbiter, worker: Worker) -> None:
    """Show no longer what a process that has ended showed last; what it counted stays."""
    if VARIABLE in os.environ:
        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def _finish_record(server: Arbiter, worker: ThreadWorker) -> None:
    """Write what a process still knows of its searches before it ends."""
    extensions: dict[str, Services] = getattr(worker.wsgi, "extensions", {})
    if EXTENSION in extensions:  # a process that failed at its start has none
        extensions[EXTENSION].recorder.close()


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
