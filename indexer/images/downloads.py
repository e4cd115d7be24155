"""One attempt to fetch a photo over HTTP: redirects, limits, and what an answer means."""

from __future__ import annotations

import email.utils
import http.client
import ssl
import time
from collections.abc import Mapping
from urllib.parse import urljoin

from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from indexer.images.addresses import (
    AddressPolicy,
    Resolver,
    Target,
    check_address,
    resolve_by_system,
)
from indexer.images.connections import Connections
from indexer.images.deadline import Deadline
from indexer.images.failures import refused, unavailable
from indexer.images.fetched import FetchedImage, Validators
from indexer.images.host_turns import HostTurns
from mappings.errors import ImageRefused

MAX_REDIRECTS = 3
LONGEST_RETRY_AFTER_SECONDS = 3600
"""A server that asks for more is asked again after an hour all the same."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TEMPORARY = frozenset({408, 425, 429})
_GONE = frozenset({404, 410})
_NOT_MODIFIED = 304
_CHUNK_BYTES = 65_536
# Layers of compression multiply, so one is enough.
_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
_HEADERS = {
    "Accept": "image/webp,image/png,image/jpeg,image/*;q=0.8",
    "Accept-Encoding": "identity",
    "User-Agent": "Shelfwise (product photo indexer)",
}


class Downloads:
    """Fetches over HTTP under the rules of one policy; thread-safe.

    max_bytes: the largest photo, counted after decompression.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        connections: Connections,
        turns: HostTurns,
        *,
        max_bytes: int,
        resolver: Resolver = resolve_by_system,
    ) -> None:
        self._policy = policy
        self._connections = connections
        self._turns = turns
        self._max_bytes = max_bytes
        self._resolver = resolver

    def get(
        self, url: str, deadline: Deadline, *, validators: Validators | None = None
    ) -> FetchedImage | None:
        """Fetch a URL once; None if the server says that the copy of the validators is current.

        Every redirect is checked like a first address; at most 3, and none from https to http.
        Raises ImageRefused when asking again would not help, ImageUnavailable when it may.
        """
        current = url
        for _ in range(MAX_REDIRECTS + 1):
            target = check_address(current, self._policy, deadline, resolver=self._resolver)
            conditions = validators.headers(target.url) if validators else {}
            outcome = self._ask(target, deadline, conditions)
            if not isinstance(outcome, str):
                return outcome
            current = _joined(target.url, outcome)
            if target.scheme == "https" and not current.lower().startswith("https:"):
                raise refused(url, "is redirected away from https", "redirect_refused")
        raise refused(url, f"is redirected more than {MAX_REDIRECTS} times", "redirect_refused")

    def _ask(
        self, target: Target, deadline: Deadline, conditions: Mapping[str, str]
    ) -> FetchedImage | str | None:
        """Return the photo, the address that it has moved to, or None if it is not modified."""
        try:
            with self._turns.turn(target.host, deadline):
                return self._exchange(target, deadline, conditions)
        except ssl.SSLCertVerificationError as error:
            raise refused(target.url, f"certificate refused: {error.verify_message}", "tls") from (
                error
            )
        except (HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            if deadline.remaining() <= 0 or isinstance(error, TimeoutError):
                raise unavailable(target.url, "did not come in time") from error
            raise unavailable(target.url, f"could not be read: {_brief(error)}") from error

    def _exchange(
        self, target: Target, deadline: Deadline, conditions: Mapping[str, str]
    ) -> FetchedImage | str | None:
        connection = self._connections.take(target, deadline)
        answer: BaseHTTPResponse | None = None
        finished = False
        try:
            connection.request(
                "GET", target.path, headers={**_HEADERS, **conditions}, preload_content=False
            )
            answer = connection.getresponse()
            if answer.status in _REDIRECTS and (location := answer.headers.get("Location")):
                return location
            if answer.status == _NOT_MODIFIED and conditions:
                finished = not answer.read1(_CHUNK_BYTES)
                return None
            _check_status(target.url, answer)
            data = self._read(target.url, answer)
            finished = True
        finally:
            if finished and connection.sock is not None:
                self._connections.give_back(connection, target)
            else:
                # Of an answer "Connection: close" the socket is the answer's alone.
                if answer is not None:
                    answer.close()
                connection.close()
        return FetchedImage.of(
            data,
            content_type=answer.headers.get("Content-Type", ""),
            url=target.url,
            etag=answer.headers.get("ETag"),
            last_modified=answer.headers.get("Last-Modified"),
        )

    def _read(self, url: str, answer: BaseHTTPResponse) -> bytes:
        encoding = answer.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in _ENCODINGS:
            raise refused(url, f"is compressed as {encoding[:40]!r}", "encoding_refused")
        length = answer.headers.get("Content-Length", "")
        if length.isascii() and length.isdigit() and int(length[:20]) > self._max_bytes:
            raise self._too_large(url)
        data = bytearray()
        # The length is the server's word alone, so what comes is counted as well.
        while chunk := answer.read1(_CHUNK_BYTES):
            data += chunk
            if len(data) > self._max_bytes:
                raise self._too_large(url)
        if not data:
            raise refused(url, "is empty", "empty")
        return bytes(data)

    def _too_large(self, url: str) -> ImageRefused:
        return refused(url, f"is larger than {self._max_bytes:,} bytes", "too_large")


def _joined(url: str, location: str) -> str:
    try:
        # Headers arrive as Latin-1; addresses beyond ASCII are sent as UTF-8.
        return urljoin(url, location.encode("latin-1").decode("utf-8"))
    except ValueError as error:
        raise refused(url, "is redirected to no address", "redirect_refused") from error


def _check_status(url: str, answer: BaseHTTPResponse) -> None:
    status = answer.status
    if status == http.client.OK:
        return
    if status in _TEMPORARY or status >= http.client.INTERNAL_SERVER_ERROR:
        wait = _retry_after_seconds(answer.headers.get("Retry-After"))
        raise unavailable(url, f"the server answered {status}", retry_after_seconds=wait)
    reason = "not_found" if status in _GONE else "http_status"
    raise refused(url, f"the server answered {status}", reason)


def _retry_after_seconds(text: str | None) -> int | None:
    """Read seconds or a date (RFC 9110, 10.2.3); None when absent or unreadable."""
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        seconds = float(text[:10])
    else:
        try:
            seconds = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return int(min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS))


def _brief(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]
