"""Versions of a document by index, and which is active, in a hidden index of the cluster."""

from __future__ import annotations

import difflib
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, TypeVar

from elasticsearch import ConflictError, Elasticsearch, NotFoundError

from mappings.cluster import cluster_errors
from mappings.errors import ClusterOverloaded, InvalidQuery, RequestError
from mappings.index_lifecycle import create_own_index
from mappings.index_names import check_index_name
from service.versions.state import VersionState

State = TypeVar("State", bound=VersionState)

MAX_LISTED = 1_000
"""Newest versions of an index that a list shows."""

KEYWORD: Mapping[str, Any] = {"type": "keyword"}
UNREAD: Mapping[str, Any] = {"type": "object", "enabled": False}

_ATTEMPTS = 100
"""Of a write that others get in between; each time one of the writers gets through."""
_SHARED_FIELDS: Mapping[str, Mapping[str, Any]] = {
    "kind": KEYWORD,  # version or state
    "index": KEYWORD,
    "version": KEYWORD,
    "number": {"type": "integer"},
    "created_at": {"type": "date"},
    "active": KEYWORD,
    "history": UNREAD,
    "last_number": {"type": "integer"},
    "deleting": KEYWORD,
}
_OWN_FIELDS = ("kind", "number")


def utc_now() -> datetime:
    """Return the time, with its zone."""
    return datetime.now(UTC)


