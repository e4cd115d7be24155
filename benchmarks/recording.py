"""What a search asks of Elasticsearch, to ask the same again without the service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

import orjson
from elastic_transport import ObjectApiResponse
from elasticsearch import Elasticsearch

from benchmarks.http_client import JsonClient
from mappings.cluster import connect
from mappings.index_lifecycle import LiveIndex
from service.learned_rankings import NothingLearned
from service.live_indexes import LiveIndexes
from service.prepared_search import SearchPreparer
from service.query_encoders import QueryEncoders
from service.ranking.weights import load_default
from service.search_request import SearchRequest
from service.search_results import UnderstoodQuery
from service.searcher import Searcher
from service.settings import ServiceSettings

_FOREVER_SECONDS = 1e9


@dataclass(frozen=True)
class RecordedRequest:
    """One request to Elasticsearch. body: encoded."""

    path: str
    body: bytes


class _RecordingClient:
    """Passes requests on to a real client and keeps them."""

    def __init__(self, client: Elasticsearch) -> None:
        self._client = client
        self.seen: list[RecordedRequest] = []

    def perform_request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any],
        headers: Mapping[str, str],
        body: Mapping[str, Any],
    ) -> ObjectApiResponse[Any]:
        """Keep the request, and return the answer."""
        self.seen.append(RecordedRequest(f"{path}?{urlencode(params)}", orjson.dumps(body)))
        answer = self._client.perform_request(
            method, path, params=params, headers=headers, body=body
        )
        return cast(ObjectApiResponse[Any], answer)


def record_requests(
    settings: ServiceSettings, index: str, bodies: Sequence[bytes]
) -> list[list[RecordedRequest]]:
    """Run each search in this process and return what it asked of Elasticsearch."""
    encoders = QueryEncoders(settings)
    with connect(settings) as client:
        recorder = _RecordingClient(client)
        indexes = _indexes(client, encoders)
        preparer = SearchPreparer(indexes, encoders, load_default(), _nothing, NothingLearned())
        searcher = Searcher(cast(Elasticsearch, recorder), preparer)
        found = []
        for body in bodies:
            recorder.seen = []
            searcher.search(index, SearchRequest.parse(orjson.loads(body)))
            found.append(recorder.seen)
    return found


def replay(client: JsonClient, requests: Sequence[RecordedRequest]) -> float:
    """Ask Elasticsearch the same, one after the other, and return the milliseconds."""
    return sum(client.post(request.path, request.body).milliseconds for request in requests)


def _nothing(
    text: str, live: LiveIndex, /, *, is_known: Callable[[str], bool] | None = None
) -> UnderstoodQuery:
    return UnderstoodQuery()


def _indexes(client: Elasticsearch, encoders: QueryEncoders) -> LiveIndexes:
    return LiveIndexes(client, encoders.require, ttl_seconds=_FOREVER_SECONDS)
