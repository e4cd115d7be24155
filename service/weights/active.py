"""The weights that answer now, kept in memory and followed while the service runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Protocol, TypeVar

import structlog
from cachetools import LRUCache

from mappings.errors import InvalidQuery, UnknownWeights
from service.weights.experiments import Experiment
from service.weights.state import WeightsState

T = TypeVar("T")
Reason = Literal["broken", "absent", "unreachable"]
NAMED_MODELS = 8
"""Parsed models, of a few MB each, that are kept for requests which name a version."""

log = structlog.get_logger(__name__)


class Versions(Protocol):
    """What is asked of the store; `WeightsStore` has it."""

    def state(self, index: str) -> WeightsState:
        """Return what is active."""
        ...

    def get(self, index: str, version: str) -> dict[str, Any]:
        """Return a version with its model; raises UnknownWeights."""
        ...


@dataclass(frozen=True)
class Current(Generic[T]):
    """What answers for an index; one value, so that its parts belong together.

    weights: the parsed model, or the default. version: its name, None for the default, also where
    that took the place of a version that cannot be used. experiment: the one that runs, or None.
    arms: by version, the weights of the experiment's two versions.
    """

    weights: T
    version: str | None = None
    experiment: Experiment | None = None
    arms: Mapping[str, T] = field(default_factory=dict)


@dataclass
class _Slot(Generic[T]):
    """What is known of one index. Whoever holds `reading` may change it; others only look."""

    current: Current[T]
    reading: threading.Lock = field(default_factory=threading.Lock)
    is_loaded: bool = False
    checked_until: float = 0.0
    changed_at: str | None = None
    models: Mapping[str, T] = field(default_factory=dict)
    failures: Mapping[str | None, Reason] = field(default_factory=dict)
    is_unreachable: bool = False


class ActiveWeights(Generic[T]):
    """Answers from memory which weights rank an index, and follows what is activated.

    Every ttl_seconds (0 and up) one caller, for all, reads the small state, and a model only when
    the version changes or is activated anew; meanwhile the others get what there was. Only the
    very first callers of an index wait for it. No failure reaches a search:
    - Away, the cluster leaves the last known weights; the default, before the first answer.
    - A version that is absent, or that `parse` refuses, gives the default.
    parse: turns a weights document into a ranking object; may raise any Exception.
    on_fallback: called with index, version and reason (`broken`, `absent`, `unreachable`), once
    for each change, when the default takes a version's place. on_change: called with index and
    version whenever what answers has changed, None for the default. clock: seconds.
    Ask only for indexes that exist: what is known of each is kept for good.
    """

    def __init__(
        self,
        store: Versions,
        parse: Callable[[Mapping[str, Any]], T],
        default: T,
        ttl_seconds: float = 2.0,
        on_fallback: Callable[[str, str | None, str], None] | None = None,
        *,
        on_change: Callable[[str, str | None], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._parse = parse
        self._default = default
        self._ttl_seconds = ttl_seconds
        self._on_fallback = on_fallback
        self._on_change = on_change
        self._clock = clock
        self._slots: dict[str, _Slot[T]] = {}
        self._named: LRUCache[tuple[str, str], T] = LRUCache(NAMED_MODELS)
        self._lock = threading.Lock()  # held for a look at the two tables, never while reading

    def get(self, index: str) -> T:
        """Return the weights that rank an index now; never raises."""
        return self.current(index).weights

    def version(self, index: str) -> str | None:
        """Return the version that `get` gives, None for the default; never raises."""
        return self.current(index).version

    def current(self, index: str) -> Current[T]:
        """Return weights, version and experiment of one moment; never raises."""
        with self._lock:
            slot = self._slots.setdefault(index, _Slot(Current(self._default)))
        if slot.is_loaded and self._clock() < slot.checked_until:
            return slot.current
        if slot.reading.acquire(blocking=not slot.is_loaded):
            try:
                if not slot.is_loaded or self._clock() >= slot.checked_until:
                    self._refresh(index, slot)
            finally:
                slot.reading.release()
        return slot.current

    def get_version(self, index: str, version: str) -> T:
        """Return the weights of a version that a request names, active or not.

        The eight used last are kept, so a deleted one may be served until it is pushed out.
        Raises UnknownWeights, InvalidQuery for one that cannot be parsed, and ClusterUnavailable
        or ClusterOverloaded when it has to be read and the cluster does not serve.
        """
        with self._lock:
            if (kept := self._named.get((index, version))) is not None:
                return kept
        document = self._store.get(index, version)
        try:
            weights = self._parse(document)
        except Exception as error:  # the parser is not ours to know
            raise InvalidQuery(
                f"weights version {version!r} of {index!r} cannot be used: {error}",
                field="version",
            ) from error
        with self._lock:
            self._named[index, version] = weights
        return weights

    def _refresh(self, index: str, slot: _Slot[T]) -> None:
        before = slot.current
        try:
            known = self._read(index, slot)
        except Exception as error:
            # Whatever went wrong, a search can be ranked by what was known before.
            if not slot.is_unreachable:
                log.warning("weights_unreachable", index=index, reason=str(error))
            slot.is_unreachable = True
            if not slot.is_loaded:
                self._report(index, slot, {None: "unreachable"})
        else:
            if slot.is_unreachable:
                log.info("weights_reachable", index=index)
            slot.is_unreachable = False
            slot.current = known
        if not slot.is_loaded or slot.current.version != before.version:
            log.info("weights_changed", index=index, version=slot.current.version)
            self._call(self._on_change, index, slot.current.version)
        slot.checked_until = self._clock() + self._ttl_seconds
        slot.is_loaded = True

    def _read(self, index: str, slot: _Slot[T]) -> Current[T]:
        state = self._store.state(index)
        is_same = slot.changed_at == state.changed_at
        models: dict[str, T] = {}
        failures: dict[str | None, Reason] = {}
        for version in state.in_use:
            # One activated anew is read anew: who mended something expects another attempt.
            keep = is_same or version != state.active
            if keep and version in slot.models:
                models[version] = slot.models[version]
            elif keep and version in slot.failures:
                failures[version] = slot.failures[version]
            else:
                self._load(index, version, models, failures)
        self._report(index, slot, failures, anew=None if is_same else state.active)
        slot.models, slot.changed_at = models, state.changed_at
        active = state.active
        compared = state.experiment.versions if state.experiment else ()
        return Current(
            weights=models.get(active, self._default) if active else self._default,
            version=active if active in models else None,
            experiment=state.experiment,
            arms={version: models.get(version, self._default) for version in compared},
        )

    def _load(
        self,
        index: str,
        version: str,
        models: dict[str, T],
        failures: dict[str | None, Reason],
    ) -> None:
        try:
            document = self._store.get(index, version)
        except UnknownWeights as error:
            failures[version] = "absent"
            log.error("weights_absent", index=index, version=version, reason=str(error))
            return
        try:
            models[version] = self._parse(document)
        except Exception as error:  # the parser is not ours to know
            failures[version] = "broken"
            log.error("weights_broken", index=index, version=version, reason=repr(error))
            return
        with self._lock:
            self._named[index, version] = models[version]

    def _report(
        self,
        index: str,
        slot: _Slot[T],
        failures: Mapping[str | None, Reason],
        anew: str | None = None,
    ) -> None:
        for version, reason in failures.items():
            if slot.failures.get(version) != reason or (anew is not None and version == anew):
                self._call(self._on_fallback, index, version, reason)
        slot.failures = failures

    def _call(self, callback: Callable[..., None] | None, *arguments: str | None) -> None:
        if callback is None:
            return
        try:
            callback(*arguments)
        except Exception as error:  # a counter's fault is none of the search's
            log.error("weights_callback_failed", reason=repr(error))
