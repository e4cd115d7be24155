"""What is known of a shop's products and their variants, however late webhooks come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import redis
from elasticsearch import Elasticsearch

from mappings.cluster import cluster_errors
from mappings.task_records import queue_errors

KEPT_SECONDS = 7 * 86_400
"""As long as a deleted product is remembered by the workers."""
_MOST_VARIANTS = 5_000

_NOTE = """
-- KEYS: state, members. ARGV: version or '', deleted (0 or 1), overrides (0 or 1), ttl, ids.
local known = redis.call('HGET', KEYS[1], 'version')
local deleted = redis.call('HGET', KEYS[1], 'deleted') == '1'
local stale = 0
if known and ARGV[1] ~= '' and ARGV[3] == '0' then
  local old, new = tonumber(known), tonumber(ARGV[1])
  if new < old or (new == old and deleted and ARGV[2] == '0') then stale = 1 end
end
if stale == 0 then
  if ARGV[1] ~= '' and (not known or tonumber(ARGV[1]) > tonumber(known)) then
    redis.call('HSET', KEYS[1], 'version', ARGV[1])
  end
  redis.call('HSET', KEYS[1], 'deleted', ARGV[2])
  for place = 5, #ARGV do redis.call('SADD', KEYS[2], ARGV[place]) end
  redis.call('EXPIRE', KEYS[1], ARGV[4])
  redis.call('EXPIRE', KEYS[2], ARGV[4])
end
return {stale, known or '', redis.call('SMEMBERS', KEYS[2])}
"""


@dataclass(frozen=True)
class Family:
    """What was known of a shop's product before.

    is_stale: something newer. version: the newest, None when nothing was. members: ids of all
    products of ours that it ever had.
    """

    is_stale: bool
    version: int | None
    members: frozenset[str]


class Families:
    """Remembers each product of a shop for as long as webhooks of it may come late.

    Members are only added: whoever asks twice, as a shop does that sends again, is told the
    same. Raises QueueUnavailable without Redis.
    """

    def __init__(self, queue: redis.Redis, client: Elasticsearch) -> None:
        self._client = client
        self._note = queue.register_script(_NOTE)

    def note(
        self,
        index: str,
        family: str,
        members: Sequence[str],
        version: int | None,
        *,
        is_delete: bool,
        overrides: bool,
    ) -> Family:
        """Take in what a webhook says, and return what was known."""
        key = f"shelfwise:family:{index}:{family}"
        arguments: list[Any] = ["" if version is None else version, int(is_delete)]
        arguments += [int(overrides), KEPT_SECONDS, *members]
        with queue_errors():
            answer = self._note(keys=[key, f"{key}:members"], args=arguments)
        stale, known, found = cast(tuple[int, bytes, list[bytes]], answer)
        return Family(
            bool(stale), int(known) if known else None, frozenset(one.decode() for one in found)
        )

    def indexed(self, index: str, family: str) -> dict[str, int | None]:
        """Return the ids of a family's products in the index, with their versions.

        index: the index itself. Products of the last second may be missing; `note` has those.
        """
        with cluster_errors(index=index):
            found = self._client.search(
                index=index,
                query={
                    "bool": {
                        "should": [
                            {"term": {"parent_id": family}},
                            {"term": {"product_id": family}},
                        ],
                        "must_not": [{"exists": {"field": "deleted_at"}}],
                    }
                },
                source={"includes": ["version"]},
                size=_MOST_VARIANTS,
            )
        return {hit["_id"]: hit["_source"].get("version") for hit in found["hits"]["hits"]}
