"""Elasticsearch asked in bytes: what it answers is handed on as it came, errors included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from elastic_transport import Serializer
from elasticsearch import Elasticsearch

from mappings.cluster import cluster_errors, connect
from mappings.settings import SharedSettings

JSON = "application/json"


class _Bytes(Serializer):
    """Leaves bodies alone in both directions."""

    mimetype = JSON

    def dumps(self, data: Any) -> bytes:  # noqa: ANN401 - the signature of the base class
        return bytes(data)

    def loads(self, data: bytes) -> Any:  # noqa: ANN401 - the signature of the base class
        return data


_MEDIA = (
    JSON,
    "application/x-ndjson",
    "application/vnd.elasticsearch+json",
    "application/vnd.elasticsearch+x-ndjson",
    "application/*",
    "text/*",
)


@dataclass(frozen=True)
class RawAnswer:
    """What Elasticsearch answered. warning: its `Warning` header, empty for none."""

    status: int
    body: bytes = field(repr=False)
    content_type: str = JSON
    warning: str = ""

    @property
    def is_good(self) -> bool:
        """Return whether Elasticsearch did what it was asked."""
        return 200 <= self.status < 300


class RawCluster:
    """A client of its own, with the same addresses and credentials. Thread-safe."""

    def __init__(
        self, settings: SharedSettings, *, connections_per_node: int, timeout_seconds: float
    ) -> None:
        client = connect(
            settings,
            connections_per_node=connections_per_node,
            serializers={media: _Bytes() for media in _MEDIA},
        )
        self._client = client
        self._timeout_seconds = timeout_seconds
        self._headers = _credentials(client)

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        body: bytes = b"",
        content_type: str = JSON,
        accept: str = JSON,
        timeout_seconds: float | None = None,
    ) -> RawAnswer:
        """Return the answer, whatever its status is.

        path: with every part already quoted; query: of the address, quoted. Of whoever asked
        us only the media types go along. timeout_seconds: None for what all requests have.
        Raises ClusterUnavailable or ConfigurationError when there is no answer.
        """
        headers = {**self._headers, "accept": accept}
        if body:
            headers["content-type"] = content_type
        with cluster_errors():
            meta, found = self._client.transport.perform_request(
                method,
                f"{path}?{query}" if query else path,
                headers=headers,
                body=body or None,
                request_timeout=timeout_seconds or self._timeout_seconds,
                max_retries=0,
            )
        return RawAnswer(
            meta.status,
            found or b"",
            meta.headers.get("content-type") or "",
            meta.headers.get("warning") or "",
        )

    def close(self) -> None:
        """Close idle connections."""
        self._client.close()


def _credentials(client: Elasticsearch) -> Mapping[str, str]:
    # The client keeps what it made of user and key in the headers of every request.
    headers = client._headers
    return {name: headers[name] for name in ("authorization",) if name in headers}
