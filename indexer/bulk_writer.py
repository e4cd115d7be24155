"""Reads and writes the documents of one batch; nobody's newer write is ever overwritten."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import orjson
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from mappings.cluster import cluster_errors
from mappings.errors import ClusterOverloaded, UnknownIndex
from mappings.index_names import write_alias
from mappings.product import PHOTO_STATE_FIELDS, PHOTOS, STATE_FIELDS, VECTOR_FIELDS
from mappings.tracing import span

MAX_BODY_BYTES = 10 * 1024 * 1024  # a tenth of the server's default http.max_content_length
MAX_ITEM_ATTEMPTS = 6
_FIRST_WAIT_SECONDS = 0.5  # 0.5 + 1 + 2 + 4 + 8: half of the timeout of one answer
_BUSY_STATUS = frozenset({429, 500, 502, 503, 504})
_CONFLICT_STATUS = 409
_GONE = "document_missing_exception"
# 9.2 leaves vectors out of `_source` unless asked; 8.19 refuses the question.
_VECTORS_LEFT_OUT_SINCE = (9, 2)

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class StoredDocument:
    """A document as it was read.

    seq_no, primary_term: which write of it was read, to be given back with the next one.
    source: the fields that were asked for. vectors: those that were asked for and are there.
    """

    product_id: str
    seq_no: int
    primary_term: int
    source: Mapping[str, Any]
    vectors: Mapping[str, Vector]


@dataclass(frozen=True)
class DocumentWrite:
    """What should become of one document.

    document: None to delete it. based_on: what was read before, None when it was absent.
    is_partial: the document's fields are set in the stored one, the others stay as they are.
    """

    product_id: str
    document: Mapping[str, Any] | None
    based_on: StoredDocument | None
    is_partial: bool = False


@dataclass(frozen=True)
class WriteResult:
    """What became of one write.

    conflict: somebody else wrote the document since it was read: read and plan again.
    refused: Elasticsearch does not take this document, for `reason`.
    """

    state: Literal["written", "conflict", "refused"]
    reason: str = ""


class BulkWriter:
    """Reads by `_mget` and writes by `_bulk`, always through an index's write alias.

    Every method raises the errors of `mappings.cluster`; UnknownIndex without the alias.
    """

    def __init__(
        self,
        client: Elasticsearch,
        *,
        max_body_bytes: int = MAX_BODY_BYTES,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._max_body_bytes = max_body_bytes
        self._sleep = sleep
        self._leaves_vectors_out: bool | None = None

    def read(
        self, index: str, product_ids: Sequence[str], *, whole: frozenset[str] = frozenset()
    ) -> dict[str, StoredDocument]:
        """Return the documents that are there: STATE_FIELDS alone.

        whole: ids of which all fields and vectors are read.
        """
        docs = [
            {"_id": name} if name in whole else {"_id": name, "_source": list(STATE_FIELDS)}
            for name in product_ids
        ]
        with span("worker.read", index=index, documents=len(docs)):
            return self._get(index, docs, with_vectors=bool(whole))

    def read_sent(self, index: str, product_ids: Sequence[str]) -> dict[str, str]:
        """Return product id to `sent_hash`, for the documents that have one.

        It is a stored field: reading it costs a quarter of reading anything of `_source`.
        """
        if not product_ids:
            return {}
        params = {"_source": "false", "stored_fields": "sent_hash"}
        found = self._mget(index, {"ids": list(product_ids)}, params)
        return {
            one["_id"]: one["fields"]["sent_hash"][0]
            for one in found
            if _is_found(one, index) and "fields" in one
        }

    def read_vectors(self, index: str, product_ids: Sequence[str]) -> dict[str, StoredDocument]:
        """Return the vectors of the documents that are there, and all that is of their photos."""
        fields = [*VECTOR_FIELDS, PHOTOS, *PHOTO_STATE_FIELDS]
        docs = [{"_id": name, "_source": fields} for name in product_ids]
        return self._get(index, docs, with_vectors=True)

    def read_photos(self, index: str, product_ids: Sequence[str]) -> dict[str, StoredDocument]:
        """Return the addresses of photos and all that is kept of them."""
        fields = ["images", PHOTOS, *PHOTO_STATE_FIELDS]
        docs = [{"_id": name, "_source": fields} for name in product_ids]
        return self._get(index, docs, with_vectors=True)

    def write(self, index: str, writes: Sequence[DocumentWrite]) -> dict[str, WriteResult]:
        """Write documents and return what became of each, by product id.

        Those that the cluster was too busy for are sent again, with longer and longer
        waits; ClusterOverloaded when that does not help.
        """
        results: dict[str, WriteResult] = {}
        waiting = {write.product_id: write for write in writes}
        for attempt in range(MAX_ITEM_ATTEMPTS):
            if attempt:
                self._sleep(_FIRST_WAIT_SECONDS * 2 ** (attempt - 1))
            with span("worker.write", index=index, documents=len(waiting)):
                for body in _bodies(waiting.values(), self._max_body_bytes):
                    results.update(self._send(index, body))
            waiting = {name: write for name, write in waiting.items() if name not in results}
            if not waiting:
                return results
        raise ClusterOverloaded(
            f"Elasticsearch was too busy for {len(waiting)} documents of {index!r} "
            f"{MAX_ITEM_ATTEMPTS} times"
        )

    def _send(self, index: str, body: bytes) -> Iterator[tuple[str, WriteResult]]:
        with cluster_errors(index=index):
            answer = self._client.bulk(
                index=write_alias(index),
                operations=body,  # type: ignore[arg-type]
                require_alias=True,
                filter_path="items.*._id,items.*.status,items.*.error.type,"
                "items.*.error.reason,items.*.error.caused_by.reason",
            )
        for item in answer["items"]:
            outcome = next(iter(item.values()))
            result = _result(outcome, index)
            if result is not None:
                yield outcome["_id"], result

    def _get(
        self, index: str, docs: Sequence[Mapping[str, Any]], *, with_vectors: bool
    ) -> dict[str, StoredDocument]:
        if not docs:
            return {}
        params: dict[str, Any] = {}
        if with_vectors and self._vectors_are_left_out():
            params["_source_exclude_vectors"] = "false"
        return {
            found["_id"]: _stored(found)
            for found in self._mget(index, {"docs": docs}, params)
            if _is_found(found, index)
        }

    def _mget(
        self, index: str, body: Mapping[str, Any], params: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        with cluster_errors(index=index):
            answer = self._client.perform_request(
                "POST",
                f"/{write_alias(index)}/_mget",
                params=params,
                headers={"accept": "application/json", "content-type": "application/json"},
                body=body,
            )
        found: list[dict[str, Any]] = answer.body["docs"]
        return found

    def _vectors_are_left_out(self) -> bool:
        if self._leaves_vectors_out is None:
            with cluster_errors():
                number = self._client.info()["version"]["number"]
            version = tuple(int(part) for part in number.split(".")[:2])
            self._leaves_vectors_out = version >= _VECTORS_LEFT_OUT_SINCE
        return self._leaves_vectors_out


def _bodies(writes: Iterable[DocumentWrite], limit: int) -> Iterator[bytes]:
    """Yield `_bulk` bodies of at most `limit` bytes; a greater document travels alone."""
    lines: list[bytes] = []
    size = 0
    for write in writes:
        pair = _lines(write)
        if lines and size + len(pair) > limit:
            yield b"".join(lines)
            lines, size = [], 0
        lines.append(pair)
        size += len(pair)
    if lines:
        yield b"".join(lines)


def _lines(write: DocumentWrite) -> bytes:
    target: dict[str, Any] = {"_id": write.product_id}
    if write.based_on is not None:
        target["if_seq_no"] = write.based_on.seq_no
        target["if_primary_term"] = write.based_on.primary_term
    if write.document is None:
        return orjson.dumps({"delete": target}) + b"\n"
    operation = "create" if write.based_on is None else "index"
    body: Mapping[str, Any] = write.document
    if write.is_partial:
        operation, body = "update", {"doc": write.document}
    document = orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
    return orjson.dumps({operation: target}) + b"\n" + document + b"\n"


def _result(outcome: Mapping[str, Any], index: str) -> WriteResult | None:
    """Return what became of a document; None when it should be sent again."""
    status = outcome["status"]
    if status in _BUSY_STATUS:
        return None
    # A delete of a document that has gone meanwhile answers 404 without an error, an update
    # with one of its own.
    error = outcome.get("error", {}).get("type", _GONE)
    if status == _CONFLICT_STATUS or (status == 404 and error == _GONE):
        return WriteResult("conflict")
    if status == 404:
        raise UnknownIndex(f"no index named {index!r}", field="index")
    if status >= 400:
        return WriteResult("refused", _reason(outcome))
    return WriteResult("written")


def _reason(outcome: Mapping[str, Any]) -> str:
    error = outcome["error"]
    cause = error.get("caused_by", {}).get("reason")
    reason = error.get("reason", error.get("type", "no reason given"))
    return f"{reason}: {cause}" if cause else str(reason)


def _is_found(found: Mapping[str, Any], index: str) -> bool:
    if "error" not in found:
        return bool(found["found"])
    if found["error"].get("type") == "index_not_found_exception":
        raise UnknownIndex(f"no index named {index!r}", field="index")
    raise ClusterOverloaded(
        f"document {found['_id']!r} of {index!r} cannot be read: {found['error'].get('reason')}"
    )


def _stored(found: Mapping[str, Any]) -> StoredDocument:
    source = found.get("_source", {})
    return StoredDocument(
        product_id=found["_id"],
        seq_no=found["_seq_no"],
        primary_term=found["_primary_term"],
        source={
            name: value
            for name, value in source.items()
            if name not in VECTOR_FIELDS and value is not None
        },
        vectors={
            name: np.asarray(source[name], dtype=np.float32)
            for name in VECTOR_FIELDS
            if source.get(name) is not None
        },
    )
