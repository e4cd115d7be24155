"""Documents by their ids, as they are at this moment, with the vectors in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elasticsearch import Elasticsearch

from indexer.attach.feed import leaves_vectors_out
from mappings.cluster import cluster_errors


def read_whole(
    client: Elasticsearch,
    index: str,
    ids: Sequence[tuple[str, str | None]],
    *,
    paths: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """Return Elasticsearch's answers in the order of the ids, also of those that are not there.

    ids: with their routing. paths: of `_source` that are read; None for all of it.
    """
    if not ids:
        return []
    docs = [
        {
            "_id": name,
            **({} if paths is None else {"_source": list(paths)}),
            **({"routing": routing} if routing else {}),
        }
        for name, routing in ids
    ]
    with cluster_errors(index=index):
        answer = client.perform_request(
            "POST",
            f"/{index}/_mget",
            params={"_source_exclude_vectors": "false"} if leaves_vectors_out(client) else {},
            headers={"accept": "application/json", "content-type": "application/json"},
            body={"docs": docs},
        )
    found: list[dict[str, Any]] = answer.body["docs"]
    return found
