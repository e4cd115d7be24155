"""The ids of all products of a source, small in memory, and what an index has besides."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from mappings.cluster import close_point, cluster_errors
from mappings.errors import TooManyDeletes

_DIGEST_BYTES = 8
"""A million ids share a digest with a chance of 1 in 37 million; then a product merely stays."""
_PAGE = 5_000
_KEEP_ALIVE = "10m"
_IS_GONE = {"exists": {"field": "deleted_at"}}


class ProductIds:
    """A set of ids, as 8 bytes each."""

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._digests = array("Q")
        self._sorted: NDArray[np.uint64] | None = None
        self.add(ids)

    def __len__(self) -> int:
        return int(self._ordered().size)

    def add(self, ids: Iterable[str]) -> None:
        """Take in ids; one that is there already changes nothing."""
        self._digests.extend(map(_digest, ids))
        self._sorted = None

    def absent(self, ids: Sequence[str]) -> list[str]:
        """Return those of the ids that are not here, in their order."""
        ordered = self._ordered()
        wanted = np.fromiter(map(_digest, ids), dtype=np.uint64, count=len(ids))
        places = np.searchsorted(ordered, wanted)
        places[places == ordered.size] = 0
        found = ordered[places] == wanted if ordered.size else np.zeros(len(ids), dtype=bool)
        return [name for name, is_here in zip(ids, found, strict=True) if not is_here]

    def _ordered(self) -> NDArray[np.uint64]:
        if self._sorted is None:
            self._sorted = np.unique(np.frombuffer(self._digests.tobytes(), dtype=np.uint64))
        return self._sorted


def find_absent(
    client: Elasticsearch, index: str, present: ProductIds, *, before: int, max_share: float
) -> list[str]:
    """Return the ids of the index's products that are not present.

    before: an arrival; a product with a change since then is left alone, as the list of what
    is present may be older than it. max_share: of the index's products, 0 to 1.
    Raises TooManyDeletes when more of them are absent, ClusterUnavailable.
    """
    with cluster_errors(index=index):
        client.indices.refresh(index=index)
        total = client.count(index=index, query={"bool": {"must_not": [_IS_GONE]}})["count"]
    absent = [name for ids in _walk(client, index, before) for name in present.absent(ids)]
    if absent and len(absent) > max_share * total:
        raise TooManyDeletes(
            f"{len(absent)} of {total} products of index {index!r} are not in the source, more "
            f"than max_delete = {max_share} allows: nothing was deleted. If the source is right, "
            "raise max_delete for one run",
            field="max_delete",
        )
    return absent


def _walk(client: Elasticsearch, index: str, before: int) -> Iterator[list[str]]:
    with cluster_errors(index=index):
        point = client.open_point_in_time(index=index, keep_alive=_KEEP_ALIVE)["id"]
    gone = [_IS_GONE, {"range": {"last_arrival": {"gte": before}}}]
    after: dict[str, Any] = {}
    try:
        while True:
            with cluster_errors(index=index):
                answer = client.search(
                    pit={"id": point, "keep_alive": _KEEP_ALIVE},
                    size=_PAGE,
                    query={"bool": {"must_not": gone}},
                    sort=[{"_shard_doc": "asc"}],
                    source=False,
                    track_total_hits=False,
                    **after,
                )
            hits = answer["hits"]["hits"]
            if not hits:
                return
            after = {"search_after": hits[-1]["sort"]}
            yield [hit["_id"] for hit in hits]
    finally:
        close_point(client, point)


def _digest(product_id: str) -> int:
    raw = product_id.encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(raw, digest_size=_DIGEST_BYTES).digest(), "big")
