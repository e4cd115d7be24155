"""What the tests of the indexer share."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from elasticsearch import Elasticsearch

from indexer.bulk_writer import BulkWriter
from indexer.encoders.base import Embeddings
from indexer.pipeline import Pipeline
from mappings.encoder_spec import EncoderSpec
from mappings.index_lifecycle import create_index
from mappings.product_changes import ProductChange

DIMS = 8


@dataclass
class RecordingEncoder:
    """Gives every text its own vector and remembers what it was asked for.

    poison: a text with this word in it breaks the whole call.
    """

    spec: EncoderSpec = EncoderSpec("recording", "1", DIMS, template="{title}. {brand}")
    poison: str = "\0"
    texts: list[str] = field(default_factory=list)

    def encode(self, texts: Sequence[str]) -> Embeddings:
        self.texts += texts
        if any(self.poison in text for text in texts):
            raise RuntimeError("the model fell over")
        rows = [self.vector(text) for text in texts]
        return np.array(rows, dtype=np.float32).reshape(len(texts), DIMS)

    def vector(self, text: str) -> np.ndarray:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        row = np.random.default_rng(seed).normal(size=DIMS)
        return (row / np.linalg.norm(row)).astype(np.float32)


@pytest.fixture
def encoder() -> RecordingEncoder:
    return RecordingEncoder()


@pytest.fixture
def index(cluster: Elasticsearch, index_name: str, encoder: RecordingEncoder) -> str:
    """An empty index whose text_vector the recording encoder fills."""
    create_index(cluster, index_name, {"text_vector": encoder.spec})
    return index_name


@pytest.fixture
def pipeline(cluster: Elasticsearch, encoder: RecordingEncoder) -> Pipeline:
    return Pipeline(cluster, encoder)


def upsert(product_id: str = "1", version: int | None = None, **fields: object) -> ProductChange:
    return ProductChange("upsert", product_id, {"title": "Mouse", **fields}, version)


def patch(product_id: str = "1", version: int | None = None, **fields: object) -> ProductChange:
    return ProductChange("patch", product_id, fields, version)


def delete(product_id: str = "1", version: int | None = None) -> ProductChange:
    return ProductChange("delete", product_id, {}, version)


def stored(cluster: Elasticsearch, index: str, product_id: str = "1") -> dict:
    """A product's document with its vectors."""
    found = BulkWriter(cluster).read(index, [product_id], whole=frozenset([product_id]))
    document = found[product_id]
    return {**document.source, **document.vectors, "_seq_no": document.seq_no}
