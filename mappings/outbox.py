"""Changes on their way to the index: kept in Redis until their outcome is recorded.

A Celery message names a batch and no more. The batch itself lies here, and leaves in the
step that records its outcome, so that a message may be lost or come twice: the janitor of
a worker sends again what stays unfinished, and whoever finds nothing here has nothing to do.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol, cast

import orjson
import redis

from mappings import outbox_scripts
from mappings.errors import UnknownTask
from mappings.product_changes import Lane, ProductChange
from mappings.task_records import BatchOutcome, queue_errors

RESEND_SLACK_SECONDS = 30.0
"""Wait beyond the visibility timeout until Celery has surely brought a batch back itself."""
_PAGE = 500
_CANCELLED = '{"rejects":[],"cancelled":SIZE}'

BatchName = tuple[str, int]
"""A batch by its task and its number."""


class Publish(Protocol):
    """Puts the message of a batch into a lane's queue. Raises QueueUnavailable."""

    def __call__(self, lane: Lane, task_id: str, batch: int, index: str) -> None:
        """Publish."""
        ...


@dataclass(frozen=True)
class Outgoing:
    """A batch that is to be submitted.

    positions: the place of each change in what the sender got.
    """

    number: int
    lane: Lane
    changes: Sequence[ProductChange]
    positions: Sequence[int]


@dataclass(frozen=True)
class KeptBatch:
    """A batch as a worker finds it. changes: messages of ProductChange, with their positions."""

    name: BatchName
    index: str
    changes: Sequence[tuple[int, Mapping[str, Any]]]


@dataclass(frozen=True)
class Delivery:
    """What a worker was given: one batch, or several small ones together.

    attempt: how often it was put back before, from 0. starts: of this attempt, from 1; more
    than one means that a worker died over it. batches: the one that was asked for first.
    """

    attempt: int
    starts: int
    batches: tuple[KeptBatch, ...]


