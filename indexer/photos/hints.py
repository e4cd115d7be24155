"""Messages that say which products have photos to do. Any of them may be lost or come twice.

What is to be done lies in the documents; a message only makes it happen soon. So few may wait in
the queue at a time: whoever finds it full says nothing, and the sweep sends what is due once there
is room.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import redis
import structlog
from kombu.exceptions import OperationalError

from mappings.errors import QueueUnavailable
from mappings.product_changes import EMBED_PHOTOS_TASK, queue_of
from mappings.task_records import RETRY_AFTER_SECONDS, queue_errors

MAX_WAITING_MESSAGES = 64
FEW_WAITING_MESSAGES = 8
"""So few that whoever has ended one looks for more work itself."""

_FORGOTTEN_SECONDS = 7 * 86_400
_log = structlog.get_logger(__name__)

# KEYS: end of the mark by product. ARGV: seconds to hold, products. Gives those without a mark.
_CLAIM = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local free = {}
for place = 2, #ARGV do
  if not redis.call('ZSCORE', KEYS[1], ARGV[place]) then
    redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[place])
    free[#free + 1] = ARGV[place]
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[1] + 60)
return free
"""

SendMessage = Callable[[str, Sequence[str]], None]
"""Puts a message of index and products into the queue. Raises QueueUnavailable."""


class PhotoHints:
    """Sends messages, and marks their products so that the sweep does not send them again.

    lease_seconds: how long a mark holds, unless the work ends before. products: of a message.
    Its methods raise QueueUnavailable without Redis.
    """

    def __init__(
        self,
        queue: redis.Redis,
        send_message: SendMessage,
        *,
        lease_seconds: float,
        products: int,
    ) -> None:
        self._queue = queue
        self._send_message = send_message
        self._lease_seconds = lease_seconds
        self._products = products
        self._claim = queue.register_script(_CLAIM)

    def waiting(self) -> int:
        """Return the number of messages that nobody has taken yet."""
        with queue_errors():
            return int(self._queue.llen(queue_of("photos")))

    def tell(self, name: str, product_ids: Sequence[str]) -> None:
        """Send products that were just written, if there is room; never fails.

        One that is under way is sent again: whoever has it may have read it before.
        """
        try:
            for some in _cut(product_ids, self._products):
                if self.waiting() >= MAX_WAITING_MESSAGES:
                    return
                self.claim(name, some)
                self._send_message(name, list(some))
        except QueueUnavailable as error:
            _log.warning("photos_not_queued", index=name, reason=error.message)

    def send(self, name: str, product_ids: Sequence[str]) -> int:
        """Send those of the products that are not on their way, and return how many they were."""
        free = self.claim(name, product_ids)
        for some in _cut(free, self._products):
            self._send_message(name, list(some))
        return len(free)

    def claim(self, name: str, product_ids: Sequence[str]) -> list[str]:
        """Mark products as on their way and return those that were not."""
        if not product_ids:
            return []
        with queue_errors():
            found = self._claim(keys=[_marks(name)], args=[self._lease_seconds, *product_ids])
        return [raw.decode() for raw in cast(Sequence[bytes], found)]

    def begin(self, name: str, product_ids: Sequence[str]) -> None:
        """Count a start of each product, which `end` takes back."""
        with queue_errors(), self._queue.pipeline(transaction=True) as pipe:
            for product_id in product_ids:
                pipe.hincrby(_starts(name), product_id, 1)
            pipe.expire(_starts(name), _FORGOTTEN_SECONDS)
            pipe.execute()

    def starts(self, name: str, product_ids: Sequence[str]) -> dict[str, int]:
        """Return product id to the starts that have not ended, 0 for none.

        Each is a worker that died, or one that works on the product at this moment.
        """
        with queue_errors():
            counts = cast(
                Sequence[Any], self._queue.hmget(_starts(name), cast(Any, list(product_ids)))
            )
        return {one: int(count or 0) for one, count in zip(product_ids, counts, strict=True)}

    def end(self, name: str, product_ids: Sequence[str], *, keep_marks: bool = False) -> None:
        """Say that the work on these products has ended.

        keep_marks: the sweep should not send them again before the lease is over.
        """
        with queue_errors(), self._queue.pipeline(transaction=True) as pipe:
            pipe.hdel(_starts(name), *product_ids)
            if not keep_marks:
                pipe.zrem(_marks(name), *product_ids)
            pipe.execute()


def message_sender(send_task: Callable[..., Any]) -> SendMessage:
    """Return what puts a message into the queue by Celery's `send_task`."""

    def send(name: str, product_ids: Sequence[str]) -> None:
        try:
            send_task(
                EMBED_PHOTOS_TASK,
                kwargs={"index": name, "product_ids": list(product_ids)},
                queue=queue_of("photos"),
                ignore_result=True,
                retry=False,
            )
        except OperationalError as error:
            raise QueueUnavailable(
                "Redis cannot be used: photos were not queued",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            ) from error

    return send


def _cut(product_ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(product_ids), size):
        yield product_ids[start : start + size]


def _marks(name: str) -> str:
    return f"shelfwise:photos:{name}:on-their-way"


def _starts(name: str) -> str:
    return f"shelfwise:photos:{name}:starts"
