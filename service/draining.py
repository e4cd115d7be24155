"""A stop that loses no request: say that no more should come, answer those that do, then end.

Whoever divides the requests takes a moment to notice that a service is stopping. Connections that
it opens meanwhile would wait in the kernel for a process that has ended.
"""

from __future__ import annotations

import threading
from types import FrameType
from typing import ClassVar

from service.web_worker import PatientWorker

_draining = threading.Event()


def is_draining() -> bool:
    """Return whether this process was told to stop; readiness says no from then on."""
    return _draining.is_set()


class DrainingWorker(PatientWorker):
    """Serves on for a while after SIGTERM. drain_seconds: 0 stops at once."""

    drain_seconds: ClassVar[float] = 0.0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; a second signal changes nothing."""
        if _draining.is_set():
            return
        _draining.set()
        if not self.drain_seconds:
            super().handle_exit(sig, frame)
            return
        end = threading.Timer(self.drain_seconds, super().handle_exit, (sig, frame))
        end.daemon = True
        end.start()
