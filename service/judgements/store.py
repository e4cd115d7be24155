"""Named judgement lists in the cluster, each replaced as a whole or not at all.

An import writes its rows under a revision of its own, which nobody reads yet. One write of the
list's small state document then switches to it, and what was there before is deleted. So an
import that dies leaves the list as it was; its rows go with a later import of the list.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from elasticsearch import ConflictError, Elasticsearch, NotFoundError
from elasticsearch.helpers import BulkIndexError, bulk

from mappings.cluster import cluster_errors
from mappings.errors import (
    ClusterUnavailable,
    InvalidQuery,
    PermanentIndexingError,
    ShelfwiseError,
)
from mappings.index_lifecycle import create_own_index
from mappings.validation_faults import shorten
from service.judgements.judgement_list import JudgementList, Judgements

INDEX = "shelfwise-judgements"
MAX_LISTS = 1_000
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_KEYWORD = {"type": "keyword"}
_FIELDS: dict[str, Any] = {
    "kind": _KEYWORD,  # "state" for the one document of a list, "judgement" for its rows
    "list": _KEYWORD,
    "revision": _KEYWORD,
    "query": _KEYWORD,
    "product_id": _KEYWORD,
    "grade": {"type": "byte"},
    "imported_at": {"type": "date"},
    "source": _KEYWORD,
    "max_grade": {"type": "byte"},
    "judgements": {"type": "integer"},
    "queries": {"type": "integer"},
}
_ROWS_A_PAGE = 5_000
_READS = 3
_ABANDONED = timedelta(hours=1)
"""Age of rows that no state names, after which no import can still be about to switch to them."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class StoredList:
    """What is known of a list without reading it.

    imported_at: ISO 8601. source: name of the file. judgements, queries: how many.
    """

    name: str
    revision: str
    imported_at: str
    source: str
    max_grade: int
    judgements: int
    queries: int

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return asdict(self)


def is_list_name(name: str) -> bool:
    """Return whether a list may have that name: 1 to 64 of a-z, 0-9, `_` and `-`."""
    return _NAME.fullmatch(name) is not None


