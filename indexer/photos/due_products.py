"""Which products of an index have photo work, found by searching, and how much of it there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from indexer.photos.hints import MAX_WAITING_MESSAGES, PhotoHints
from mappings.cluster import cluster_errors
from mappings.index_lifecycle import find_targets, list_indexes
from mappings.product import PHOTO_STATE_FIELDS, PHOTOS

PAGE = 500
_DUE: Mapping[str, Any] = {"exists": {"field": "photos_due_at"}}
_TRIED: Mapping[str, Any] = {"exists": {"field": "photo_attempts"}}
_FAULTY: Mapping[str, Any] = {"exists": {"field": "photo_problems"}}


@dataclass(frozen=True)
class PhotoCounts:
    """How far the photos of an index are.

    photos: that can be searched. left: products with photos that were not tried yet. later:
    products that wait for another try. faulty: products with a photo that is not there, those
    of `later` among them.
    """

    photos: int = 0
    left: int = 0
    later: int = 0
    faulty: int = 0

    def to_json(self) -> dict[str, int]:
        """Return a JSON object."""
        return {
            "photos": self.photos,
            "left": self.left,
            "later": self.later,
            "faulty": self.faulty,
        }


def count_photos(client: Elasticsearch, index: str, *, refresh: bool = False) -> PhotoCounts:
    """Count what is visible to searches. refresh: make all that was written visible before."""
    with cluster_errors(index=index):
        if refresh:
            client.indices.refresh(index=index)
        answer = client.search(
            index=index,
            size=0,
            track_total_hits=False,
            aggs={
                "photos": {"nested": {"path": PHOTOS}},
                "left": {"filter": {"bool": {"filter": [_DUE], "must_not": [_TRIED]}}},
                "later": {"filter": {"bool": {"filter": [_DUE, _TRIED]}}},
                "faulty": {"filter": _FAULTY},
            },
        )
    return PhotoCounts(
        **{name: found["doc_count"] for name, found in answer["aggregations"].items()}
    )


def send_all_due(client: Elasticsearch, hints: PhotoHints) -> int:
    """Send what is due in every index, as far as there is room; return how many products."""
    return sum(send_due(client, hints, live.name) for live in list_indexes(client))


def send_due(client: Elasticsearch, hints: PhotoHints, name: str) -> int:
    """Send what is due in an index, the longest due first, as far as there is room."""
    count = 0
    for live in find_targets(client, name):
        if live.image_encoder is None or hints.waiting() >= MAX_WAITING_MESSAGES:
            continue
        if next(due_pages(client, live.index, size=1), None) is None:
            continue
        with cluster_errors(index=name):
            # What was done since the last refresh would be found, and sent, in vain.
            client.indices.refresh(index=live.index)
        for page in due_pages(client, live.index):
            if hints.waiting() >= MAX_WAITING_MESSAGES:
                break
            count += hints.send(name, page)
    return count


def due_pages(client: Elasticsearch, index: str, *, size: int = PAGE) -> Iterator[list[str]]:
    """Yield pages of the ids of products whose photo work is due, the longest due first."""
    query = {"range": {"photos_due_at": {"lte": "now"}}}
    sort = [{"photos_due_at": "asc"}, {"product_id": "asc"}]
    for hits in _pages(client, index, query, sort, size=size, source=False):
        yield [hit["_id"] for hit in hits]


def faulty_pages(
    client: Elasticsearch, index: str, *, codes: Sequence[str] = (), size: int = PAGE
) -> Iterator[list[dict[str, Any]]]:
    """Yield pages of the hits of products with photos that are not there, by product id.

    codes: only those with a fault of one of these. Each hit has the state fields and `images`.
    """
    query = {"terms": {"photo_problems": list(codes)}} if codes else dict(_FAULTY)
    source = [*PHOTO_STATE_FIELDS, "images"]
    yield from _pages(client, index, query, [{"product_id": "asc"}], size=size, source=source)


def _pages(
    client: Elasticsearch,
    index: str,
    query: Mapping[str, Any],
    sort: Sequence[Mapping[str, str]],
    *,
    size: int,
    source: bool | Sequence[str],
) -> Iterator[list[dict[str, Any]]]:
    after: list[Any] | None = None
    while True:
        with cluster_errors(index=index):
            answer = client.search(
                index=index,
                query=query,
                size=size,
                source=source,  # type: ignore[arg-type]
                sort=sort,
                search_after=after,
                track_total_hits=False,
            )
        hits: list[dict[str, Any]] = answer["hits"]["hits"]
        if hits:
            yield hits
        if len(hits) < size:
            return
        after = hits[-1]["sort"]
