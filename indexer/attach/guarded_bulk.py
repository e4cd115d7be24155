"""Writes to documents that somebody else writes too: none is done over a newer one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import orjson
from elasticsearch import Elasticsearch

from mappings.cluster import cluster_errors
from mappings.errors import ClusterOverloaded

MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_ITEM_ATTEMPTS = 6
_FIRST_WAIT_SECONDS = 0.5  # 0.5 + 1 + 2 + 4 + 8
_BUSY_STATUS = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True)
class GuardedWrite:
    """What should become of a document.

    guard: `if_seq_no` and `if_primary_term`, or `version` and `version_type`. body: None for a
    delete.
    """

    operation: Literal["update", "index", "delete"]
    document_id: str
    routing: str | None
    guard: Mapping[str, Any]
    body: Mapping[str, Any] | None = None


@dataclass
class BulkOutcome:
    """What became of writes. overtaken: somebody wrote the document in between, or deleted it.

    refused: document id to reason.
    """

    written: int = 0
    overtaken: int = 0
    refused: dict[str, str] = field(default_factory=dict)


def send_guarded(
    client: Elasticsearch,
    index: str,
    writes: Sequence[GuardedWrite],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> BulkOutcome:
    """Send writes, past the index's default ingest pipeline, and say what became of them.

    Those that the cluster is too busy for are sent again, with longer and longer waits.
    Raises ClusterOverloaded when that does not help.
    """
    outcome = BulkOutcome()
    waiting = list(writes)
    for attempt in range(MAX_ITEM_ATTEMPTS):
        if attempt:
            sleep(_FIRST_WAIT_SECONDS * 2 ** (attempt - 1))
        busy: list[GuardedWrite] = []
        for batch, body in _bodies(waiting):
            with cluster_errors(index=index):
                answer = client.bulk(
                    index=index,
                    operations=body,  # type: ignore[arg-type]
                    pipeline="_none",
                    filter_path="items.*.status,items.*.error.type,items.*.error.reason,"
                    "items.*.error.caused_by.reason",
                )
            for write, item in zip(batch, answer["items"], strict=True):
                _note(outcome, busy, write, next(iter(item.values())))
        waiting = busy
        if not waiting:
            return outcome
    raise ClusterOverloaded(
        f"Elasticsearch was too busy for {len(waiting)} documents of {index!r} "
        f"{MAX_ITEM_ATTEMPTS} times"
    )


def _note(
    outcome: BulkOutcome,
    busy: list[GuardedWrite],
    write: GuardedWrite,
    item: Mapping[str, Any],
) -> None:
    status, error = item["status"], item.get("error", {})
    if status in _BUSY_STATUS:
        busy.append(write)
    elif status == 409 or (status == 404 and error.get("type") != "index_not_found_exception"):
        outcome.overtaken += 1
    elif status >= 400:
        cause = error.get("caused_by", {}).get("reason")
        reason = str(error.get("reason", error.get("type")))
        outcome.refused[write.document_id] = f"{reason}: {cause}" if cause else reason
    else:
        outcome.written += 1


def _bodies(writes: Sequence[GuardedWrite]) -> Iterator[tuple[list[GuardedWrite], bytes]]:
    batch: list[GuardedWrite] = []
    lines: list[bytes] = []
    size = 0
    for write in writes:
        text = _lines(write)
        if batch and size + len(text) > MAX_BODY_BYTES:
            yield batch, b"".join(lines)
            batch, lines, size = [], [], 0
        batch.append(write)
        lines.append(text)
        size += len(text)
    if batch:
        yield batch, b"".join(lines)


def _lines(write: GuardedWrite) -> bytes:
    target: dict[str, Any] = {"_id": write.document_id, **write.guard}
    if write.routing is not None:
        target["routing"] = write.routing
    action = orjson.dumps({write.operation: target}) + b"\n"
    return action if write.body is None else action + _dumped(write.body) + b"\n"


def _dumped(body: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
    except TypeError:  # a whole number beyond 64 bits, or half of a surrogate pair
        return json.dumps(body, default=_listed, allow_nan=False).encode()


def _listed(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no JSON value")
