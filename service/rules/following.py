"""The rules in force, kept in memory and followed while the service runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import structlog
from cachetools import LRUCache

from mappings.errors import TemporaryError, UnknownRules
from service.rules.rule import RuleSet

T = TypeVar("T")
NAMED_SETS = 8
"""Prepared rule sets that are kept for requests which name a version."""

WAIT_SECONDS = 1.0
"""How long a search waits at most for another that reads rules which are known to be new."""

log = structlog.get_logger(__name__)


class RulesStates(Protocol):
    """What is asked of the store; `RulesStore` has it."""

    def active(self, index: str) -> tuple[str | None, str | None]:
        """Return the active version, or None, and when that changed last."""
        ...

    def get(self, index: str, version: str) -> RuleSet:
        """Return a version; raises UnknownRules."""
        ...


class ChangeSignal(Protocol):
    """What tells of changes between processes; `RulesSignal` has it. Neither method raises."""

    def read(self, index: str) -> bytes | None:
        """Return what changes with the rules, None when it is not known."""
        ...

    def send(self, index: str) -> bool:
        """Tell of a change."""
        ...


@dataclass(frozen=True)
class RulesInForce(Generic[T]):
    """What holds for an index; one value, so that its parts belong together.

    version: None where there are no rules. prepared: what `prepare` made of the rules.
    """

    version: str | None
    rules: RuleSet
    prepared: T


class RulesSource(Protocol[T]):
    """Where a search gets its rules from: `ActiveRules`, or `NoRules`."""

    def get(self, index: str) -> RulesInForce[T]:
        """Return what holds now; never raises."""
        ...

    def get_version(self, index: str, version: str) -> RulesInForce[T]:
        """Return a version that a request names; raises UnknownRules."""
        ...

    def changed(self, index: str) -> None:
        """Let the next search of every process look, after a change of the store."""
        ...


class NoRules(Generic[T]):
    """Rules for searches that know none, as measurements of ranking do."""

    def __init__(self, prepare: Callable[[RuleSet], T]) -> None:
        self._none = RulesInForce(None, RuleSet(), prepare(RuleSet()))

    def get(self, index: str) -> RulesInForce[T]:
        """Return that there are none."""
        return self._none

    def get_version(self, index: str, version: str) -> RulesInForce[T]:
        """Raise UnknownRules: there are no versions."""
        raise UnknownRules(f"index {index!r} has no rules {version!r}", field="rules")

    def changed(self, index: str) -> None:
        """Do nothing: there is nothing to look at."""


@dataclass
class _Slot(Generic[T]):
    """What is known of one index. Whoever holds `reading` may change it; others only look.

    changes: of this process, which anybody may count up; seen: how many of them were, as well as
    `signal`, when the state was read last.
    """

    current: RulesInForce[T]
    reading: threading.Lock = field(default_factory=threading.Lock)
    is_loaded: bool = False
    checked_until: float = 0.0
    signal: bytes | None = None
    changes: int = 0
    seen: int = 0
    changed_at: str | None = None
    failed: str | None = None
    is_unreachable: bool = False


class ActiveRules(Generic[T]):
    """Answers from memory which rules hold for an index, and follows what is activated.

    Each search asks `signal`, one key in Redis. When that has changed, the next search reads the
    state and, if another version is active, its rules; whoever comes meanwhile waits for it, so
    a change holds from the next query on in every process. Besides, the state is read every
    ttl_seconds by one search for all, in case that a change could not be signalled. No failure
    reaches a search:
    - Away, Redis leaves the look every ttl_seconds; the cluster, the rules known last.
    - A version that is absent, or that `prepare` refuses, leaves none.
    prepare: turns a rule set into what searches use, once a version; may raise any Exception but
    not for an empty set. clock: seconds that only grow. Ask only for indexes that exist: what is
    known of each is kept for good.
    """

    def __init__(
        self,
        store: RulesStates,
        prepare: Callable[[RuleSet], T],
        signal: ChangeSignal,
        ttl_seconds: float = 2.0,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._prepare = prepare
        self._signal = signal
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._none = RulesInForce(None, RuleSet(), prepare(RuleSet()))
        self._slots: dict[str, _Slot[T]] = {}
        self._named: LRUCache[tuple[str, str], RulesInForce[T]] = LRUCache(NAMED_SETS)
        self._lock = threading.Lock()  # held for a look at the two tables, never while reading

    def get(self, index: str) -> RulesInForce[T]:
        """Return what holds for an index now; never raises."""
        slot = self._slot(index)
        # Read before the state, so that the state is at least as new as what it tells of.
        signal = self._signal.read(index)
        if self._is_fresh(slot, signal):
            return slot.current
        waits = not slot.is_loaded or _is_news(slot, signal)
        if slot.reading.acquire(timeout=WAIT_SECONDS if waits else 0):
            try:
                if not self._is_fresh(slot, signal):
                    self._refresh(index, slot, signal)
            finally:
                slot.reading.release()
        return slot.current

    def get_version(self, index: str, version: str) -> RulesInForce[T]:
        """Return a version that a request names, active or not.

        The eight used last are kept, so a deleted one may be served until it is pushed out.
        Raises UnknownRules, and ClusterUnavailable or ClusterOverloaded when it has to be read
        and the cluster does not serve.
        """
        current = self._slot(index).current
        if current.version == version:
            return current
        with self._lock:
            if (kept := self._named.get((index, version))) is not None:
                return kept
        rules = self._store.get(index, version)
        found = RulesInForce(version, rules, self._prepare(rules))
        with self._lock:
            self._named[index, version] = found
        return found

    def prepare(self, rules: RuleSet, version: str | None = None) -> RulesInForce[T]:
        """Return rules as searches use them, without keeping them, for a preview."""
        return RulesInForce(version, rules, self._prepare(rules))

    def changed(self, index: str) -> None:
        """Let the next search of every process look; call it after a change of the store."""
        slot = self._slot(index)
        with self._lock:
            slot.changes += 1
        self._signal.send(index)

    def _slot(self, index: str) -> _Slot[T]:
        with self._lock:
            return self._slots.setdefault(index, _Slot(self._none))

    def _is_fresh(self, slot: _Slot[T], signal: bytes | None) -> bool:
        is_same = not _is_news(slot, signal)
        return slot.is_loaded and is_same and self._clock() < slot.checked_until

    def _refresh(self, index: str, slot: _Slot[T], signal: bytes | None) -> None:
        before, changes = slot.current.version, slot.changes
        try:
            self._read(index, slot)
        except Exception as error:
            # Whatever went wrong, a search can be answered by the rules known before.
            if not slot.is_unreachable:
                log.warning("rules_unreachable", index=index, reason=str(error))
            slot.is_unreachable = True
        else:
            slot.is_unreachable = False
        if slot.current.version != before:
            log.info("rules_changed", index=index, version=slot.current.version)
        # Set last: until then whoever comes waits, or takes what was known.
        slot.signal, slot.seen = signal, changes
        slot.checked_until = self._clock() + self._ttl_seconds
        slot.is_loaded = True

    def _read(self, index: str, slot: _Slot[T]) -> None:
        version, changed_at = self._store.active(index)
        known = slot.current.version if slot.failed is None else slot.failed
        # One activated anew is read anew: who mended something expects another attempt.
        if version == known and changed_at == slot.changed_at:
            return
        failed = None
        current = self._none
        if version is not None:
            try:
                current = self.get_version(index, version)
            except TemporaryError:
                raise
            except UnknownRules as error:
                failed = version
                log.error("rules_absent", index=index, version=version, reason=str(error))
            except Exception as error:  # what prepares them is not ours to know
                failed = version
                log.error("rules_broken", index=index, version=version, reason=repr(error))
        slot.current, slot.failed, slot.changed_at = current, failed, changed_at


def _is_news(slot: _Slot[T], signal: bytes | None) -> bool:
    # None says nothing: Redis is away, or has never heard of a change.
    return slot.changes != slot.seen or signal not in (None, slot.signal)
