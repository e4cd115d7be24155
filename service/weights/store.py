"""Versions of the ranking weights, and which is active, in an index of the cluster."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from elasticsearch import ConflictError, Elasticsearch, NotFoundError

from mappings.cluster import cluster_errors
from mappings.errors import ClusterOverloaded, InvalidQuery, UnknownWeights
from mappings.index_lifecycle import create_own_index
from mappings.index_names import check_index_name
from service.weights.documents import WeightsDocument, check_document
from service.weights.experiments import Experiment
from service.weights.state import WeightsState

WEIGHTS_INDEX = "shelfwise-weights"
MAX_LISTED = 1_000
"""Newest versions of an index that a list shows."""

_ATTEMPTS = 100
"""Of a write that others get in between; each time one of the writers gets through."""
_KEYWORD = {"type": "keyword"}
_UNREAD = {"type": "object", "enabled": False}
_FIELDS: dict[str, Any] = {
    "kind": _KEYWORD,  # version or state
    "index": _KEYWORD,
    "version": _KEYWORD,
    "number": {"type": "integer"},
    "created_at": {"type": "date"},
    "fusion": _KEYWORD,
    "model": _UNREAD,
    "features": {"type": "keyword", "index": False, "doc_values": False},
    "training": _UNREAD,
    "metrics": _UNREAD,
    "note": {"type": "text", "index": False},
    "active": _KEYWORD,
    "history": _UNREAD,
    "experiment": _UNREAD,
    "last_number": {"type": "integer"},
    "deleting": _KEYWORD,
}
_OWN_FIELDS = ("kind", "number")


def _now() -> datetime:
    return datetime.now(UTC)


class WeightsStore:
    """Keeps the versions of every shop's weights; each is written once and never changed.

    One more document an index says what is active. It is written on the condition that nobody
    wrote in between, and read by id, which sees a write at once.
    name: of the index that holds them. now: the time of a change, with its zone. A service that
    asks during a search should give a client with a short timeout.
    Every method raises ClusterUnavailable or ClusterOverloaded when the cluster does not serve,
    and InvalidQuery for an index name that cannot be one.
    """

    def __init__(
        self,
        client: Elasticsearch,
        *,
        name: str = WEIGHTS_INDEX,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._client = client
        self._name = name
        self._now = now

    def save(self, document: object) -> str:
        """Keep a weights document as a new version, and return its name: `products-3`.

        Numbers count from 1 by index and are never given twice, also after a delete; a writer
        that dies leaves a gap. Raises InvalidQuery as `check_document` does.
        """
        checked = check_document(document)
        index = checked["index"]
        while True:
            number = self._update(
                index, lambda state: replace(state, last_number=state.last_number + 1)
            ).last_number
            version = f"{index}-{number}"
            body = {
                "kind": "version",
                "version": version,
                "number": number,
                "created_at": self._time(),
                **checked,
            }
            with _conflicts() as taken, cluster_errors(index=self._name):
                self._client.create(index=self._name, id=version, document=body, refresh=True)
            # Taken only where the state was lost, for instance by restoring an old snapshot.
            if not taken:
                return version

    def list(self, index: str) -> list[WeightsDocument]:
        """Return the newest thousand versions of an index, newest first, without their models."""
        query = {"bool": {"filter": [{"term": {"kind": "version"}}, {"term": {"index": index}}]}}
        check_index_name(index)
        with cluster_errors(index=self._name):
            found = self._client.search(
                index=self._name,
                query=query,
                sort=[{"number": "desc"}],
                size=MAX_LISTED,
                source_excludes=["model"],
                ignore_unavailable=True,
            )
        return [_document(hit["_source"]) for hit in found["hits"]["hits"]]

    def get(self, index: str, version: str) -> WeightsDocument:
        """Return a version with its model; raises UnknownWeights that lists near names."""
        check_index_name(index)
        if (found := self._read(index, version)) is None:
            raise self._unknown(index, version)
        return _document(found)

    def state(self, index: str) -> WeightsState:
        """Return what is active; of an index that is not known, nothing."""
        return self._state(index)[0]

    def activate(self, index: str, version: str, *, who: str = "") -> WeightsState:
        """Let a version answer from now on, and return the state; nothing when it does already.

        Raises UnknownWeights, and InvalidQuery while an experiment runs, whose versions answer
        whatever is active.
        """

        def change(state: WeightsState) -> WeightsState:
            self._require(state, version)
            if state.experiment is not None:
                raise InvalidQuery(
                    f"an experiment of {' and '.join(state.experiment.versions)} runs on "
                    f"{index!r}: stop it before {version!r} becomes active",
                    field="version",
                )
            if state.active == version:
                return state
            return state.change_to(version, "activate", at=self._time(), who=who)

        return self._update(index, change)

    def rollback(self, index: str, *, who: str = "") -> WeightsState:
        """Go back to what was active before, end an experiment, and return the state.

        A second rollback goes further back. Versions that have been deleted are passed over.
        Raises InvalidQuery when nothing is known to have been active before.
        """

        def change(state: WeightsState) -> WeightsState:
            for target in state.before_active():
                if target is None or self._is_there(state, target):
                    changed = state.change_to(target, "rollback", at=self._time(), who=who)
                    return replace(changed, experiment=None)
            raise InvalidQuery(
                f"nothing was active before {state.active or 'the default'!r} on {index!r}",
                field="index",
            )

        return self._update(index, change)

    def deactivate(self, index: str, *, who: str = "") -> WeightsState:
        """Let the default weights answer, end an experiment, and return the state."""

        def change(state: WeightsState) -> WeightsState:
            ended = replace(state, experiment=None)
            if state.active is None:
                return ended
            return ended.change_to(None, "deactivate", at=self._time(), who=who)

        return self._update(index, change)

    def delete(self, index: str, version: str) -> None:
        """Forget a version for good.

        Raises UnknownWeights, and InvalidQuery for one that is active or in an experiment.
        """

        def claim(state: WeightsState) -> WeightsState:
            self._require(state, version, claimed=True)
            if version in state.in_use:
                raise InvalidQuery(
                    f"{version!r} answers searches of {index!r}: activate another, or stop the "
                    "experiment, before it is deleted",
                    field="version",
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

    def start_experiment(self, index: str, experiment: Experiment) -> WeightsState:
        """Let two versions be compared, and return the state.

        Raises UnknownWeights, and InvalidQuery when an experiment runs already.
        """

        def change(state: WeightsState) -> WeightsState:
            for version in experiment.versions:
                self._require(state, version)
            if state.experiment is not None:
                raise InvalidQuery(
                    f"an experiment of {' and '.join(state.experiment.versions)} runs already "
                    f"on {index!r}: stop it first",
                    field="index",
                )
            return replace(state, experiment=experiment)

        return self._update(index, change)

    def stop_experiment(self, index: str) -> Experiment:
        """End the experiment, and return it; raises InvalidQuery when none runs."""
        ended: list[Experiment] = []

        def change(state: WeightsState) -> WeightsState:
            if state.experiment is None:
                raise InvalidQuery(f"no experiment runs on {index!r}", field="index")
            ended.append(state.experiment)
            return replace(state, experiment=None)

        self._update(index, change)
        return ended[-1]

    def _update(self, index: str, change: Callable[[WeightsState], WeightsState]) -> WeightsState:
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
            f"the weights of {index!r} were changed by others {_ATTEMPTS} times in between",
            field="index",
            retry_after_seconds=1,
        )

    def _state(self, index: str) -> tuple[WeightsState, dict[str, Any]]:
        check_index_name(index)
        with cluster_errors(index=self._name):
            try:
                found = self._client.get(index=self._name, id=_state_id(index))
            except NotFoundError:
                return WeightsState(index), {"op_type": "create"}
        condition = {
            "if_seq_no": found["_seq_no"],
            "if_primary_term": found["_primary_term"],
        }
        return WeightsState.from_json(found["_source"]), condition

    def _create_index(self) -> None:
        # Asked before each change, for a write to a missing index would make one without mapping.
        with cluster_errors(index=self._name):
            if self._client.indices.exists(index=self._name):
                return
        create_own_index(self._client, self._name, _FIELDS)

    def _read(self, index: str, version: str, fields: str = "*") -> dict[str, Any] | None:
        # Another name is no version's, and may be the id of a state or none that can be asked for.
        if not re.fullmatch(rf"{re.escape(index)}-[1-9][0-9]{{0,8}}", version):
            return None
        with cluster_errors(index=self._name):
            try:
                found = self._client.get(index=self._name, id=version, source_includes=fields)
            except NotFoundError:
                return None
        source: dict[str, Any] = found["_source"]
        return source

    def _is_there(self, state: WeightsState, version: str, *, claimed: bool = False) -> bool:
        if version in state.deleting and not claimed:
            return False
        return self._read(state.index, version, "index") is not None

    def _require(self, state: WeightsState, version: str, *, claimed: bool = False) -> None:
        if not self._is_there(state, version, claimed=claimed):
            raise self._unknown(state.index, version)

    def _unknown(self, index: str, version: str) -> UnknownWeights:
        names = [document["version"] for document in self.list(index)]
        near = difflib.get_close_matches(version, names, n=3, cutoff=0.5) or names[:3]
        hint = f"; near are {', '.join(near)}" if near else f"; {index!r} has none"
        return UnknownWeights(
            f"no weights version {version[:160]!r} of index {index!r}{hint}", field="version"
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


def _document(source: dict[str, Any]) -> WeightsDocument:
    return {name: value for name, value in source.items() if name not in _OWN_FIELDS}
