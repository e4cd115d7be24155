"""The thinnest client that a shop could have, the same for every server that is measured."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import orjson

_TIMEOUT_SECONDS = 300
_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}


class RequestFailed(RuntimeError):
    """A server answered with an error where none was expected."""


@dataclass(frozen=True)
class Answer:
    """A decoded answer. milliseconds: from before the request to after the decoding."""

    status: int
    body: Any
    milliseconds: float


class JsonClient:
    """One kept-alive connection to a server; for one thread."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=_TIMEOUT_SECONDS
        )

    def __enter__(self) -> JsonClient:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.close()

    def get(self, path: str) -> Answer:
        """Return the answer, whatever its status."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: bytes) -> Answer:
        """Return the answer to an encoded JSON body; raises RequestFailed unless it is 200."""
        answer = self._ask("POST", path, body)
        if answer.status != http.client.OK:
            raise RequestFailed(f"POST {path} was answered {answer.status}: {answer.body}")
        return answer

    def send(self, method: str, path: str, body: bytes) -> Answer:
        """Return the answer to an encoded JSON body, whatever its status."""
        return self._ask(method, path, body)

    def _ask(self, method: str, path: str, body: bytes | None) -> Answer:
        start = time.perf_counter()
        self._connection.request(method, path, body, _HEADERS)
        response = self._connection.getresponse()
        raw = response.read()
        decoded = orjson.loads(raw) if raw else None
        return Answer(response.status, decoded, (time.perf_counter() - start) * 1e3)
