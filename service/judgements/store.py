"""Named judgement lists in the cluster: replaced as a whole or not at all, and graded one by one.

An import writes its rows under a revision of its own, which nobody reads yet. One write of the
list's small state document then switches to it, and what was there before is deleted. So an
import that dies leaves the list as it was; its rows go with a later import of the list.

A single grade is one row of the revision that is read. Its writer looks at the state once more
afterwards: where an import has switched meanwhile, the grade is written again under the new
revision. And who merges looks at the old rows once more after the switch. So none is lost.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from elasticsearch import ConflictError, Elasticsearch, NotFoundError

from mappings.cluster import cluster_errors
from mappings.errors import ClusterUnavailable, InvalidQuery, ShelfwiseError
from mappings.index_lifecycle import create_own_index
from mappings.validation_faults import shorten
from service.judgements.judgement_list import JudgementList, Judgements
from service.judgements.list_rows import INDEX, ListRows, is_keyed, new_revision
from service.judgements.single_grades import ANY_GRADE, give_grade, take_along

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
_ATTEMPTS = 3
_ABANDONED = timedelta(hours=1)
"""Age of rows that no state names, after which no import can still be about to switch to them."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class StoredList:
    """What is known of a list without reading it.

    imported_at: ISO 8601. source: name of the file. judgements, queries: how many; of a list of
    thousands of queries that was graded one by one, the queries are counted to about a hundredth.
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
        self._rows = ListRows(client)

    def save(self, name: str, content: JudgementList, *, replace: bool = False) -> StoredList:
        """Store a list under a name, whole or not at all.

        Raises InvalidQuery when the name is not allowed, when there is such a list and replace
        is False, or when somebody else has changed the list meanwhile: what was stored before is
        unchanged. After a TemporaryError it is unchanged too, or replaced as a whole.
        """
        self._prepare(name)
        found = self._state(name)
        if found and not replace:
            raise InvalidQuery(
                f"name: there is a list {name!r} already, of {found[0].imported_at}; "
                "replace it with --replace",
                field="name",
            )
        return self._save(name, content, found)

    def merge(self, name: str, content: JudgementList) -> StoredList:
        """Add judgements to a list, or store it when there is none of that name.

        A pair that the list has gets the new grade. Raises what `save` raises, and InvalidQuery
        when the list's best grade is another one.
        """
        self._prepare(name)
        found = self._state(name)
        if found is None:
            return self._save(name, content, None)
        before = found[0]
        if before.max_grade != content.max_grade:
            raise InvalidQuery(
                f"max_grade: list {name!r} has grades 0 to {before.max_grade}, "
                f"got 0 to {content.max_grade}",
                field="max_grade",
            )
        known = self._rows.read(before.revision)
        merged = {query: dict(grades) for query, grades in known.items()}
        for query, grades in content.judgements.items():
            merged.setdefault(query, {}).update(grades)
        whole = JudgementList(merged, before.max_grade, source=content.source or before.source)
        return self._save(name, whole, found, known=known)

    def grade(
        self,
        name: str,
        query: str,
        product_id: str,
        grade: int | None,
        *,
        source: str = "",
        seen: int | None = ANY_GRADE,
    ) -> int | None:
        """Give one pair of a list a grade, None to take it away; return the one it had.

        source: who grades. seen: the grade that the judge believes the pair to have, None for
        no grade. Raises InvalidQuery for a list that is not there and a grade beyond its scale,
        Conflict when the pair has another grade than the one seen.
        """
        for _ in range(_ATTEMPTS):
            state, version = self._require(name)
            if grade is not None and not 0 <= grade <= state.max_grade:
                raise InvalidQuery(
                    f"grade: should be a whole number from 0 to {state.max_grade}, got {grade}",
                    field="grade",
                )
            if not is_keyed(state.revision):
                known = self._rows.read(state.revision)
                self._save(name, self._content(state, known), (state, version), known=known)
                continue
            place, pair = (name, state.revision), (query, product_id)
            had = give_grade(self._rows, place, pair, grade, source=source, seen=seen)
            now = self._state(name)
            if now is not None and now[0].revision == state.revision:
                return had
            seen = ANY_GRADE  # an import may have brought our own grade along
        raise ClusterUnavailable(f"list {name!r} is replaced again and again; try again")

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
        return self._counted([_stored(hit["_source"]) for hit in answer["hits"]["hits"]])

    def has(self, name: str) -> bool:
        """Return whether there is a list of that name."""
        return is_list_name(name) and self._state(name) is not None

    def show(self, name: str) -> StoredList:
        """Return what is known of a list; raises InvalidQuery that lists the names there are."""
        return self._counted([self._require(name)[0]])[0]

    def read(self, name: str) -> JudgementList:
        """Return a list with its queries in the order of their text.

        Raises InvalidQuery that lists the names there are, ClusterUnavailable when the list is
        replaced again and again while it is read.
        """
        for _ in range(_ATTEMPTS):
            state, _ = self._require(name)
            found = self._rows.read(state.revision)
            now = self._state(name)
            # Rows of a revision go only after a switch to another one.
            if now is not None and now[0].revision == state.revision:
                return self._content(state, found)
        raise ClusterUnavailable(f"list {name!r} is replaced again and again while it is read")

    def delete(self, name: str) -> StoredList:
        """Delete a list; raises what `show` raises, and InvalidQuery when it changes meanwhile."""
        state, version = self._require(name)
        counted = self._counted([state])[0]
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
        return counted

    def _save(
        self,
        name: str,
        content: JudgementList,
        found: tuple[StoredList, dict[str, int]] | None,
        *,
        known: Judgements | None = None,
    ) -> StoredList:
        """Write a revision and switch to it.

        found: the list as it is. known: its rows where the content holds them; what is graded
        meanwhile is taken along.
        """
        state = StoredList(
            name=name,
            revision=new_revision(),
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
        if found and known is not None:
            later = self._rows.read(found[0].revision)
            place = (name, state.revision)
            take_along(self._rows, place, known, later, at=state.imported_at)
        # After any other failure the switch may have been made, or be made yet, so the rows stay.
        self._tidy(name, _stale(found[0].revision if found else None), keep=state.revision)
        return state

    def _write_rows(self, state: StoredList, judgements: Judgements) -> None:
        at, source = state.imported_at, state.source
        self._rows.write(state.name, state.revision, judgements, at=at, source=source)

    @staticmethod
    def _content(state: StoredList, rows: Judgements) -> JudgementList:
        return JudgementList(rows, max_grade=state.max_grade, source=state.source)

    def _counted(self, states: list[StoredList]) -> list[StoredList]:
        """Return the states with what has been graded since."""
        counts = self._rows.counts([state.revision for state in states])
        return [_with_counts(state, counts) for state in states]

    def _prepare(self, name: str) -> None:
        """Make the index unless it is there; raises InvalidQuery for a name that is none."""
        if not is_list_name(name):
            raise InvalidQuery(
                f"name: should be 1 to 64 of a-z, 0-9, '_' and '-' and begin with a letter or "
                f"digit, got {shorten(name)}",
                field="name",
            )
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
            self._rows.delete({"bool": clauses})
        except ShelfwiseError as error:
            log.warning("judgements_left_behind", list=name, reason=str(error))


def _with_counts(state: StoredList, counts: Mapping[str, tuple[int, int]]) -> StoredList:
    judgements, queries = counts.get(state.revision, (0, 0))
    if judgements == state.judgements:
        return state  # as it was imported, so its exact numbers hold
    return replace(state, judgements=judgements, queries=queries)


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
