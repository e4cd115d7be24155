"""The vectors that a product has in the index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from mappings.errors import UnknownProduct
from mappings.product import IMAGE_VECTOR, PHOTO_VECTOR, PHOTOS, VECTOR_FIELDS
from mappings.validation_faults import shorten
from service.retrieval.elasticsearch_search import ask

_PREFERENCE = "stored-vectors"
"""The same copy of a shard each time, so that pages agree."""


def stored_vectors(
    client: Elasticsearch, index: str, product_id: str
) -> dict[str, NDArray[np.float32]]:
    """Return vector field to unit vectors, float32 [n, dims], of a product that can be found.

    Of `image_vector` there is one for each photo. A field without a vector is left out.
    Raises UnknownProduct, and a TemporaryError when the cluster cannot answer.
    """
    body = {
        "query": {
            "bool": {
                "filter": [{"ids": {"values": [product_id]}}],
                "must_not": [{"exists": {"field": "deleted_at"}}],
            }
        },
        "size": 1,
        "_source": False,
        # Elasticsearch 9 leaves vectors out of `_source`; both versions give them as fields.
        "fields": [*VECTOR_FIELDS, PHOTO_VECTOR],
        "track_total_hits": False,
    }
    hits = ask(client, index, body, preference=_PREFERENCE)["hits"]["hits"]
    if not hits:
        raise UnknownProduct(f"no product {shorten(product_id)} in this index", field="product_id")
    return _vectors(hits[0].get("fields", {}))


def _vectors(fields: Mapping[str, Any]) -> dict[str, NDArray[np.float32]]:
    found = {name: [fields[name]] for name in VECTOR_FIELDS if name in fields}
    name = PHOTO_VECTOR.removeprefix(f"{PHOTOS}.")
    if photos := [photo[name] for photo in fields.get(PHOTOS, ()) if name in photo]:
        found[IMAGE_VECTOR] = photos
    return {field: _unit_rows(vectors) for field, vectors in found.items()}


def _unit_rows(vectors: list[list[float]]) -> NDArray[np.float32]:
    rows = np.asarray(vectors, dtype=np.float64)  # [n, dims]
    units: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(
        np.float32
    )
    return units