class VersionStore(ABC, Generic[State]):
    """Keeps the versions of every shop's document; each is written once and never changed.

    One more document an index says what is active. It is written on the condition that nobody
    wrote in between, and read by id, which sees a write at once.
    name: of the index that holds them. now: the time of a change, with its zone. A service that
    asks during a search should give a client with a short timeout.
    Every method raises ClusterUnavailable or ClusterOverloaded when the cluster does not serve,
    and InvalidQuery for an index name that cannot be one.

    A kind of document says what it is called in messages (`what`, and `version_field` for the
    field of a request), its own fields (`fields`), and the one that lists leave out (`heavy`).
    """

    what: ClassVar[str]
    version_field: ClassVar[str] = "version"
    heavy: ClassVar[str]
    fields: ClassVar[Mapping[str, Mapping[str, Any]]]
    state_class: type[State]
    unknown: ClassVar[type[RequestError]]

    def __init__(self, client: Elasticsearch, *, name: str, now: Callable[[], datetime]) -> None:
        self._client = client
        self._name = name
        self._now = now

    @abstractmethod
    def version_prefix(self, index: str) -> str:
        """Return what stands before the number in the name of a version."""

    def list(self, index: str) -> list[dict[str, Any]]:
        """Return the newest thousand versions of an index, newest first, without `heavy`."""
        query = {"bool": {"filter": [{"term": {"kind": "version"}}, {"term": {"index": index}}]}}
        check_index_name(index)
        with cluster_errors(index=self._name):
            found = self._client.search(
                index=self._name,
                query=query,
                sort=[{"number": "desc"}],
                size=MAX_LISTED,
                source_excludes=[self.heavy],
                ignore_unavailable=True,
            )
        return [_document(hit["_source"]) for hit in found["hits"]["hits"]]

    def document(self, index: str, version: str) -> dict[str, Any]:
        """Return a version with all of it; raises the kind's error, which lists near names."""
        check_index_name(index)
        if (found := self._read(index, version)) is None:
            raise self._unknown(index, version)
        return _document(found)

    def state(self, index: str) -> State:
        """Return what is active; of an index that is not known, nothing."""
        return self._state(index)[0]

    def activate(self, index: str, version: str, *, who: str = "") -> State:
        """Let a version answer from now on, and return the state; nothing when it does already.

        Raises the kind's error for one that is not known.
        """
        return self._activate(index, version, who=who)

    def rollback(self, index: str, *, who: str = "") -> State:
        """Go back to what was active before, and return the state.

        A second rollback goes further back. Versions that have been deleted are passed over.
        Raises InvalidQuery when nothing is known to have been active before.
        """

        def change(state: State) -> State:
            for target in state.before_active():
                if target is None or self._is_there(state, target):
                    changed = state.change_to(target, "rollback", at=self._time(), who=who)
                    return self._ended(changed)
            raise InvalidQuery(
                f"nothing was active before {state.active or 'the default'!r} on {index!r}",
                field="index",
            )

        return self._update(index, change)

    def deactivate(self, index: str, *, who: str = "") -> State:
        """Let the default answer, and return the state."""

        def change(state: State) -> State:
            ended = self._ended(state)
            if state.active is None:
                return ended
            return ended.change_to(None, "deactivate", at=self._time(), who=who)

        return self._update(index, change)

    def delete(self, index: str, version: str) -> None:
        """Forget a version for good.

        Raises the kind's error for one that is not known, and InvalidQuery for one in use.
        """

        def claim(state: State) -> State:
            self._require(state, version, claimed=True)
            if version in state.in_use:
                raise InvalidQuery(
                    f"{version!r} answers searches of {index!r}: {self._way_out()} before it is "
                    "deleted",
                    field=self.version_field,
                )
            return replace(state, deleting=tuple(dict.fromkeys([*state.deleting, version])))

        # Claimed first, so that nobody makes it active between the check and the delete.
        self._update(index, claim)
        with cluster_errors(index=self._name):
            self._client.options(ignore_status=404).delete(
                index=self._name, id=version, refresh=True
            )
        self._update(
            index,
            lambda state: replace(
                state, deleting=tuple(name for name in state.deleting if name != version)
            ),
        )

    def _check_activation(self, state: State, version: str) -> None:
        """Raise InvalidQuery when a version may not become active now."""

    def _ended(self, state: State) -> State:
        """Return the state without whatever else answers searches beside the active version."""
        return state

    def _way_out(self) -> str:
        return "activate another"

    def _save(self, index: str, body: Mapping[str, Any]) -> str:
        """Keep a document as a new version, and return its name.

        Numbers count from 1 by index and are never given twice, also after a delete; a writer
        that dies leaves a gap.
        """
        while True:
            number = self._update(
                index, lambda state: replace(state, last_number=state.last_number + 1)
            ).last_number
            version = f"{self.version_prefix(index)}-{number}"
            document = {
                "kind": "version",
                "version": version,
                "number": number,
                "created_at": self._time(),
                **body,
                "index": index,
            }
            with _conflicts() as taken, cluster_errors(index=self._name):
                self._client.create(index=self._name, id=version, document=document, refresh=True)
            # Taken only where the state was lost, for instance by restoring an old snapshot.
            if not taken:
                return version

    def _activate(
        self,
        index: str,
        version: str,
        *,
        who: str,
        check: Callable[[State], None] | None = None,
    ) -> State:
        def change(state: State) -> State:
            if check is not None:
                check(state)
            self._require(state, version)
            self._check_activation(state, version)
            if state.active == version:
                return state
            return state.change_to(version, "activate", at=self._time(), who=who)

        return self._update(index, change)

    def _update(self, index: str, change: Callable[[State], State]) -> State:
        """Change the state; `change` is asked again when somebody else wrote meanwhile."""
        for _ in range(_ATTEMPTS):
            state, condition = self._state(index)
            changed = change(state)
            if changed == state:
                return state
            self._create_index()
            body = {"kind": "state", **changed.to_json()}
            with _conflicts() as taken, cluster_errors(index=self._name):
                self._client.index(
                    index=self._name, id=_state_id(index), document=body, **condition
                )
            if not taken:
                return changed
        raise ClusterOverloaded(
            f"the {self.what} of {index!r} were changed by others {_ATTEMPTS} times in between",
            field="index",
            retry_after_seconds=1,
        )

    def _state(self, index: str) -> tuple[State, dict[str, Any]]:
        check_index_name(index)
        with cluster_errors(index=self._name):
            try:
                found = self._client.get(index=self._name, id=_state_id(index))
            except NotFoundError:
                return self.state_class(index), {"op_type": "create"}
        condition = {
            "if_seq_no": found["_seq_no"],
            "if_primary_term": found["_primary_term"],
        }
        return self.state_class.from_json(found["_source"]), condition

    def _create_index(self) -> None:
        # Asked before each change, for a write to a missing index would make one without mapping.
        with cluster_errors(index=self._name):
            if self._client.indices.exists(index=self._name):
                return
        create_own_index(self._client, self._name, {**_SHARED_FIELDS, **self.fields})

    def _read(self, index: str, version: str, fields: str = "*") -> dict[str, Any] | None:
        # Another name is no version's, and may be the id of a state or none that can be asked for.
        prefix = re.escape(self.version_prefix(index))
        if not re.fullmatch(rf"{prefix}-[1-9][0-9]{{0,8}}", version):
            return None
        with cluster_errors(index=self._name):
            try:
                found = self._client.get(index=self._name, id=version, source_includes=fields)
            except NotFoundError:
                return None
        source: dict[str, Any] = found["_source"]
        return source

    def _is_there(self, state: State, version: str, *, claimed: bool = False) -> bool:
        if version in state.deleting and not claimed:
            return False
        return self._read(state.index, version, "index") is not None

    def _require(self, state: State, version: str, *, claimed: bool = False) -> None:
        if not self._is_there(state, version, claimed=claimed):
            raise self._unknown(state.index, version)

    def _unknown(self, index: str, version: str) -> RequestError:
        names = [document["version"] for document in self.list(index)]
        near = difflib.get_close_matches(version, names, n=3, cutoff=0.5) or names[:3]
        hint = f"; near are {', '.join(near)}" if near else f"; {index!r} has none"
        return self.unknown(
            f"no {self.what} version {version[:160]!r} of index {index!r}{hint}",
            field=self.version_field,
        )

    def _time(self) -> str:
        return self._now().isoformat("T", "milliseconds")


@contextmanager
def _conflicts() -> Iterator[list[ConflictError]]:
    """Keep the conflict, instead of raising it, in the list that is given."""
    met: list[ConflictError] = []
    try:
        yield met
    except Exception as error:
        if not isinstance(error.__cause__, ConflictError):
            raise
        met.append(error.__cause__)


def _state_id(index: str) -> str:
    return f"state:{index}"  # no version has this id: a colon is in no index name


def _document(source: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in source.items() if name not in _OWN_FIELDS}
