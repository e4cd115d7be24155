"""Reading and writing documents: sizes, conflicts, and a cluster that is too busy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import orjson
import pytest
from elasticsearch import Elasticsearch

from indexer.bulk_writer import MAX_ITEM_ATTEMPTS, BulkWriter, DocumentWrite, WriteResult
from mappings.cluster import connect
from mappings.errors import ClusterOverloaded, ClusterUnavailable, UnknownIndex
from mappings.settings import SharedSettings

WRITTEN = WriteResult("written")


def document(product_id: str = "1", **fields: object) -> dict:
    return {"product_id": product_id, "title": "Mouse", **fields}


@dataclass
class BusyCluster:
    """Answers 429 for the first products of a bulk request, `refusals` requests long."""

    refusals: int
    bodies: list[bytes] = field(default_factory=list)

    def bulk(self, *, operations: bytes, **_: object) -> Mapping[str, object]:
        self.bodies.append(operations)
        names = [orjson.loads(line)["create"]["_id"] for line in operations.splitlines()[::2]]
        busy = len(self.bodies) <= self.refusals
        items = [
            {"_id": name, "status": 429, "error": {"type": "es_rejected_execution_exception"}}
            if busy and name == "busy"
            else {"_id": name, "status": 201}
            for name in names
        ]
        return {"items": [{"create": item} for item in items]}


def test_only_what_the_cluster_was_too_busy_for_is_sent_again():
    cluster, waits = BusyCluster(refusals=2), []
    writer = BulkWriter(cluster, sleep=waits.append)  # type: ignore[arg-type]
    writes = [DocumentWrite(name, document(name), None) for name in ("1", "busy", "2")]
    assert writer.write("shop", writes) == {"1": WRITTEN, "2": WRITTEN, "busy": WRITTEN}
    assert [body.count(b"\n") // 2 for body in cluster.bodies] == [3, 1, 1]
    assert waits == [0.5, 1.0]


def test_cluster_that_stays_busy_is_an_error_that_says_wait():
    writer = BulkWriter(BusyCluster(refusals=99), sleep=lambda _: None)  # type: ignore[arg-type]
    with pytest.raises(ClusterOverloaded, match=f"{MAX_ITEM_ATTEMPTS} times"):
        writer.write("shop", [DocumentWrite("busy", document("busy"), None)])


def test_bodies_stay_under_the_limit_and_a_greater_document_travels_alone():
    cluster = BusyCluster(refusals=0)
    writer = BulkWriter(cluster, max_body_bytes=400)  # type: ignore[arg-type]
    texts = ["x", "y" * 1_000, "z", "z"]
    writes = [
        DocumentWrite(str(number), document(str(number), description=text), None)
        for number, text in enumerate(texts)
    ]
    assert len(writer.write("shop", writes)) == 4
    assert [body.count(b"\n") // 2 for body in cluster.bodies] == [1, 1, 2]
    assert all(len(body) <= 400 or body.count(b"\n") == 2 for body in cluster.bodies)


@pytest.mark.cluster
def test_write_based_on_an_older_read_conflicts(cluster: Elasticsearch, index: str):
    writer = BulkWriter(cluster)
    vector = np.eye(8, dtype=np.float32)[0]
    first = DocumentWrite("1", document(text_vector=vector), None)
    assert writer.write(index, [first]) == {"1": WRITTEN}
    assert writer.write(index, [first])["1"].state == "conflict"
    read = writer.read(index, ["1", "2"])["1"]
    assert set(read.source) <= {"version", "product_hash", "content_hash"}
    update = DocumentWrite("1", document(price=2.0, text_vector=vector), read)
    assert writer.write(index, [update]) == {"1": WRITTEN}
    assert writer.write(index, [update])["1"].state == "conflict"
    assert writer.write(index, [DocumentWrite("1", None, read)])["1"].state == "conflict"
    newest = writer.read(index, ["1"], whole=frozenset("1"))["1"]
    assert newest.source["price"] == 2.0
    np.testing.assert_array_equal(newest.vectors["text_vector"], vector)
    vectors = writer.read_vectors(index, ["1"])["1"].vectors
    np.testing.assert_array_equal(vectors["text_vector"], vector)
    delete = DocumentWrite("1", None, newest)
    assert writer.write(index, [delete]) == {"1": WRITTEN}
    assert writer.write(index, [delete])["1"].state == "conflict"
    assert writer.read(index, ["1"]) == {}


@pytest.mark.cluster
def test_refused_document_comes_with_its_reason_and_alone(cluster: Elasticsearch, index: str):
    writes = [
        DocumentWrite("1", document(colour="red"), None),
        DocumentWrite("2", document("2"), None),
    ]
    results = BulkWriter(cluster).write(index, writes)
    assert results["2"] == WRITTEN
    assert results["1"].state == "refused"
    assert "colour" in results["1"].reason


@pytest.mark.cluster
def test_index_that_is_not_there_is_never_made(cluster: Elasticsearch, index_name: str):
    writer = BulkWriter(cluster)
    with pytest.raises(UnknownIndex):
        writer.read(index_name, ["1"])
    with pytest.raises(UnknownIndex):
        writer.write(index_name, [DocumentWrite("1", document(), None)])
    assert not cluster.indices.exists(index=f"{index_name}-write")


def test_cluster_that_is_away_is_an_error_that_says_wait():
    settings = SharedSettings(elasticsearch_url="http://127.0.0.1:9")
    with connect(settings) as client, pytest.raises(ClusterUnavailable):
        BulkWriter(client).read("shop", ["1"])
