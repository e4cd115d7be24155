"""The client, and its errors as ours."""

from __future__ import annotations

import inspect

import elastic_transport
import elasticsearch
import pytest
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig
from elasticsearch import ApiError, Elasticsearch

from mappings.cluster import RETRY_AFTER_SECONDS, close_point, cluster_errors, connect, translate
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

NODE = NodeConfig("http", "127.0.0.1", 9200)


def api_error(status: int, cls: type[ApiError] = ApiError) -> ApiError:
    meta = ApiResponseMeta(status, "1.1", HttpHeaders(), 0.1, NODE)
    return cls("reason_of_elasticsearch", meta, {"error": {"type": "t", "reason": "because"}})


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, PermanentIndexingError),
        (401, ConfigurationError),
        (403, ConfigurationError),
        (404, UnknownIndex),
        (408, ClusterUnavailable),
        (409, PermanentIndexingError),
        (413, PermanentIndexingError),
        (429, ClusterOverloaded),
        (500, ClusterUnavailable),
        (502, ClusterUnavailable),
        (503, ClusterOverloaded),
        (504, ClusterUnavailable),
    ],
)
def test_status_decides_the_branch(status, expected):
    error = translate(api_error(status), index="products")
    assert type(error) is expected
    assert error.retry_after_seconds == (RETRY_AFTER_SECONDS if error.retryable else None)


def _client_exceptions() -> list[type[Exception]]:
    modules = (elasticsearch, elastic_transport)
    found = {
        member
        for module in modules
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, Exception) and not issubclass(member, Warning)
    }
    found.discard(elastic_transport.ApiError)  # only a base: the client raises its own
    return sorted(found, key=lambda cls: cls.__name__)


def _instance(cls: type[Exception]) -> Exception:
    if issubclass(cls, ApiError):
        return api_error(418, cls)
    if issubclass(cls, elastic_transport.TransportError):
        return cls("broken pipe")
    return cls("not Elasticsearch", api_error(200).meta, {})


@pytest.mark.parametrize("cls", _client_exceptions(), ids=lambda cls: cls.__name__)
def test_every_exception_of_the_client_becomes_one_of_ours(cls):
    cause = _instance(cls)
    with pytest.raises(ShelfwiseError) as caught, cluster_errors(index="products"):
        raise cause
    assert caught.value.__cause__ is cause


@pytest.mark.parametrize(
    ("cause", "expected", "words"),
    [
        (elastic_transport.ConnectionError("x"), ClusterUnavailable, "cannot be reached"),
        (elastic_transport.ConnectionTimeout("x"), ClusterTimeout, "did not answer in time"),
        (
            elastic_transport.TlsError("x", errors=(ValueError("bad cert"),)),
            ConfigurationError,
            "bad cert",
        ),
        (elastic_transport.SerializationError("<html>"), PermanentIndexingError, "<html>"),
        (api_error(404), UnknownIndex, "'products'"),
        (api_error(401), ConfigurationError, "SHELFWISE_ELASTICSEARCH_API_KEY"),
    ],
    ids=lambda value: getattr(value, "__name__", None) or type(value).__name__,
)
def test_message_says_what_happened(cause, expected, words):
    error = translate(cause, index="products")
    assert type(error) is expected
    assert words in str(error)


def test_other_exceptions_pass_untouched():
    with pytest.raises(KeyError), cluster_errors():
        raise KeyError("a bug of ours")


def test_nobody_there_is_temporary():
    settings = SharedSettings(
        elasticsearch_url="http://127.0.0.1:9", elasticsearch_timeout_seconds=2
    )
    with connect(settings) as client, pytest.raises(ClusterUnavailable), cluster_errors():
        client.info()


def test_point_that_cannot_be_closed_hides_no_other_error():
    settings = SharedSettings(
        elasticsearch_url="http://127.0.0.1:9", elasticsearch_timeout_seconds=2
    )
    with connect(settings) as client, pytest.raises(ClusterUnavailable):
        try:
            with cluster_errors():
                client.open_point_in_time(index="products", keep_alive="1m")
        finally:
            close_point(client, "a-point")


@pytest.mark.parametrize(
    ("settings", "header"),
    [
        ({"elasticsearch_api_key": "aWQ6a2V5"}, "ApiKey aWQ6a2V5"),
        (
            {"elasticsearch_username": "elastic", "elasticsearch_password": "pw"},
            "Basic ZWxhc3RpYzpwdw==",
        ),
        ({"elasticsearch_username": "elastic"}, "Basic ZWxhc3RpYzo="),
        ({}, None),
    ],
    ids=["key", "password", "user alone", "open"],
)
def test_credentials_reach_the_client(settings, header):
    with connect(SharedSettings.model_validate(settings)) as client:
        assert client._headers.get("authorization") == header


def test_several_addresses_are_several_nodes():
    settings = SharedSettings(elasticsearch_url="http://a:9200, http://b:9200")
    with connect(settings) as client:
        hosts = {node.config.host for node in client.transport.node_pool.all()}
    assert hosts == {"a", "b"}


@pytest.mark.cluster
def test_real_refusal_is_translated(cluster: Elasticsearch):
    with pytest.raises(UnknownIndex, match="'nothing-here'"), cluster_errors(index="nothing-here"):
        cluster.search(index="nothing-here")
    with pytest.raises(PermanentIndexingError, match="400"), cluster_errors():
        cluster.indices.create(index="UPPER")
