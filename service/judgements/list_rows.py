"""The rows of stored lists: one document for each judged pair of a revision.

A row's id follows from its revision, query and product, so that a pair has one row however many
judges grade it at once, and a single grade costs one read and one write by id.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elasticsearch import ConflictError, Elasticsearch, NotFoundError
from elasticsearch.helpers import BulkIndexError, bulk

from mappings.cluster import cluster_errors
from mappings.errors import PermanentIndexingError
from service.judgements.judgement_list import Judgements

INDEX = "shelfwise-judgements"
_KEYED = "k"
"""First letter of a revision whose rows have such ids; those of earlier releases are counted."""
_ROWS_A_PAGE = 5_000
_EXACT_QUERIES = 3_000
"""Queries of a list up to which Elasticsearch's count of them is as good as exact."""


@dataclass(frozen=True)
class StoredGrade:
    """A pair's row. imported_at: when it was written, ISO 8601.

    where: its version, for a write on the condition that nobody wrote in between.
    """

    grade: int
    imported_at: str
    where: Mapping[str, Any]


def new_revision() -> str:
    """Return the name of a revision that nobody has yet."""
    return _KEYED + secrets.token_hex(12)


def is_keyed(revision: str) -> bool:
    """Return whether the rows of a revision can be found by their pair."""
    return revision.startswith(_KEYED)


