"""The Elasticsearch client, and the translation of its errors into ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from elastic_transport import ConnectionError as TransportConnectionError
from elastic_transport import (
    ConnectionTimeout,
    SerializationError,
    Serializer,
    TlsError,
    TransportError,
)
from elasticsearch import (
    ApiError,
    Elasticsearch,
    JsonSerializer,
    OrjsonSerializer,
    UnsupportedProductError,
)

from mappings.errors import (
    ClusterOverloaded,
    ClusterTimeout,
    ClusterUnavailable,
    ConfigurationError,
    PermanentIndexingError,
    ShelfwiseError,
    UnknownIndex,
)
from mappings.settings import SharedSettings

RETRY_AFTER_SECONDS = 5
_OVERLOAD_STATUS = frozenset({429, 503})
_UNAVAILABLE_STATUS = frozenset({408, 500, 502, 504})
_AUTHENTICATION_STATUS = frozenset({401, 403})


def connect(
    settings: SharedSettings,
    *,
    connections_per_node: int = 16,
    exact_numbers: bool = False,
    serializers: Mapping[str, Serializer] | None = None,
) -> Elasticsearch:
    """Return a client; nothing is sent until its first call.

    exact_numbers: whole numbers beyond 64 bits are read as they are, which takes a slower parser;
    for those who write a document that is not theirs back. serializers: by media type, in the
    place of that for JSON.
    Retries are left to the caller, who knows whether a call may be repeated.
    """
    auth: dict[str, object] = {}
    if settings.elasticsearch_api_key:
        auth["api_key"] = settings.elasticsearch_api_key.get_secret_value()
    elif settings.elasticsearch_username:
        password = settings.elasticsearch_password
        auth["basic_auth"] = (
            settings.elasticsearch_username,
            password.get_secret_value() if password else "",
        )
    if settings.elasticsearch_ca_certs:
        auth["ca_certs"] = settings.elasticsearch_ca_certs
    if settings.elasticsearch_client_cert:
        auth["client_cert"] = settings.elasticsearch_client_cert
    if settings.elasticsearch_client_key:
        auth["client_key"] = settings.elasticsearch_client_key
    by_default = JsonSerializer() if exact_numbers else OrjsonSerializer()
    return Elasticsearch(
        [url.strip() for url in settings.elasticsearch_url.split(",")],
        request_timeout=settings.elasticsearch_timeout_seconds,
        connections_per_node=connections_per_node,
        max_retries=0,
        retry_on_timeout=False,
        # A query vector takes the standard library's json as long as all the rest of a request.
        serializers=serializers or {"application/json": by_default},
        **auth,  # type: ignore[arg-type]
    )


@contextmanager
def cluster_errors(*, index: str | None = None) -> Iterator[None]:
    """Turn every error of the client into one of our tree; the cause is kept.

    index: named in the message of UnknownIndex.
    """
    try:
        yield
    except (ApiError, TransportError, UnsupportedProductError) as error:
        raise translate(error, index=index) from error


def close_point(client: Elasticsearch, point: str) -> None:
    """Close a point in time; one that cannot be closed ends by itself soon.

    Nothing is raised: what ended the read that it was for shall be told, not that its end
    met the same fault.
    """
    with suppress(ApiError, TransportError):
        client.close_point_in_time(id=point)


def translate(error: Exception, *, index: str | None = None) -> ShelfwiseError:
    """Return our error for one of the client's."""
    if isinstance(error, ApiError):
        return _from_status(error, index)
    if isinstance(error, TlsError | UnsupportedProductError):
        return ConfigurationError(f"Elasticsearch cannot be used: {error}")
    if isinstance(error, SerializationError):
        return PermanentIndexingError(f"Elasticsearch's answer cannot be read: {error}")
    if isinstance(error, ConnectionTimeout):
        return ClusterTimeout(
            "Elasticsearch did not answer in time", retry_after_seconds=RETRY_AFTER_SECONDS
        )
    reason = (
        "cannot be reached" if isinstance(error, TransportConnectionError) else "cannot be used"
    )
    return ClusterUnavailable(f"Elasticsearch {reason}", retry_after_seconds=RETRY_AFTER_SECONDS)


def _from_status(error: ApiError, index: str | None) -> ShelfwiseError:
    status = error.meta.status
    if status in _OVERLOAD_STATUS:
        return ClusterOverloaded(
            "Elasticsearch asks for fewer requests at present",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        )
    if status in _UNAVAILABLE_STATUS:
        return ClusterUnavailable(
            f"Elasticsearch failed with status {status}: {error}",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        )
    if status in _AUTHENTICATION_STATUS:
        return ConfigurationError(
            f"Elasticsearch refused the credentials with status {status}; "
            "check SHELFWISE_ELASTICSEARCH_API_KEY or the user name and password"
        )
    if status == 404:
        return UnknownIndex(f"no index named {index!r}", field="index")
    return PermanentIndexingError(f"Elasticsearch refused the request ({status}): {error}")
