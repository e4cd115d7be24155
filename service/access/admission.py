"""Refuses, at once and cheaply, what an overloaded service could only answer too late."""

from __future__ import annotations

import io
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from mappings.errors import InvalidQuery, Overloaded, ShelfwiseError
from service.access.concurrency_limit import ConcurrencyLimit
from service.access.connections import limit_here, waited_seconds
from service.access.turns import Turns

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

RETRY_AFTER_SECONDS = 1
EARLY_BODY_BYTES = 64 * 1024
"""Bodies up to that are read before their turn, so that slow senders take nobody's."""

ALWAYS = frozenset({"/healthz"})
PROBES = frozenset({"/readyz", "/metrics"})
"""They have two turns of their own: who watches must see an overloaded service."""
PROBE_TURNS = 2
PROBE_ROOM = 2
TURNS = "shelfwise.turns"
"""Where the WSGI environment of a request has the turns, for work that can be divided."""
KIND = "shelfwise.kind"
"""Where the application says in the WSGI environment what was asked, by its route."""
SPARE_THREADS = 8
"""Threads beyond those that work and wait: they answer probes and refuse."""
_LATE_SECONDS = 1.0
"""Beyond the longest wait, a request is refused even when it could have a turn: its sender has
most likely given up, and those behind it have not yet."""

_REFUSED = Overloaded("more requests are under way than the service takes; try again")
_STALLED = InvalidQuery("the body ended early", field="body")


@dataclass(frozen=True)
class Room:
    """How many requests are worked on at most and wait, for how long, and clients too."""

    turns: int
    waiting: int
    wait_seconds: float
    body_seconds: float
    request_seconds: float


class Admission:
    """Lets requests through to an application in turns.

    on_refusal: called for each request that is refused. on_lowered: called whenever fewer are
    worked on at a time than before, as they were in each other's way.
    """

    def __init__(
        self,
        application: WSGIApplication,
        room: Room,
        *,
        on_refusal: Callable[[], None],
        on_lowered: Callable[[], None] = lambda: None,
    ) -> None:
        self._application = application
        self._room = room
        self._on_refusal = on_refusal
        self._turns = Turns(room.turns, room=room.waiting, wait_seconds=room.wait_seconds)
        self._limit = ConcurrencyLimit(room.turns, on_lowered=on_lowered)
        self._probes = Turns(PROBE_TURNS, room=PROBE_ROOM, wait_seconds=room.wait_seconds)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer, or refuse with 503 and `Retry-After`."""
        path = environ.get("PATH_INFO", "")
        if path in ALWAYS:
            return self._application(environ, start_response)
        waited = waited_seconds()
        is_late = waited > self._room.wait_seconds + _LATE_SECONDS
        if not is_late and not self._read_early(environ):
            return _answer(start_response, _STALLED, "400 BAD REQUEST", [("Connection", "close")])
        turns = self._probes if path in PROBES else self._turns
        if is_late or not turns.take(waited_seconds=waited):
            self._on_refusal()
            self._limit.refused()
            again = [("Retry-After", str(RETRY_AFTER_SECONDS))]
            return _answer(start_response, _REFUSED, "503 SERVICE UNAVAILABLE", again)
        environ[TURNS] = turns
        alone, began = turns.taken == 1, time.monotonic()
        try:
            # The answer is whole when this returns, so who reads it slowly takes no turn.
            return self._application(environ, start_response)
        finally:
            if turns is self._turns:
                limit = self._limit.ended(
                    time.monotonic() - began,
                    kind=environ.get(KIND, ""),
                    alone=alone and turns.taken == 1,
                    overrun=turns.is_overrun,
                )
                turns.limit_to(limit)
            turns.give_back()

    def _read_early(self, environ: WSGIEnvironment) -> bool:
        """Read a short body; return whether that went well. One that ends early is the view's."""
        length = environ.get("CONTENT_LENGTH") or ""
        if not length.isdecimal() or not 0 < int(length[:12]) <= EARLY_BODY_BYTES:
            return True
        limit_here(self._room.body_seconds)
        try:
            environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(length)))
        except OSError:
            return False
        finally:
            limit_here(self._room.request_seconds)
        return True


def _answer(
    start_response: StartResponse,
    error: ShelfwiseError,
    status: str,
    more: list[tuple[str, str]],
) -> Iterable[bytes]:
    request_id = secrets.token_hex(8)
    shown = {
        "code": error.code,
        "message": error.message,
        "field": error.field,
        "request_id": request_id,
    }
    body = orjson.dumps({"error": shown})
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("X-Request-Id", request_id),
        ("X-Content-Type-Options", "nosniff"),
        *more,
    ]
    start_response(status, headers)
    return [body]
