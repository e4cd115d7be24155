"""Requests that arrive at a rate, whatever becomes of those before them.

`python -m benchmarks.arrivals` is a process of its own, so that the sender and what is measured do
not share an interpreter. It reads one JSON object on its standard input and writes one on its
standard output. It sends to this machine alone and ends by itself.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

HOST = "127.0.0.1"
MAX_SECONDS = 1_200.0
MAX_OPEN = 3_000
"""Connections at once; a request that would need one more counts as `not_sent`."""
_PATIENCE_SECONDS = 30.0

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Sent:
    """What became of one request.

    at: its time of arrival, in s from the start. milliseconds: from then to the end of its
    answer. status: 0 without an answer. says_when: whether there was a `Retry-After`.
    failure: why there was no answer.
    """

    at: float
    status: int
    milliseconds: float
    says_when: bool
    failure: str = ""

    @property
    def is_accepted(self) -> bool:
        """Return whether it was answered."""
        return self.status == 200


def send_at_rate(
    port: int, path: str, bodies: Sequence[bytes], *, rate: float, seconds: float
) -> subprocess.Popen[bytes]:
    """Start a process that sends bodies in turn, evenly spaced; `collect` waits for it."""
    plan = {
        "port": port,
        "path": path,
        "bodies": [body.decode() for body in bodies],
        "rate": rate,
        "seconds": seconds,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.arrivals"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    if process.stdin is None:
        raise RuntimeError("the sender has no standard input")
    process.stdin.write(orjson.dumps(plan))
    process.stdin.close()
    return process


def collect(process: subprocess.Popen[bytes]) -> list[Sent]:
    """Return what became of every request, by time of arrival."""
    with process:
        raw = process.stdout.read() if process.stdout else b""
    return sorted((Sent(*row) for row in orjson.loads(raw)), key=lambda one: one.at)


class _Sender:
    def __init__(self, plan: Mapping[str, Any]) -> None:
        self._port = int(plan["port"])
        head = (
            f"POST {plan['path']} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
        )
        self._requests = [
            f"{head}Content-Length: {len(body.encode())}\r\n\r\n{body}".encode()
            for body in plan["bodies"]
        ]
        self._rate = float(plan["rate"])
        self._seconds = min(float(plan["seconds"]), MAX_SECONDS)
        self._free: deque[Connection] = deque()
        self._open = 0
        self.rows: list[tuple[float, int, float, bool, str]] = []

    async def run(self) -> None:
        start = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for number in range(int(self._rate * self._seconds)):
                due = number / self._rate
                wait = due - (time.perf_counter() - start)
                if wait > 0:
                    await asyncio.sleep(wait)
                request = self._requests[number % len(self._requests)]
                tasks.create_task(self._send(request, start + due, due))
        for _, writer in self._free:
            writer.close()

    async def _send(self, request: bytes, due: float, at: float) -> None:
        status, says_when, failure = 0, False, ""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                status, says_when = await self._exchange(request)
        except (OSError, ValueError, asyncio.IncompleteReadError, TimeoutError) as error:
            failure = type(error).__name__
        self.rows.append((at, status, (time.perf_counter() - due) * 1e3, says_when, failure))

    async def _exchange(self, request: bytes) -> tuple[int, bool]:
        kept = self._kept()
        if kept is not None:
            try:
                return await self._ask(kept, request)
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                # As HTTP clients do when a server ends an idle connection just then.
                if getattr(error, "partial", b""):
                    raise
        if self._open >= MAX_OPEN:
            raise OSError("too many connections")
        self._open += 1
        try:
            connection = await asyncio.open_connection(HOST, self._port)
        except BaseException:
            self._open -= 1
            raise
        return await self._ask(connection, request)

    def _kept(self) -> Connection | None:
        """Return the connection that was used last and that the server has not ended since."""
        while self._free:
            reader, writer = self._free.pop()
            if not reader.at_eof():
                return reader, writer
            self._open -= 1
            writer.close()
        return None

    async def _ask(self, connection: Connection, request: bytes) -> tuple[int, bool]:
        reader, writer = connection
        is_kept = False
        try:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            status = int(head.split(b" ", 2)[1])
            length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            await reader.readexactly(length)
            is_kept = b"connection: close" not in head
            return status, b"retry-after:" in head
        finally:
            if is_kept:
                self._free.append(connection)
            else:
                self._open -= 1
                writer.close()


def main() -> None:
    """Send as the plan on the standard input says."""
    sender = _Sender(orjson.loads(sys.stdin.buffer.read()))
    asyncio.run(sender.run())
    sys.stdout.buffer.write(orjson.dumps(sender.rows))


if __name__ == "__main__":
    main()