class JudgementStore:
    """Reads and writes the lists of one cluster."""

    def __init__(self, client: Elasticsearch) -> None:
        self._client = client

    def save(self, name: str, content: JudgementList, *, replace: bool = False) -> StoredList:
        """Store a list under a name, whole or not at all.

        Raises InvalidQuery when the name is not allowed, when there is such a list and replace
        is False, or when somebody else has changed the list meanwhile: what was stored before is
        unchanged. After a TemporaryError it is unchanged too, or replaced as a whole.
        """
        if not is_list_name(name):
            raise InvalidQuery(
                f"name: should be 1 to 64 of a-z, 0-9, '_' and '-' and begin with a letter or "
                f"digit, got {shorten(name)}",
                field="name",
            )
        self._create_index()
        found = self._state(name)
        if found and not replace:
            raise InvalidQuery(
                f"name: there is a list {name!r} already, of {found[0].imported_at}; "
                "replace it with --replace",
                field="name",
            )
        state = StoredList(
            name=name,
            revision=secrets.token_hex(12),
            imported_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            source=content.source,
            max_grade=content.max_grade,
            judgements=content.count,
            queries=len(content.judgements),
        )
        written = {"term": {"revision": state.revision}}
        try:
            self._write_rows(state, content.judgements)
        except ShelfwiseError:
            self._tidy(name, written)
            raise
        try:
            self._switch(state, found[1] if found else None)
        except InvalidQuery:
            self._tidy(name, written)
            raise
        # After any other failure the switch may have been made, or be made yet, so the rows stay.
        self._tidy(name, _stale(found[0].revision if found else None), keep=state.revision)
        return state

    def lists(self) -> list[StoredList]:
        """Return every list by name, the first thousand."""
        with cluster_errors(index=INDEX):
            answer = self._client.search(
                index=INDEX,
                ignore_unavailable=True,
                query={"term": {"kind": "state"}},
                sort=[{"list": "asc"}],
                size=MAX_LISTS,
            )
        return [_stored(hit["_source"]) for hit in answer["hits"]["hits"]]

    def has(self, name: str) -> bool:
        """Return whether there is a list of that name."""
        return is_list_name(name) and self._state(name) is not None

    def show(self, name: str) -> StoredList:
        """Return what is known of a list; raises InvalidQuery that lists the names there are."""
        return self._require(name)[0]

    def read(self, name: str) -> JudgementList:
        """Return a list with its queries in the order of their text.

        Raises InvalidQuery that lists the names there are, ClusterUnavailable when the list is
        replaced again and again while it is read.
        """
        for _ in range(_READS):
            state, _ = self._require(name)
            found: dict[str, dict[str, int]] = {}
            for row in self._rows(state.revision):
                found.setdefault(row["query"], {})[row["product_id"]] = row["grade"]
            read = sum(len(grades) for grades in found.values())
            if read == state.judgements:
                return JudgementList(found, max_grade=state.max_grade, source=state.source)
        raise ClusterUnavailable(
            f"list {name!r} has {state.judgements} judgements, but {read} were found; "
            "it may be replaced at the moment"
        )

    def delete(self, name: str) -> StoredList:
        """Delete a list; raises what `show` raises, and InvalidQuery when it changes meanwhile."""
        state, version = self._require(name)
        with cluster_errors(index=INDEX):
            try:
                self._client.delete(
                    index=INDEX,
                    id=_state_id(name),
                    refresh=True,
                    if_seq_no=version["if_seq_no"],
                    if_primary_term=version["if_primary_term"],
                )
            except (ConflictError, NotFoundError) as error:
                raise _changed_meanwhile(name) from error
        self._tidy(name, _stale(state.revision))
        return state

    def _create_index(self) -> None:
        with cluster_errors(index=INDEX):
            if self._client.indices.exists(index=INDEX):
                return
        create_own_index(self._client, INDEX, _FIELDS)

    def _state(self, name: str) -> tuple[StoredList, dict[str, int]] | None:
        """Return a list's state and the version of that document, None without one."""
        with cluster_errors(index=INDEX):
            try:
                answer = self._client.get(index=INDEX, id=_state_id(name))
            except NotFoundError:
                return None
        version = {
            "if_seq_no": answer["_seq_no"],
            "if_primary_term": answer["_primary_term"],
        }
        return _stored(answer["_source"]), version

    def _require(self, name: str) -> tuple[StoredList, dict[str, int]]:
        found = self._state(name)
        if found is None:
            there = ", ".join(state.name for state in self.lists()) or "none at all"
            raise InvalidQuery(
                f"judgements: no list is named {shorten(name)}; there is {there}",
                field="judgements",
            )
        return found

    def _rows(self, revision: str) -> Iterator[dict[str, Any]]:
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

    def _write_rows(self, state: StoredList, judgements: Judgements) -> None:
        rows = (
            (query, product_id, grade)
            for query, grades in judgements.items()
            for product_id, grade in grades.items()
        )
        actions = (
            {
                "_op_type": "create",
                "_index": INDEX,
                "_id": f"{state.revision}-{number}",
                "kind": "judgement",
                "list": state.name,
                "revision": state.revision,
                "query": query,
                "product_id": product_id,
                "grade": grade,
                "imported_at": state.imported_at,
                "source": state.source,
            }
            for number, (query, product_id, grade) in enumerate(rows)
        )
        with cluster_errors(index=INDEX):
            try:
                bulk(self._client, actions)
            except BulkIndexError as error:
                raise PermanentIndexingError(
                    f"Elasticsearch refuses a judgement of {state.name!r}: {error.errors[0]}"
                ) from error
            # Before the switch, so that a reader of the new state finds every row.
            self._client.indices.refresh(index=INDEX)

    def _switch(self, state: StoredList, version: dict[str, int] | None) -> None:
        document = {"kind": "state", "list": state.name, **asdict(state)}
        del document["name"]
        condition: dict[str, Any] = version or {"op_type": "create"}
        with cluster_errors(index=INDEX):
            try:
                self._client.index(
                    index=INDEX,
                    id=_state_id(state.name),
                    document=document,
                    refresh=True,
                    **condition,
                )
            except ConflictError as error:
                raise _changed_meanwhile(state.name) from error

    def _tidy(self, name: str, unwanted: dict[str, Any], *, keep: str | None = None) -> None:
        """Delete rows that no state names; what stays is found again by the next import."""
        clauses: dict[str, Any] = {
            "filter": [{"term": {"kind": "judgement"}}, {"term": {"list": name}}, unwanted]
        }
        if keep:
            clauses["must_not"] = [{"term": {"revision": keep}}]
        try:
            with cluster_errors(index=INDEX):
                while self._delete_some({"bool": clauses}):
                    pass
        except ShelfwiseError as error:
            log.warning("judgements_left_behind", list=name, reason=str(error))

    def _delete_some(self, query: dict[str, Any]) -> int:
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


def _stale(revision: str | None) -> dict[str, Any]:
    before = (datetime.now(UTC) - _ABANDONED).isoformat()
    old: list[dict[str, Any]] = [{"range": {"imported_at": {"lt": before}}}]
    if revision:
        old.append({"term": {"revision": revision}})
    return {"bool": {"should": old, "minimum_should_match": 1}}


def _state_id(name: str) -> str:
    return f"state-{name}"


def _stored(document: dict[str, Any]) -> StoredList:
    fields = {key: value for key, value in document.items() if key not in ("kind", "list")}
    return StoredList(name=document["list"], **fields)


def _changed_meanwhile(name: str) -> InvalidQuery:
    return InvalidQuery(
        f"name: somebody else has changed the list {name!r} meanwhile; look at it and try again",
        field="name",
    )
