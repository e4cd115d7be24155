"""Takes everything of ours out of a shop's index again, as far as Elasticsearch allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from indexer.attach.feed import ChangeFeed, FeedDocument, index_state, require_whole
from indexer.attach.guarded_bulk import GuardedWrite, send_guarded
from indexer.attach.progress import Progress
from indexer.attach.shop_index import ShopIndex, find_shop_index
from mappings.attachments import (
    ATTACHED_PHOTOS,
    ATTACHED_PHOTOS_DUE,
    ATTACHED_TEXT_HASH,
    ATTACHED_TEXT_VECTOR,
    OWN_FIELD,
    Attachment,
    Attachments,
)
from mappings.cluster import cluster_errors
from mappings.errors import ClusterOverloaded, UnknownIndex

MAX_ROUNDS = 50
"""Of looking for documents with our field; a shop may bring some back while we are at it."""

_OURS = {
    "bool": {
        "should": [
            {"exists": {"field": ATTACHED_TEXT_HASH}},
            {"exists": {"field": ATTACHED_TEXT_VECTOR}},
            {"exists": {"field": ATTACHED_PHOTOS_DUE}},
            {
                "nested": {
                    "path": ATTACHED_PHOTOS,
                    "query": {"match_all": {}},
                    "ignore_unmapped": True,
                }
            },
        ]
    }
}


@dataclass(frozen=True)
class Detached:
    """What a detach did. cleaned: documents. emptied: those where `shelfwise: null` stays.

    stays: in words, what Elasticsearch does not let go.
    """

    cleaned: int
    emptied: int
    dropped: tuple[str, ...]
    stays: tuple[str, ...]


def detach(
    client: Elasticsearch,
    attachment: Attachment,
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Detached:
    """Remove our fields from every document, or the companion, and then the attachment.

    on_progress: told of documents cleaned and of how many there were. The caller holds the lease
    and has set the state. May be called again after an interruption.
    Raises TemporaryError, and DocumentRejected when documents cannot be written.
    """
    progress = Progress.from_json(attachment.progress)
    dropped: list[str] = []
    cleaned = emptied = 0
    stays: list[str] = []
    if attachment.mode == "companion":
        for name in filter(None, (attachment.target, progress.building)):
            with cluster_errors(index=name):
                client.options(ignore_status=404).indices.delete(index=name)
            dropped.append(name)
    else:
        try:
            shop = find_shop_index(client, attachment.index)
        except UnknownIndex:
            shop = None  # the shop has deleted it, and our fields with it
        if shop is not None:
            cleaned, emptied = _clean(client, shop, on_progress)
            stays = _what_stays(shop, emptied)
    Attachments(client).remove(attachment.index)
    return Detached(cleaned, emptied, tuple(dropped), tuple(stays))


def _clean(
    client: Elasticsearch, shop: ShopIndex, on_progress: Callable[[int, int], None]
) -> tuple[int, int]:
    keeps_null = _is_changed_by_a_whole_write(shop)
    feed = ChangeFeed(client, shop.index, paths=[] if keeps_null else None, query=_OURS)
    done = 0
    for _ in range(MAX_ROUNDS):
        state = index_state(client, shop.index)
        feed.refresh()
        with cluster_errors(index=shop.index):
            counted = client.count(index=shop.index, query=_OURS).body
        require_whole(counted, shop.index)
        left = counted["count"]
        if not left:
            return (0, done) if keeps_null else (done, 0)
        for shard, shard_state in sorted(state.shards.items()):
            for page in feed.pages(shard, after=-1, upto=shard_state.checkpoint):
                writes = [_write(document, keeps_null=keeps_null) for document in page]
                outcome = send_guarded(client, shop.index, writes)
                if outcome.refused:
                    name, reason = next(iter(outcome.refused.items()))
                    raise ClusterOverloaded(
                        f"document {name!r} of {shop.index!r} cannot be cleaned: {reason}",
                        product_id=name,
                    )
                done += outcome.written
                on_progress(done, max(left, done))
    raise ClusterOverloaded(
        f"documents with the field {OWN_FIELD!r} keep coming into {shop.index!r}; let whoever "
        "writes it leave the field out, and detach again"
    )


def _write(document: FeedDocument, *, keeps_null: bool) -> GuardedWrite:
    guard = {"if_seq_no": document.seq_no, "if_primary_term": document.primary_term}
    operation: Any = "index"
    body: Mapping[str, Any] = {
        name: value
        for name, value in document.source.items()
        if name != OWN_FIELD and not name.startswith(f"{OWN_FIELD}.")
    }
    if keeps_null:
        operation, body = "update", {"doc": {OWN_FIELD: None}}
    return GuardedWrite(operation, document.document_id, document.routing, guard, body)


def _is_changed_by_a_whole_write(shop: ShopIndex) -> bool:
    """Return whether Elasticsearch would change a document that is written back as it was.

    A final pipeline runs over every whole write, and semantic_text is inferred anew.
    """
    pipeline = shop.settings.get("index.final_pipeline", "_none")
    return pipeline != "_none" or _has_type(shop.mappings, "semantic_text")


def _has_type(mappings: Mapping[str, Any], kind: str) -> bool:
    return any(
        body.get("type") == kind or _has_type(body, kind)
        for body in mappings.get("properties", {}).values()
    )


def _what_stays(shop: ShopIndex, emptied: int) -> list[str]:
    stays = []
    if emptied:
        stays.append(
            f"{emptied:,} documents keep `{OWN_FIELD}: null`, for a whole write would be changed "
            "by the index's final_pipeline or its semantic_text fields"
        )
    if shop.own_field is not None:
        fields = ", ".join(f"{OWN_FIELD}.{name}" for name in shop.own_field.get("properties", {}))
        stays.append(
            f"the mapping of {shop.index!r} keeps {fields}, empty: Elasticsearch removes no field "
            "from a mapping; the next index that is filled anew does not have them"
        )
    return stays
