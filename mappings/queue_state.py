"""How much waits in Redis, and for how long: one look for all lanes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis

from mappings.product_changes import LANES, Lane, queue_of
from mappings.task_records import queue_errors

LOOKED_AT = 2_000
"""Unfinished batches that one look reads, those sent longest ago; to read them takes 5 ms."""

# ARGV: how many batches to look at. Returns the time, then lane, number of batches, number of
# changes and the time of the oldest one in turn.
_UNFINISHED = """
local time = redis.call('TIME')
local batches, changes, oldest = {}, {}, {}
for _, name in ipairs(redis.call('ZRANGE', 'shelfwise:unfinished', 0, ARGV[1] - 1)) do
  local found = redis.call('HMGET', 'shelfwise:batch:' .. name, 'lane', 'size', 'submitted')
  local lane, submitted = found[1], tonumber(found[3] or 0)
  if lane then
    batches[lane] = (batches[lane] or 0) + 1
    changes[lane] = (changes[lane] or 0) + tonumber(found[2])
    oldest[lane] = math.min(oldest[lane] or submitted, submitted)
  end
end
local answer = {time[1] .. '.' .. string.format('%06d', time[2])}
for lane, count in pairs(batches) do
  answer[#answer + 1] = lane
  answer[#answer + 1] = count
  answer[#answer + 1] = changes[lane]
  answer[#answer + 1] = string.format('%.6f', oldest[lane])
end
return answer
"""


@dataclass(frozen=True)
class LaneState:
    """What a lane holds.

    waiting: messages that no worker has taken. batches, changes: accepted and not finished, those
    in work among them. oldest_seconds: age of the oldest of them, 0 when there is none.
    """

    waiting: int = 0
    batches: int = 0
    changes: int = 0
    oldest_seconds: float = 0.0


@dataclass(frozen=True)
class QueueState:
    """What Redis holds. dead_letters: changes that were given up and wait for a retry."""

    lanes: Mapping[Lane, LaneState]
    dead_letters: int


def read_queue_state(client: redis.Redis) -> QueueState:
    """Return how much waits. Raises QueueUnavailable."""
    with queue_errors(), client.pipeline(transaction=False) as pipe:
        for lane in LANES:
            pipe.llen(queue_of(lane))
        pipe.zcard("shelfwise:dead-letters:times")
        pipe.eval(_UNFINISHED, 0, str(LOOKED_AT))
        *waiting, dead_letters, unfinished = pipe.execute()
    now, *parts = unfinished
    found = {
        lane.decode(): (int(batches), int(changes), float(now) - float(oldest))
        for lane, batches, changes, oldest in _in_fours(parts)
    }
    return QueueState(
        {
            lane: LaneState(int(count), *found.get(lane, (0, 0, 0.0)))
            for lane, count in zip(LANES, waiting, strict=True)
        },
        int(dead_letters),
    )


def _in_fours(parts: list[Any]) -> list[tuple[Any, ...]]:
    return list(zip(parts[::4], parts[1::4], parts[2::4], parts[3::4], strict=True))
