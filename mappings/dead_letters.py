"""Changes that no worker could apply, kept in Redis until somebody retries or purges them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import redis
import structlog

from mappings import dead_letter_scripts
from mappings.errors import UnknownDeadLetter
from mappings.product_changes import ProductChange
from mappings.task_records import queue_errors

MAX_LETTERS = 10_000
MAX_BYTES = 64 * 1024 * 1024
"""All letters together, so that a load of products with long vectors cannot fill Redis."""

_ROOT = "shelfwise:dead-letters"
_ID_DIGITS = 24
_TOGETHER = 500
"""Letters in one command to Redis."""

_log = structlog.get_logger(__name__)

Indexes = str | Sequence[str] | None
"""One index, several, or all."""

Submit = Callable[[str, Sequence[ProductChange]], str]
"""Queues changes for an index and returns the id of their task; raises QueueUnavailable."""


@dataclass(frozen=True)
class DeadLetter:
    """A change that was given up, and why.

    id: see `letter_id`. change: as it came. reason, field: as in the task's reject.
    attempts: how often its batch was tried. task_id: the task that it came with.
    at: when it was given up, UTC in ISO 8601.
    """

    id: str
    index: str
    change: ProductChange
    reason: str
    field: str | None
    attempts: int
    task_id: str
    at: str

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {**vars(self), "change": self.change.to_message()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> DeadLetter:
        """Read a letter back."""
        return cls(**{**value, "change": ProductChange.from_message(value["change"])})

    def change_to_retry(self) -> ProductChange:
        """Return the change with the place in the order of arrival that it had.

        One that had none gets that of the letter: whatever came after it was given up is newer.
        """
        if self.change.arrival:
            return self.change
        return replace(self.change, arrival=_microseconds(datetime.fromisoformat(self.at)))


def letter_id(task_id: str, position: int, change: ProductChange) -> str:
    """Return an id that is the same whenever this change of this task is given up.

    position: the change's place in what the sender got.
    """
    # ASCII, since a change that is set aside may hold text that is no UTF-8.
    body = json.dumps([task_id, position, change.to_message()], sort_keys=True)
    return hashlib.sha256(body.encode()).hexdigest()[:_ID_DIGITS]


class DeadLetters:
    """The letters of all indexes; every method raises QueueUnavailable without Redis.

    limit: most letters that are kept; beyond it, and beyond `max_bytes`, the oldest go.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        limit: int = MAX_LETTERS,
        max_bytes: int = MAX_BYTES,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._limit = limit
        self._max_bytes = max_bytes
        self._now = now
        self._add = client.register_script(dead_letter_scripts.ADD)
        self._remove = client.register_script(dead_letter_scripts.REMOVE)
        self._purge = client.register_script(dead_letter_scripts.PURGE)

    def add(self, letters: Sequence[DeadLetter]) -> None:
        """Keep letters; one of an id that is there already takes its place."""
        gone = 0
        for some in _cut(list(enumerate(letters))):
            arguments: list[Any] = [self._limit, self._max_bytes]
            for place, letter in some:
                # A microsecond each keeps those of one moment in their order.
                at = _microseconds(datetime.fromisoformat(letter.at)) + place
                product = _key(letter.change.product_id)
                body = json.dumps(letter.to_json())
                arguments += [letter.id, letter.index, product, at, body]
            with queue_errors():
                gone += int(self._add(keys=[_ROOT], args=arguments))
        if gone:
            _log.warning("dead_letters_dropped", letters=gone, limit=self._limit)

    def get(self, letter_id: str) -> DeadLetter:
        """Return one letter; raises UnknownDeadLetter."""
        found = self._read([letter_id])
        if not found:
            raise UnknownDeadLetter(f"no dead letter {letter_id[:80]!r}", field="letter_id")
        return found[0]

    def list(
        self, index: Indexes = None, *, limit: int | None = 100, offset: int = 0
    ) -> Sequence[DeadLetter]:
        """Return letters of an index, of several, or of all (None), newest first.

        limit: most of them, None for all. offset: how many of the newest are left out.
        """
        end = None if limit is None else offset + limit
        ranked: Any = []
        with queue_errors(), self._client.pipeline(transaction=True) as pipe:
            for key in _times(index):
                pipe.zrevrange(key, 0, -1 if end is None else max(end - 1, 0), withscores=True)
            for found in pipe.execute():
                ranked += found
        ranked.sort(key=lambda entry: (entry[1], entry[0]), reverse=True)
        return self._read([letter_id for letter_id, _ in ranked[offset:end]])

    def count(self, index: Indexes = None) -> int:
        """Return the number of letters of an index, of several, or of all (None)."""
        with queue_errors(), self._client.pipeline(transaction=True) as pipe:
            for key in _times(index):
                pipe.zcard(key)
            return sum(pipe.execute())

    def waiting(self, index: str, product_ids: Sequence[str]) -> dict[str, int]:
        """Return product id to the number of its letters, which a retry may bring late."""
        if not product_ids:
            return {}
        with queue_errors():
            found = self._client.hmget(f"{_ROOT}:waiting:{index}", list(map(_key, product_ids)))
        counts = cast("Sequence[bytes | None]", found)
        return {name: int(count or 0) for name, count in zip(product_ids, counts, strict=True)}

    def remove(self, ids: Sequence[str]) -> int:
        """Forget letters and return how many were there."""
        gone = 0
        for some in _cut(ids):
            with queue_errors():
                gone += int(self._remove(keys=[_ROOT], args=some))
        return gone

    def purge(self, index: str | None = None, older_than: timedelta | None = None) -> int:
        """Forget the letters of an index, or of all, and return how many they were.

        older_than: keep those that were given up more lately.
        """
        newest = "+inf" if older_than is None else f"({_microseconds(self._now() - older_than)}"
        with queue_errors():
            return int(self._purge(keys=[_ROOT], args=[index or "", newest]))

    def retry(self, letters: Sequence[DeadLetter], submit: Submit) -> dict[str, str]:
        """Ask for the changes once more and return index to the id of its new task.

        They keep version and arrival, so what is newer by now stays. A letter is removed when
        its change is queued; after an error those that are left can be retried again.
        """
        groups: dict[str, Any] = {}
        for letter in sorted(letters, key=lambda letter: letter.change_to_retry().arrival):
            groups.setdefault(letter.index, []).append(letter)
        tasks: dict[str, str] = {}
        for index, group in groups.items():
            tasks[index] = submit(index, [letter.change_to_retry() for letter in group])
            self.remove([letter.id for letter in group])
        return tasks

    def _read(self, ids: Sequence[str]) -> tuple[DeadLetter, ...]:
        found: tuple[DeadLetter, ...] = ()
        for some in _cut(ids):
            with queue_errors():
                raws = self._client.hmget(f"{_ROOT}:letters", list(some))
            values = cast("Sequence[bytes | None]", raws)
            found += tuple(DeadLetter.from_json(json.loads(raw)) for raw in values if raw)
        return found


def _times(index: Indexes) -> Sequence[str]:
    if index is None:
        return (f"{_ROOT}:times",)
    names = [index] if isinstance(index, str) else index
    return [f"{_ROOT}:times:{name}" for name in names]


def _key(product_id: str) -> str:
    # What is no text, or no UTF-8, is rejected and so comes here; it needs no count of its own.
    return str(product_id).encode(errors="replace").decode()


def _microseconds(at: datetime) -> int:
    return (at - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)


def _cut(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), _TOGETHER):
        yield values[start : start + _TOGETHER]
