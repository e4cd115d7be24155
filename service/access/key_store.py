"""The API keys of a cluster, in a hidden index of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from elasticsearch import Elasticsearch, NotFoundError

from mappings.cluster import cluster_errors
from mappings.errors import InvalidQuery, UnknownKey
from mappings.index_lifecycle import create_own_index
from service.access.keys import ApiKey

KEYS_INDEX = "shelfwise-keys"
MAX_KEYS = 5_000
"""Revoked ones included; every process has all of them in memory (about 1 kB each)."""

_KEYWORD = {"type": "keyword"}
_FIELDS: dict[str, Any] = {
    "name": _KEYWORD,
    "digest": {"type": "keyword", "index": False, "doc_values": False},
    "scopes": _KEYWORD,
    "indexes": _KEYWORD,
    "created_at": {"type": "date"},
    "created_by": _KEYWORD,
    "expires_at": {"type": "date"},
    "revoked_at": {"type": "date"},
}


class KeyStore:
    """Reads and writes keys; a revoked one stays, so that a list can tell of it.

    name: of the index that holds them. Every method raises ClusterUnavailable or
    ClusterOverloaded when the cluster does not serve.
    """

    def __init__(
        self,
        client: Elasticsearch,
        *,
        name: str = KEYS_INDEX,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._name = name
        self._now = now

    def add(self, key: ApiKey) -> None:
        """Keep a new key; raises InvalidQuery when there are too many."""
        create_own_index(self._client, self._name, _FIELDS)
        with cluster_errors(index=self._name):
            count = self._client.count(index=self._name)["count"]
            if count >= MAX_KEYS:
                raise InvalidQuery(
                    f"keys: there are {count:,}, at most {MAX_KEYS:,}; forget revoked ones with "
                    "`shelfwise keys purge`",
                    field="keys",
                )
            self._client.create(
                index=self._name, id=key.id, document=key.to_document(), refresh=True
            )

    def list(self) -> list[ApiKey]:
        """Return all keys, newest first."""
        with cluster_errors(index=self._name):
            found = self._client.search(
                index=self._name,
                size=MAX_KEYS,
                sort=[{"created_at": "desc"}],
                ignore_unavailable=True,
            )
        return [ApiKey.from_document(hit["_id"], hit["_source"]) for hit in found["hits"]["hits"]]

    def get(self, key_id: str) -> ApiKey:
        """Return a key; raises UnknownKey."""
        with cluster_errors(index=self._name):
            try:
                found = self._client.get(index=self._name, id=key_id)
            except NotFoundError as error:
                raise unknown_key(key_id) from error
        return ApiKey.from_document(found["_id"], found["_source"])

    def revoke(self, key_id: str) -> ApiKey:
        """Let a key open nothing any more, and return it; raises UnknownKey."""
        key = self.get(key_id)
        if key.revoked_at is None:
            self._change(key_id, revoked_at=self._now())
        return self.get(key_id)

    def expire(self, key_id: str, at: datetime) -> ApiKey:
        """Let a key work until then, unless it ends sooner; raises UnknownKey."""
        key = self.get(key_id)
        if key.expires_at is None or key.expires_at > at:
            self._change(key_id, expires_at=at)
        return self.get(key_id)

    def purge(self) -> int:
        """Forget the keys that are revoked or expired, and return how many they were."""
        now = self._now()
        gone = [key.id for key in self.list() if key.state(now) != "active"]
        with cluster_errors(index=self._name):
            for key_id in gone:
                self._client.options(ignore_status=404).delete(index=self._name, id=key_id)
            if gone:
                self._client.indices.refresh(index=self._name)
        return len(gone)

    def _change(self, key_id: str, **times: datetime) -> None:
        fields = {name: at.isoformat("T", "seconds") for name, at in times.items()}
        with cluster_errors(index=self._name):
            self._client.update(
                index=self._name, id=key_id, doc=fields, refresh=True, retry_on_conflict=3
            )


def unknown_key(key_id: str) -> UnknownKey:
    """Return the error of an id that no key has, or that the asker may not know of."""
    return UnknownKey(f"no API key {key_id[:80]!r}", field="key_id")
