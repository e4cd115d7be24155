"""Requests to the service: JSON in and out, tried again where that is safe and may help."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
import urllib3

from mappings.client.errors import ApiError, NotAllowed, NotThere, RequestRefused, Unavailable
from mappings.errors import MissingSetting

_BUSY = frozenset({429, 502, 503, 504})
_FIRST_WAIT_SECONDS = 0.2
_LONGEST_WAIT_SECONDS = 30.0
"""Also of what the service asks for by Retry-After."""


class Http:
    """A pool of connections to one service.

    api_key: sent with each request, never shown. attempts: of a request that is answered with
    429 or 503, or not at all, in all. timeout_seconds: for one attempt.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None,
        timeout_seconds: float,
        attempts: int,
        connections: int,
        ca_certs: str | None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise MissingSetting("url: should be an address such as http://127.0.0.1:8080")
        self._url = url.rstrip("/")
        self._headers = {"Accept": "application/json", "User-Agent": "shelfwise-python"}
        if api_key is not None:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._attempts = max(1, attempts)
        self._sleep = sleep
        self._pool = urllib3.PoolManager(
            maxsize=connections,
            timeout=urllib3.Timeout(total=timeout_seconds),
            retries=False,
            ca_certs=ca_certs,
        )

    def __repr__(self) -> str:
        return f"Http({self._url!r})"

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        parameters: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - decoded JSON
        """Send a request and return the decoded answer.

        parameters: of the address; what is no text or number goes as JSON. Each request of the
        service does the same when it comes twice, so it is tried again also when it is not known
        whether it arrived.
        Raises NotThere, NotAllowed, RequestRefused, Unavailable.
        """
        query = {} if parameters is None else {k: _text(v) for k, v in parameters.items()}
        url = self._url + path + (f"?{urlencode(query)}" if query else "")
        headers, content = dict(self._headers), None
        if body is not None:
            content = orjson.dumps(body)
            headers["Content-Type"] = "application/json"
        for attempt in range(self._attempts):
            try:
                answer = self._pool.request(method, url, body=content, headers=headers)
            except urllib3.exceptions.HTTPError as error:
                failure: ApiError = Unavailable(
                    f"{self._url} does not answer: {type(error).__name__}"
                )
                failure.__cause__ = error
                may_help = True
            else:
                if answer.status < 300:
                    return orjson.loads(answer.data)
                failure = _failure(answer)
                may_help = answer.status in _BUSY
            if not may_help or attempt + 1 == self._attempts:
                raise failure
            self._sleep(_wait(attempt, failure.retry_after_seconds))
        raise AssertionError("unreachable")  # the last attempt returns or raises


def _failure(answer: urllib3.BaseHTTPResponse) -> ApiError:
    """Return the error that an answer stands for."""
    try:
        error = orjson.loads(answer.data)["error"]
        code, message, field = error["code"], error["message"], error.get("field")
    except (orjson.JSONDecodeError, KeyError, TypeError):
        # A proxy in between has a page of its own.
        code, message, field = "unknown", answer.reason or "no reason was given", None
    after = answer.headers.get("Retry-After", "")
    status = answer.status
    kind: type[ApiError]
    if status in (401, 403):
        kind = NotAllowed
    elif status == 404:
        kind = NotThere
    else:
        kind = Unavailable if status in _BUSY or status >= 500 else RequestRefused
    return kind(
        str(message),
        status=status,
        api_code=str(code),
        field=field,
        request_id=answer.headers.get("X-Request-Id"),
        retry_after_seconds=int(after) if after.isdecimal() else None,
    )


def _wait(attempt: int, asked: int | None) -> float:
    """Return the seconds until the next attempt: as asked for, else doubled each time."""
    wait = _FIRST_WAIT_SECONDS * 2.0**attempt if asked is None else float(asked)
    # Spread, so that many clients do not come back at once.
    return min(_LONGEST_WAIT_SECONDS, wait) * random.uniform(0.8, 1.0)  # noqa: S311


def _text(value: object) -> str:
    return (
        str(value)
        if isinstance(value, str | int | float) and not isinstance(value, bool)
        else orjson.dumps(value).decode()
    )
