"""Who judges which pairs just now, so that two judges at once get different ones."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import redis
import structlog

from service.judging.stakes import Pair

CLAIM_SECONDS = 600
_PREFIX = "shelfwise:judging"

log = structlog.get_logger(__name__)


class Claims:
    """Claims in Redis, which end by themselves. Without Redis everybody gets every pair.

    A grade is safe without claims too; they only spare judges the same work.
    """

    def __init__(self, queue: redis.Redis) -> None:
        self._queue = queue

    def claim(self, place: str, pairs: Sequence[Pair], judge: str, *, most: int) -> list[Pair]:
        """Return the first pairs that nobody else has claimed, which are the judge's now.

        place: name of the list. most: so many at most.
        """
        try:
            return self._claim(place, pairs, judge, most)
        except redis.RedisError as error:
            log.warning("judging_without_claims", reason=type(error).__name__)
            return list(pairs[:most])

    def _claim(self, place: str, pairs: Sequence[Pair], judge: str, most: int) -> list[Pair]:
        got: list[Pair] = []
        left = list(pairs)
        while left and len(got) < most:
            asked, left = left[: most - len(got)], left[most - len(got) :]
            keys = [_key(place, pair) for pair in asked]
            with self._queue.pipeline(transaction=False) as pipe:
                for key in keys:
                    pipe.set(key, judge, nx=True, ex=CLAIM_SECONDS)
                    pipe.get(key)
                answers = pipe.execute()
            for pair, holder in zip(asked, answers[1::2], strict=True):
                # None where a claim ended between the two.
                if holder is None or _text(holder) == judge:
                    got.append(pair)
        return got


def _key(place: str, pair: Pair) -> str:
    digest = hashlib.sha256(f"{pair.query}\0{pair.product_id}".encode()).hexdigest()[:32]
    return f"{_PREFIX}:{place}:{digest}"


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
