"""The ids of an index's products in order, as they stood when the walk began."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from elasticsearch import Elasticsearch, NotFoundError

from mappings.cluster import close_point, cluster_errors

KEEP_ALIVE = "10m"


def count_since(client: Elasticsearch, index: str, *, since: int = 0) -> int:
    """Return the number of documents, tombstones included, that changed at `since` or later."""
    with cluster_errors(index=index):
        return int(client.count(index=index, query=_query(since))["count"])


def walk_ids(
    client: Elasticsearch,
    index: str,
    *,
    page_size: int,
    after: str | None = None,
    since: int = 0,
) -> Iterator[Sequence[str]]:
    """Yield pages of ids, tombstones included, in the order of the ids.

    after: the id to go on behind. since: the arrival before which a change does not count.
    A point in time that has expired, e.g. because workers were away, is opened anew: what was
    written since then has reached the next version by itself. Raises TemporaryError.
    """
    point: str | None = None
    try:
        while True:
            if point is None:
                with cluster_errors(index=index):
                    point = client.open_point_in_time(index=index, keep_alive=KEEP_ALIVE)["id"]
            with cluster_errors(index=index):
                try:
                    answer = client.search(**_page(point, page_size, after, since))
                except NotFoundError:
                    point = None
                    continue
            hits = answer["hits"]["hits"]
            if not hits:
                return
            after = hits[-1]["sort"][0]
            yield [hit["_id"] for hit in hits]
    finally:
        if point is not None:
            close_point(client, point)


def _page(point: str, size: int, after: str | None, since: int) -> dict[str, Any]:
    page: dict[str, Any] = {
        "pit": {"id": point, "keep_alive": KEEP_ALIVE},
        "size": size,
        "query": _query(since),
        "sort": [{"product_id": "asc"}],
        "source": False,
        "track_total_hits": False,
    }
    return page if after is None else {**page, "search_after": [after]}


def _query(since: int) -> dict[str, Any]:
    return {"range": {"last_arrival": {"gte": since}}} if since else {"match_all": {}}
