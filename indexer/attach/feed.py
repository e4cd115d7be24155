"""The changes of an index in the order in which its shards took them, without the shop's help.

Every write of a document, and every delete, has the next `_seq_no` of its shard. So what is
above the last number that was read is what has changed since, and a first pass from -1 meets every
document once. A delete leaves nothing to be found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch, NotFoundError

from mappings.attachments import (
    ATTACHED_PHOTOS,
    ATTACHED_TEXT_HASH,
    ATTACHED_TEXT_VECTOR,
    OWN_FIELD,
)
from mappings.cluster import close_point, cluster_errors
from mappings.errors import ClusterUnavailable, InvalidQuery, UnknownIndex

KEEP_ALIVE = "5m"
_DOCUMENTS_OF_A_POINT = 20_000
"""A point in time keeps what was written over since it was opened; a long walk opens new ones."""

_HAS_VECTOR = "has_vector"
# 9.2 leaves vectors out of `_source` unless asked; 8.19 refuses the question.
_VECTORS_LEFT_OUT_SINCE = (9, 2)


@dataclass(frozen=True)
class ShardState:
    """How far a shard is.

    checkpoint: up to this `_seq_no` every write is on every copy and will never be undone.
    newest: the highest that was given out. -1 for none.
    """

    checkpoint: int
    newest: int


@dataclass(frozen=True)
class IndexState:
    """The index itself behind a name, and its shards by number."""

    index: str
    uuid: str
    shards: Mapping[str, ShardState]

    def behind(self, reached: Mapping[str, int]) -> int:
        """Return how many writes nobody has looked at. reached: `_seq_no` by shard."""
        return sum(
            max(0, state.newest - reached.get(shard, -1)) for shard, state in self.shards.items()
        )


@dataclass(frozen=True)
class FeedDocument:
    """A document as the feed met it. has_vector: whether our vector can be searched."""

    document_id: str
    routing: str | None
    shard: str
    seq_no: int
    primary_term: int
    source: Mapping[str, Any]
    has_vector: bool

    @property
    def own(self) -> Mapping[str, Any]:
        """What was read of our field, empty for none."""
        own = self.source.get(OWN_FIELD)
        return own if isinstance(own, Mapping) else {}

    @property
    def text_hash(self) -> str | None:
        """What our vector stands for, as the document says."""
        found = self.own.get("text_hash")
        return found if isinstance(found, str) else None


def index_state(client: Elasticsearch, name: str) -> IndexState:
    """Return how far the index behind a name is.

    Raises UnknownIndex, InvalidQuery when the name stands for several indexes,
    ClusterUnavailable while a shard has no primary copy.
    """
    with cluster_errors(index=name):
        answer = client.indices.stats(
            index=name,
            level="shards",
            metric="docs",
            filter_path="indices.*.uuid,indices.*.shards.*.seq_no,"
            "indices.*.shards.*.routing.primary",
        )
    found = answer.get("indices", {})
    if not found:
        raise UnknownIndex(f"no index named {name!r}", field="index")
    if len(found) > 1:
        raise InvalidQuery(f"{name!r} stands for several indexes: {sorted(found)}", field="index")
    index, state = next(iter(found.items()))
    shards = {}
    for number, copies in state.get("shards", {}).items():
        for copy in copies:
            if copy["routing"]["primary"] and "seq_no" in copy:
                numbers = copy["seq_no"]
                shards[number] = ShardState(
                    max(numbers["global_checkpoint"], -1), numbers["max_seq_no"]
                )
    if not shards:
        raise ClusterUnavailable(f"index {index!r} has no shard that answers")
    return IndexState(index, state["uuid"], shards)


class ChangeFeed:
    """Reads what has changed in an index.

    paths: of `_source` that are read; None for all of it, vectors included. own: paths of our
    field that are read besides, vectors included when they are named.
    """

    def __init__(
        self,
        client: Elasticsearch,
        index: str,
        *,
        paths: Sequence[str] | None,
        own: Sequence[str] = (ATTACHED_TEXT_HASH,),
        page_size: int = 256,
        query: Mapping[str, Any] | None = None,
    ) -> None:
        self._client = client
        self._index = index
        self._page_size = page_size
        self._query = query
        wanted = {} if paths is None else {"includes": [*paths, *own]}
        needs_vectors = paths is None or ATTACHED_PHOTOS in own
        if needs_vectors and leaves_vectors_out(client):
            self._source: Any = {**wanted, "exclude_vectors": False}
        else:
            self._source = wanted or True

    def refresh(self) -> None:
        """Let searches see all that was written until now."""
        with cluster_errors(index=self._index):
            self._client.indices.refresh(index=self._index)

    def pages(self, shard: str, *, after: int, upto: int) -> Iterator[list[FeedDocument]]:
        """Yield the documents of a shard whose last write lies in (after, upto], by `_seq_no`.

        upto: at most the shard's checkpoint before the last `refresh`.
        """
        while after < upto:
            point, read = self._open_point(shard), 0
            try:
                while read < _DOCUMENTS_OF_A_POINT:
                    hits = self._search(self._page(point, after, upto))
                    if hits is None:
                        break  # it has expired: a new one goes on behind `after`
                    if not hits:
                        return
                    yield [_document(hit, shard) for hit in hits]
                    after = hits[-1]["_seq_no"]
                    read += len(hits)
            finally:
                close_point(self._client, point)

    def _open_point(self, shard: str) -> str:
        with cluster_errors(index=self._index):
            answer = self._client.open_point_in_time(
                index=self._index, keep_alive=KEEP_ALIVE, preference=f"_shards:{shard}"
            )
        return str(answer["id"])

    def _search(self, page: Mapping[str, Any]) -> list[dict[str, Any]] | None:
        """Return the hits of a page, None when the point in time has expired."""
        with cluster_errors(index=self._index):
            try:
                answer = self._client.search(**page)
            except NotFoundError:
                return None
        require_whole(answer.body, self._index)
        hits: list[dict[str, Any]] = answer["hits"]["hits"]
        return hits

    def _page(self, point: str, after: int, upto: int) -> dict[str, Any]:
        filters: list[Mapping[str, Any]] = [{"range": {"_seq_no": {"gt": after, "lte": upto}}}]
        if self._query is not None:
            filters.append(self._query)
        has_vector = {"exists": {"field": ATTACHED_TEXT_VECTOR, "_name": _HAS_VECTOR}}
        return {
            "pit": {"id": point, "keep_alive": KEEP_ALIVE},
            "query": {"bool": {"filter": filters, "should": [has_vector]}},
            "sort": [{"_seq_no": "asc"}],
            "size": self._page_size,
            "source": self._source,
            "seq_no_primary_term": True,
            "track_total_hits": False,
        }


def require_whole(answer: Mapping[str, Any], index: str) -> None:
    """Raise ClusterUnavailable when a shard did not answer: nothing found would not mean none."""
    if answer["_shards"]["failed"] or answer.get("timed_out"):
        raise ClusterUnavailable(f"a shard of {index!r} did not answer")


def leaves_vectors_out(client: Elasticsearch) -> bool:
    """Return whether the cluster leaves vectors out of `_source` unless it is asked for them."""
    with cluster_errors():
        number = client.info()["version"]["number"]
    return tuple(int(part) for part in number.split(".")[:2]) >= _VECTORS_LEFT_OUT_SINCE


def _document(hit: Mapping[str, Any], shard: str) -> FeedDocument:
    return FeedDocument(
        document_id=hit["_id"],
        routing=hit.get("_routing"),
        shard=shard,
        seq_no=hit["_seq_no"],
        primary_term=hit["_primary_term"],
        source=hit.get("_source", {}),
        has_vector=_HAS_VECTOR in hit.get("matched_queries", ()),
    )