class ListRows:
    """Reads and writes rows. Every method raises a TemporaryError without the cluster."""

    def __init__(self, client: Elasticsearch) -> None:
        self._client = client

    def refresh(self) -> None:
        """Let searches see what has been written; nothing to do where there is no index yet."""
        with cluster_errors(index=INDEX):
            self._client.indices.refresh(index=INDEX, ignore_unavailable=True)

    def read(self, revision: str) -> dict[str, dict[str, int]]:
        """Return query to product id to grade, the queries in the order of their text."""
        self.refresh()  # single grades are written without waiting for it
        found: dict[str, dict[str, int]] = {}
        for row in self._pages(revision):
            found.setdefault(row["query"], {})[row["product_id"]] = row["grade"]
        return found

    def counts(self, revisions: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Return revision to its number of judgements and of queries, none for one without.

        The queries of a list of thousands are counted to about a hundredth.
        """
        if not revisions:
            return {}
        self.refresh()
        with cluster_errors(index=INDEX):
            answer = self._client.search(
                index=INDEX,
                ignore_unavailable=True,
                query={
                    "bool": {
                        "filter": [
                            {"term": {"kind": "judgement"}},
                            {"terms": {"revision": list(revisions)}},
                        ]
                    }
                },
                aggs={
                    "by": {
                        "terms": {"field": "revision", "size": len(revisions)},
                        "aggs": {
                            "queries": {
                                "cardinality": {
                                    "field": "query",
                                    "precision_threshold": _EXACT_QUERIES,
                                }
                            }
                        },
                    }
                },
                size=0,
            )
        buckets = answer.get("aggregations", {}).get("by", {}).get("buckets", [])
        return {one["key"]: (one["doc_count"], one["queries"]["value"]) for one in buckets}

    def write(
        self, name: str, revision: str, judgements: Judgements, *, at: str, source: str
    ) -> None:
        """Write the rows of a revision that nobody reads yet.

        Raises PermanentIndexingError when Elasticsearch refuses one.
        """
        actions = (
            {
                "_op_type": "create",
                "_index": INDEX,
                "_id": row_id(revision, query, product_id),
                **_row(name, revision, query, product_id, grade, at=at, source=source),
            }
            for query, grades in judgements.items()
            for product_id, grade in grades.items()
        )
        with cluster_errors(index=INDEX):
            try:
                bulk(self._client, actions)
            except BulkIndexError as error:
                raise PermanentIndexingError(
                    f"Elasticsearch refuses a judgement of {name!r}: {error.errors[0]}"
                ) from error
            # Before the switch to it, so that a reader of the new state finds every row.
            self._client.indices.refresh(index=INDEX)

    def find(self, revision: str, query: str, product_id: str) -> StoredGrade | None:
        """Return a pair's row as it is now, None when the pair is not judged."""
        with cluster_errors(index=INDEX):
            try:
                found = self._client.get(index=INDEX, id=row_id(revision, query, product_id))
            except NotFoundError:
                return None
        where = {"if_seq_no": found["_seq_no"], "if_primary_term": found["_primary_term"]}
        return StoredGrade(found["_source"]["grade"], found["_source"]["imported_at"], where)

    def put(
        self,
        name: str,
        revision: str,
        pair: tuple[str, str],
        grade: int | None,
        known: StoredGrade | None,
        *,
        at: str,
        source: str,
    ) -> bool:
        """Write a pair's grade, None to take it away, and say whether it was done.

        known: the row as it was found. It is not done when somebody wrote in between.
        """
        query, product_id = pair
        place: dict[str, Any] = {"index": INDEX, "id": row_id(revision, query, product_id)}
        with cluster_errors(index=INDEX):
            try:
                if grade is not None:
                    row = _row(name, revision, query, product_id, grade, at=at, source=source)
                    condition: Mapping[str, Any] = known.where if known else {"op_type": "create"}
                    self._client.index(**place, document=row, **condition)
                elif known is not None:
                    self._client.delete(**place, **known.where)
            except (ConflictError, NotFoundError):
                return False
        return True

    def delete(self, query: Mapping[str, Any]) -> None:
        """Delete all rows that a query finds."""
        with cluster_errors(index=INDEX):
            while self._delete_some(query):
                pass

    def _delete_some(self, query: Mapping[str, Any]) -> int:
        """Delete a page of what a query finds; return how many have gone."""
        # By ids: the embedded server has no module for deleting by a query.
        self._client.indices.refresh(index=INDEX)  # else what was just written is missed
        answer = self._client.search(
            index=INDEX, query=query, source=False, size=_ROWS_A_PAGE, track_total_hits=False
        )
        found = answer["hits"]["hits"]
        actions = ({"_op_type": "delete", "_index": INDEX, "_id": hit["_id"]} for hit in found)
        # One that somebody else has deleted meanwhile is no fault.
        deleted, _ = bulk(self._client, actions, raise_on_error=False)
        return deleted

    def _pages(self, revision: str) -> Iterator[dict[str, Any]]:
        after: dict[str, Any] = {}
        while True:
            with cluster_errors(index=INDEX):
                answer = self._client.search(
                    index=INDEX,
                    query={
                        "bool": {
                            "filter": [
                                {"term": {"kind": "judgement"}},
                                {"term": {"revision": revision}},
                            ]
                        }
                    },
                    # A total order: a revision has each pair once.
                    sort=[{"query": "asc"}, {"product_id": "asc"}],
                    source_includes=["query", "product_id", "grade"],
                    size=_ROWS_A_PAGE,
                    track_total_hits=False,
                    **after,
                )
            hits = answer["hits"]["hits"]
            yield from (hit["_source"] for hit in hits)
            if len(hits) < _ROWS_A_PAGE:
                return
            after = {"search_after": hits[-1]["sort"]}


def row_id(revision: str, query: str, product_id: str) -> str:
    """Return the id of a pair's row; no query and product id hold the character between them."""
    digest = hashlib.sha256(f"{query}\0{product_id}".encode()).hexdigest()
    return f"{revision}-{digest[:40]}"


def _row(
    name: str, revision: str, query: str, product_id: str, grade: int, *, at: str, source: str
) -> dict[str, Any]:
    return {
        "kind": "judgement",
        "list": name,
        "revision": revision,
        "query": query,
        "product_id": product_id,
        "grade": grade,
        "imported_at": at,
        "source": source,
    }