class Outbox:
    """Takes changes in, hands them out, and lets them go; QueueUnavailable without Redis.

    lease_seconds: how long a worker has a batch for itself, the visibility timeout.
    resend_slack_seconds: how much longer a message that is missed is waited for.
    """

    def __init__(
        self,
        client: redis.Redis,
        publish: Publish,
        *,
        ttl_seconds: int,
        lease_seconds: float = 300.0,
        resend_slack_seconds: float = RESEND_SLACK_SECONDS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._publish = publish
        self._ttl_seconds = ttl_seconds
        self._lease_seconds = lease_seconds
        self._resend_slack_seconds = resend_slack_seconds
        self._now = now
        self._reserve = client.register_script(outbox_scripts.RESERVE)
        self._store = client.register_script(outbox_scripts.STORE)
        self._begin = client.register_script(outbox_scripts.BEGIN)
        self._finish = client.register_script(outbox_scripts.FINISH)
        self._postpone = client.register_script(outbox_scripts.POSTPONE)
        self._move = client.register_script(outbox_scripts.MOVE)
        self._cancel = client.register_script(outbox_scripts.CANCEL)
        self._overdue = client.register_script(outbox_scripts.OVERDUE)
        self._sent = client.register_script(outbox_scripts.SENT)

    def numbered(self, batches: Sequence[Outgoing]) -> list[Outgoing]:
        """Return the batches with an arrival for every change that has none, by its position.

        Arrivals grow from call to call, even when Redis has lost its data in between.
        """
        # Not batch by batch: several changes of a product may be cut into different lanes.
        missing = sorted(
            (position, batch.number)
            for batch in batches
            for position, change in zip(batch.positions, batch.changes, strict=True)
            if not change.arrival
        )
        if not missing:
            return list(batches)
        with queue_errors():
            first = int(self._reserve(keys=["shelfwise:arrivals"], args=[len(missing)]))
        arrivals = dict(zip(missing, range(first, first + len(missing)), strict=True))
        return [
            replace(
                batch,
                changes=[
                    change
                    if change.arrival
                    else replace(change, arrival=arrivals[position, batch.number])
                    for position, change in zip(batch.positions, batch.changes, strict=True)
                ],
            )
            for batch in batches
        ]

    def submit(
        self,
        index: str,
        batches: Sequence[Outgoing],
        task_id: str | None = None,
        *,
        expected: int | None = None,
    ) -> str:
        """Keep the batches, all or none, make their task longer by them, and send them.

        task_id: None for a new task. expected: how many products the task will have in the end,
        as far as its sender can tell. Returns the task's id. A batch that is kept already is
        only sent again, and one that is finished is left alone.
        Raises QueueUnavailable, even when they are kept but were not sent: the janitor may
        send them then. Submitting the same products again does no harm.
        """
        task = task_id or new_task_id()
        numbered = self.numbered(batches)
        with queue_errors(), self._client.pipeline(transaction=True) as pipe:
            for batch in numbered:
                self._store(args=self._stored(task, index, batch), client=pipe)
            if expected is not None:
                pipe.hset(f"shelfwise:task:{task}", "expected", str(expected))
            kept = pipe.execute()[: len(numbered)]
        for batch, is_kept in zip(numbered, kept, strict=True):
            if is_kept:
                self._publish(batch.lane, task, batch.number, index)
        return task

    def _stored(self, task: str, index: str, batch: Outgoing) -> list[Any]:
        products = Counter(change.product_id for change in batch.changes)
        payload = _to_bytes(
            [
                [position, change.to_message()]
                for position, change in zip(batch.positions, batch.changes, strict=True)
            ]
        )
        cancelled = _CANCELLED.replace("SIZE", str(len(batch.changes)))
        head = [task, batch.number, index, batch.lane, len(batch.changes), payload]
        more: list[Any] = [self._stamp(), self._ttl_seconds, cancelled]
        return head + more + [part for name, n in products.items() for part in (_key(name), n)]

    def seconds_until(self, name: BatchName, age_seconds: float, *, size: int) -> float:
        """Return how long a small batch should still wait for others that go along with it.

        0 for a batch of a load or of at least `size` changes, and for one that is so old already.
        """
        with queue_errors(), self._client.pipeline(transaction=True) as pipe:
            pipe.hmget(f"shelfwise:batch:{_text(name)}", ["lane", "size", "submitted"])
            pipe.time()
            (lane, own_size, submitted), (seconds, microseconds) = pipe.execute()
        if lane is None or lane == b"bulk" or int(own_size) >= size:
            return 0.0
        age = float(seconds) + float(microseconds) / 1e6 - float(submitted)
        return min(age_seconds, max(0.0, age_seconds - age))

    def begin(self, name: BatchName, message_id: str, *, together: int = 0) -> Delivery | None:
        """Take a batch, and count the start; None when it is finished or another one has it.

        message_id: of the Celery message. One that comes again with the same id means that
        the worker that had it has died; any other waits for the lease to end.
        together: so many changes at most may come along, of batches that wait in the same lane
        for the same index. After a death they are those of the first time.
        """
        with queue_errors():
            found = self._begin(args=[_text(name), message_id, self._lease_seconds, together])
        if not found:
            return None
        attempt, starts, *parts = found
        batches = tuple(
            KeptBatch(_name(raw), index.decode(), [(at, raw) for at, raw in _from_bytes(payload)])
            for raw, index, payload in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
        )
        return Delivery(int(attempt), int(starts), batches)

    def finish(self, outcomes: Mapping[BatchName, BatchOutcome]) -> None:
        """Record outcomes and let the batches go, in one step; the first outcome counts."""
        arguments: list[Any] = [self._stamp(), self._ttl_seconds]
        for (task, number), outcome in outcomes.items():
            arguments += [task, number, _to_bytes(outcome.to_json())]
        with queue_errors():
            self._finish(args=arguments)

    def postpone(self, name: BatchName, wait_seconds: float) -> None:
        """Count an attempt that failed, and keep the batch for the next one of this message."""
        with queue_errors():
            self._postpone(args=[_text(name), wait_seconds, self._lease_seconds])

    def move(self, names: Sequence[BatchName], index: str, lane: Lane) -> None:
        """Put batches into another lane, as if they had never been begun."""
        with queue_errors():
            moved = self._move(args=[lane, *map(_text, names)])
        for task, number in map(_name, moved):
            self._publish(lane, task, number, index)

    def cancel(self, task_id: str) -> int:
        """Finish the batches of a task that nobody has begun, and return how many they were.

        What is submitted to the task later is cancelled too. Raises UnknownTask.
        """
        with queue_errors():
            count = int(self._cancel(args=[task_id, self._stamp(), self._ttl_seconds, _CANCELLED]))
        if count < 0:
            raise UnknownTask(f"no task {task_id[:80]!r}, or it has expired", field="task_id")
        return count

    def send_overdue(self) -> int:
        """Send again what was sent long ago and is neither finished nor in work; return how many.

        A message may be lost together with a worker that has just taken it from Redis.
        """
        overdue, offset, count = self._lease_seconds + self._resend_slack_seconds, 0, 0
        while True:
            with queue_errors():
                looked_at, *parts = self._overdue(args=[overdue, offset, _PAGE])
            names = parts[::3]
            for raw, index, lane in zip(names, parts[1::3], parts[2::3], strict=True):
                task, number = _name(raw)
                self._publish(cast(Lane, lane.decode()), task, number, index.decode())
            with queue_errors():
                self._sent(args=[self._ttl_seconds, *names])
            count += len(names)
            offset += int(looked_at) - len(names)  # those that were sent are no longer in front
            if int(looked_at) < _PAGE:
                return count

    def is_my_turn(self, seconds: float, chore: str = "outbox") -> bool:
        """Return whether the caller does a chore for the next so many seconds; one is enough."""
        key = f"shelfwise:janitor:{chore}"
        with queue_errors():
            return bool(self._client.set(key, 1, nx=True, px=int(seconds * 900)))

    def in_flight(self, index: str, product_ids: Sequence[str]) -> dict[str, int]:
        """Return product id to the number of its changes that are not finished, 0 for none."""
        if not product_ids:
            return {}
        with queue_errors():
            found = self._client.hmget(
                f"shelfwise:in-flight:{index}", [_key(name) for name in product_ids]
            )
        counts = cast(Sequence[bytes | None], found)
        return {name: int(count or 0) for name, count in zip(product_ids, counts, strict=True)}

    def count_in_flight(self, index: str) -> int:
        """Return the number of products of which changes are not finished."""
        with queue_errors():
            return self._client.hlen(f"shelfwise:in-flight:{index}")

    def count_suspect(self, name: BatchName, product_id: str, by: int) -> None:
        """Count a product's start (1) or end (-1) within a batch that is done one by one."""
        key = f"shelfwise:batch:{_text(name)}:suspects"
        with queue_errors(), self._client.pipeline(transaction=True) as pipe:
            pipe.hincrby(key, cast(str, _key(product_id)), by)
            pipe.expire(key, self._ttl_seconds)
            pipe.execute()

    def suspects(self, name: BatchName) -> dict[str, int]:
        """Return product id to the starts that never ended, as a worker's death leaves them."""
        with queue_errors():
            found: dict[Any, Any] = self._client.hgetall(f"shelfwise:batch:{_text(name)}:suspects")
        return {
            key.decode(errors="surrogatepass"): int(count)
            for key, count in found.items()
            if int(count) > 0
        }

    def _stamp(self) -> str:
        return self._now().isoformat("T", "microseconds")


def new_task_id() -> str:
    """Return an id for a task, by which nobody finds another one's."""
    return secrets.token_hex(12)


def _text(name: BatchName) -> str:
    return f"{name[0]}:{name[1]}"


def _name(raw: bytes) -> BatchName:
    task, _, number = raw.decode().rpartition(":")
    return task, int(number)


def _key(product_id: str) -> bytes:
    # A lone surrogate is no UTF-8, and no reason to lose the batch: the worker rejects it.
    return product_id.encode(errors="surrogatepass")


def _to_bytes(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # a lone surrogate, or a number beyond 64 bits
        return json.dumps(value).encode()


def _from_bytes(raw: bytes) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return json.loads(raw)
