"""Tasks as the outside sees them: progress and outcome of each product, kept in Redis.

A task is a number of batches. Each batch writes its whole outcome under its own number,
so that a batch that is delivered twice counts once.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
import redis

from mappings.errors import QueueUnavailable, UnknownTask

RETRY_AFTER_SECONDS = 5
MAX_REPORTED_REJECTS = 1_000
"""Rejects kept for each batch and shown for each task; all of them are counted."""

TaskState = Literal["queued", "running", "done", "cancelled"]


@dataclass(frozen=True)
class Reject:
    """A product that was not indexed, and why. position: its place in what was sent, from 0."""

    product_id: str | None
    field: str | None
    reason: str
    position: int | None = None


@dataclass(frozen=True)
class BatchOutcome:
    """What became of the products of one batch; the counts add up to its size.

    stale: a newer version was there already. missing: a patch or delete of a product
    that is not there. cancelled: nobody had begun it when its task was cancelled.
    by_position: the name of each change's count by its position, where it is known; it is
    not recorded.
    """

    indexed: int = 0
    unchanged: int = 0
    deleted: int = 0
    stale: int = 0
    missing: int = 0
    cancelled: int = 0
    rejects: tuple[Reject, ...] = ()
    rejected: int = 0
    by_position: Mapping[int, str] = field(default_factory=dict, compare=False, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that is recorded, with not too many rejects."""
        value = {item.name: getattr(self, item.name) for item in fields(self)}
        del value["by_position"]
        return value | {"rejects": [asdict(one) for one in self.rejects[:MAX_REPORTED_REJECTS]]}

    @property
    def total(self) -> int:
        """Number of products in the batch."""
        return (
            self.indexed
            + self.unchanged
            + self.deleted
            + self.stale
            + self.missing
            + self.cancelled
            + self.rejected
        )


