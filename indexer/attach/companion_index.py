"""A companion of a shop's index: made like it, kept like it, and free of what has been deleted."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import structlog
from elasticsearch import Elasticsearch

from indexer.attach.feed import IndexState
from indexer.attach.guarded_bulk import GuardedWrite, send_guarded
from indexer.attach.shop_index import ShopIndex
from mappings.attachments import OWN_FIELD, companion_properties
from mappings.cluster import cluster_errors
from mappings.encoder_spec import EncoderSpec
from mappings.errors import AttachRefused, PermanentIndexingError
from mappings.index_lifecycle import create_if_absent

COMPANION_PREFIX = "shelfwise-of-"
_LISTED_AT_ONCE = 500
_NOT_COPIED = (
    "index.uuid",
    "index.version.",
    "index.creation_date",
    "index.provided_name",
    "index.blocks.",
    "index.lifecycle.",
    "index.default_pipeline",
    "index.final_pipeline",
    "index.routing.allocation.initial_recovery.",
    "index.resize.",
    "index.shrink.",
    "index.hidden",
    "index.verified_before_close",
    "index.search.throttled",
    "index.history.",
    "index.store.snapshot.",
    "index.mapping.source.mode",
)
"""Settings that belong to the shop's index alone; its analysis, shards and limits are copied."""

_log = structlog.get_logger(__name__)


def companion_name(index: str, present: str = "") -> str:
    """Return the name of a companion of an index; another one than the present's."""
    number = present.rpartition("-")[2]
    return f"{COMPANION_PREFIX}{index}-{int(number) + 1 if number.isdecimal() else 1}"


def create_companion(
    client: Elasticsearch, name: str, shop: ShopIndex, encoders: Mapping[str, EncoderSpec]
) -> None:
    """Create an empty companion, hidden from patterns; one that is there stays."""
    settings = {
        key: value for key, value in shop.settings.items() if not key.startswith(_NOT_COPIED)
    }
    body = {
        "settings": {**settings, "index.hidden": True},
        "mappings": _mappings(shop, encoders),
    }
    create_if_absent(client, name, body)


def follow_mapping(
    client: Elasticsearch, name: str, shop: ShopIndex, encoders: Mapping[str, EncoderSpec]
) -> None:
    """Add the fields to a companion that the shop's index has got since.

    Raises AttachRefused when it cannot be followed, which a new companion mends.
    """
    mappings = _mappings(shop, encoders)
    with cluster_errors(index=name):
        present = client.indices.get_mapping(index=name)[name]["mappings"]
    if present.get("properties") == mappings["properties"]:
        return
    try:
        with cluster_errors(index=name):
            client.indices.put_mapping(index=name, properties=mappings["properties"])
    except PermanentIndexingError as error:
        raise AttachRefused(
            f"the mapping of {shop.index!r} has changed so that its companion {name!r} cannot "
            f"follow; detach and attach it again: {error.message}",
            field="index",
        ) from error


def drop_deleted(
    client: Elasticsearch, name: str, state: IndexState, reached: Mapping[str, int]
) -> int:
    """Delete from a companion what the shop has deleted; return how many documents.

    A delete leaves nothing that the feed could meet. But up to what was copied the companion has
    every document of the shop's index, so where it has more there were deletes: ranges of
    `_seq_no` are halved until few enough documents are left to be compared one by one.
    state, reached: of the shop's index.
    """
    with cluster_errors(index=name):
        client.indices.refresh(index=name)
    dropped = 0
    for shard in state.shards:
        upto = reached.get(shard, -1)
        if upto >= 0:
            dropped += _drop_in(client, name, state.index, shard, 0, upto)
    if dropped:
        _log.info("companion_documents_dropped", companion=name, count=dropped)
    return dropped


def _drop_in(client: Elasticsearch, name: str, index: str, shard: str, low: int, high: int) -> int:
    """Delete what has gone of the documents copied from [low, high] of a shard."""
    copied = _copied(shard, low, high)
    with cluster_errors(index=index):
        ours = client.count(index=name, query=copied)["count"]
        theirs = client.count(
            index=index,
            query=_written(low, high),
            preference=f"_shards:{shard}",
        )["count"]
    if ours <= theirs:
        return 0
    if ours > _LISTED_AT_ONCE and low < high:
        middle = (low + high) // 2
        return _drop_in(client, name, index, shard, low, middle) + _drop_in(
            client, name, index, shard, middle + 1, high
        )
    there = {hit["_id"] for hit in _ids(client, index, _written(low, high), shard)}
    hits = [hit for hit in _ids(client, name, copied) if hit["_id"] not in there]
    return send_guarded(client, name, list(_gone(client, index, hits))).written


def _ids(
    client: Elasticsearch, index: str, query: Mapping[str, Any], shard: str | None = None
) -> list[dict[str, Any]]:
    with cluster_errors(index=index):
        answer = client.search(
            index=index,
            query=query,
            size=_LISTED_AT_ONCE,
            source=False,
            seq_no_primary_term=True,
            track_total_hits=False,
            preference=None if shard is None else f"_shards:{shard}",
        )
    hits: list[dict[str, Any]] = answer["hits"]["hits"]
    return hits


def _gone(
    client: Elasticsearch, index: str, hits: Sequence[Mapping[str, Any]]
) -> Iterator[GuardedWrite]:
    """Yield the deletes of what is not there any more; some were only written since."""
    docs = [
        {"_id": hit["_id"], "_source": False}
        | ({"routing": hit["_routing"]} if "_routing" in hit else {})
        for hit in hits
    ]
    if not docs:
        return
    with cluster_errors(index=index):
        found = client.mget(index=index, docs=docs)["docs"]
    for hit, document in zip(hits, found, strict=True):
        # One that cannot be read, e.g. while a shard moves, is not one that has gone.
        if document.get("found") is False:
            guard = {"if_seq_no": hit["_seq_no"], "if_primary_term": hit["_primary_term"]}
            yield GuardedWrite("delete", hit["_id"], hit.get("_routing"), guard)


def _written(low: int, high: int) -> dict[str, Any]:
    return {"range": {"_seq_no": {"gte": low, "lte": high}}}


def _copied(shard: str, low: int, high: int) -> dict[str, Any]:
    return {
        "bool": {
            "filter": [
                {"term": {f"{OWN_FIELD}.shard": int(shard)}},
                {"range": {f"{OWN_FIELD}.seq_no": {"gte": low, "lte": high}}},
            ]
        }
    }


def _mappings(shop: ShopIndex, encoders: Mapping[str, EncoderSpec]) -> dict[str, Any]:
    mappings = copy.deepcopy(dict(shop.mappings))
    properties = {
        field: body
        for field, body in mappings.get("properties", {}).items()
        if field != OWN_FIELD and not field.startswith(f"{OWN_FIELD}.")
    }
    mappings["properties"] = {**properties, **companion_properties(encoders)}
    mappings.pop("_meta", None)
    if mappings.get("_source", {}).get("mode") == "synthetic":
        del mappings["_source"]
    return mappings