@dataclass(frozen=True)
class TaskRecord:
    """A task as `GET /v1/tasks/{id}` shows it; times are UTC in ISO 8601.

    state: `cancelled` once all is over and something was taken back. rate: products a second
    from the task's beginning to now or to its end, None before the first. seconds_left: an
    estimate, None when there is none yet.
    """

    id: str
    index: str
    state: TaskState
    total: int
    done: int
    indexed: int
    unchanged: int
    deleted: int
    stale: int
    missing: int
    rejected: int
    cancelled: int
    created_at: str
    finished_at: str | None
    rate: float | None
    seconds_left: float | None
    rejects: tuple[Reject, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return asdict(self)


@contextmanager
def queue_errors() -> Iterator[None]:
    """Turn an error of the Redis client into QueueUnavailable; the cause is kept."""
    try:
        yield
    except redis.RedisError as error:
        raise QueueUnavailable(
            f"Redis cannot be used: {type(error).__name__}",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        ) from error


def connect(url: str, *, timeout_seconds: float = 5.0) -> redis.Redis:
    """Return a Redis client; nothing is sent until its first call."""
    return redis.Redis.from_url(
        url, socket_timeout=timeout_seconds, socket_connect_timeout=timeout_seconds
    )


class TaskRecords:
    """Reads and writes task records; every method raises QueueUnavailable without Redis."""

    def __init__(
        self,
        client: redis.Redis,
        *,
        ttl_seconds: int,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._ttl_seconds = ttl_seconds
        self._now = now

    def create(self, index: str, *, total: int) -> str:
        """Record a new task of `total` products and return its id."""
        task_id = secrets.token_hex(12)
        head: dict[Any, Any] = {
            "index": index,
            "total": total,
            "created_at": self._now().isoformat("T", "microseconds"),
        }
        with queue_errors(), self._client.pipeline(transaction=True) as pipe:
            pipe.hset(_head_key(task_id), mapping=head)
            pipe.expire(_head_key(task_id), self._ttl_seconds)
            pipe.execute()
        return task_id

    def extend(self, task_id: str, *, by: int) -> None:
        """Make a task longer, for a sender that does not know its length at the start."""
        with queue_errors(), self._client.pipeline(transaction=True) as pipe:
            pipe.hincrby(_head_key(task_id), "total", by)
            pipe.expire(_head_key(task_id), self._ttl_seconds)
            pipe.execute()

    def finish_batch(self, task_id: str, batch: int, outcome: BatchOutcome) -> None:
        """Record a batch's outcome; the same batch again replaces it."""
        with queue_errors(), self._client.pipeline(transaction=True) as pipe:
            pipe.hset(_batches_key(task_id), str(batch), orjson.dumps(outcome.to_json()).decode())
            pipe.hset(_head_key(task_id), "changed_at", self._now().isoformat("T", "microseconds"))
            pipe.expire(_batches_key(task_id), self._ttl_seconds)
            pipe.expire(_head_key(task_id), self._ttl_seconds)
            pipe.execute()

    def read_batches(self, task_id: str, batches: Sequence[int]) -> dict[int, BatchOutcome]:
        """Return the outcomes of those of the batches that are done.

        Raises UnknownTask when Redis no longer knows the task.
        """
        with queue_errors(), self._client.pipeline(transaction=True) as pipe:
            pipe.hexists(_head_key(task_id), "total")
            pipe.hmget(_batches_key(task_id), [str(number) for number in batches] or ["-"])
            is_known, values = pipe.execute()
        if not is_known:
            raise UnknownTask(f"no task {task_id[:80]!r}, or it has expired", field="task_id")
        return {
            number: _outcome(orjson.loads(raw))
            for number, raw in zip(batches, values, strict=False)
            if raw is not None
        }

    def read(self, task_id: str) -> TaskRecord:
        """Return a task as it stands.

        Raises UnknownTask when there is none of that id or it has expired.
        """
        with queue_errors(), self._client.pipeline(transaction=True) as pipe:
            pipe.hgetall(_head_key(task_id))
            pipe.hvals(_batches_key(task_id))
            raw_head, raw_batches = pipe.execute()
        if not raw_head or b"total" not in raw_head:
            raise UnknownTask(f"no task {task_id[:80]!r}, or it has expired", field="task_id")
        head = {key.decode(): value.decode() for key, value in raw_head.items()}
        batches = [_outcome(orjson.loads(raw)) for raw in raw_batches]
        return _record(task_id, head, batches, self._now())


def _record(
    task_id: str, head: Mapping[str, str], batches: Sequence[BatchOutcome], now: datetime
) -> TaskRecord:
    total, done = int(head["total"]), sum(batch.total for batch in batches)
    cancelled = sum(batch.cancelled for batch in batches)
    rejects = sorted(
        (reject for batch in batches for reject in batch.rejects),
        key=lambda reject: (reject.position is None, reject.position or 0),
    )
    finished = done >= total
    created = datetime.fromisoformat(head["created_at"])
    changed = datetime.fromisoformat(head.get("changed_at", head["created_at"]))
    seconds = ((changed if finished else now) - created).total_seconds()
    worked = done - cancelled
    rate = round(worked / seconds, 2) if worked and seconds > 0 else None
    # A load knows how long it will be about before it has sent everything.
    left = 0 if finished else max(total, int(head.get("expected", 0))) - done
    return TaskRecord(
        id=task_id,
        index=head["index"],
        state=_state(finished, cancelled, has_begun=bool(batches)),
        total=total,
        done=done,
        indexed=sum(batch.indexed for batch in batches),
        unchanged=sum(batch.unchanged for batch in batches),
        deleted=sum(batch.deleted for batch in batches),
        stale=sum(batch.stale for batch in batches),
        missing=sum(batch.missing for batch in batches),
        rejected=sum(batch.rejected for batch in batches),
        cancelled=cancelled,
        created_at=created.isoformat("T", "seconds"),
        finished_at=changed.isoformat("T", "seconds") if finished else None,
        rate=rate,
        seconds_left=0.0 if finished else round(left / rate, 1) if rate else None,
        rejects=tuple(rejects[:MAX_REPORTED_REJECTS]),
    )


def _state(finished: bool, cancelled: int, *, has_begun: bool) -> TaskState:
    if finished:
        return "cancelled" if cancelled else "done"
    return "running" if has_begun else "queued"


def _outcome(value: dict[str, Any]) -> BatchOutcome:
    rejects = tuple(Reject(**reject) for reject in value.pop("rejects"))
    return BatchOutcome(rejects=rejects, **value)


def _head_key(task_id: str) -> str:
    return f"shelfwise:task:{task_id}"


def _batches_key(task_id: str) -> str:
    return f"shelfwise:task:{task_id}:batches"
