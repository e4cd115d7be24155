"""The body that creates an index: the mapping JSON plus one vector field per encoder."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from mappings.encoder_spec import EncoderSpec
from mappings.errors import MappingMismatch
from mappings.product import IMAGE_VECTOR, PHOTOS, VECTOR_FIELDS

CONTRACT_VERSION = 4
"""Grows when an index of the older contract must be rebuilt."""

META_KEY = "shelfwise"
# m and ef_construction are Elasticsearch's own defaults, named so that a later default
# does not change an index silently. int8 keeps the float's top 10 to 0.99 at a quarter
# of the memory. The interval is that of all components: Elasticsearch 8 would otherwise
# cut off the largest, and show cosines wrong by 0.02 (dense) to 0.17 (sparse vectors), instead
# of 0.006 to 0.01 as Elasticsearch 9 does either way.
_HNSW = {"m": 16, "ef_construction": 100}
QUANTIZATIONS: Mapping[str, Mapping[str, Any]] = {
    "int8_hnsw": {"type": "int8_hnsw", "confidence_interval": 1.0, **_HNSW},
    "bbq_hnsw": {"type": "bbq_hnsw", **_HNSW},
    "hnsw": {"type": "hnsw", **_HNSW},
}
"""How vectors are kept for the search: a byte, a bit (from 64 dims), or a float a component."""


@cache
def _base() -> dict[str, Any]:
    text = files("mappings").joinpath("product_index.json").read_text(encoding="utf-8")
    body: dict[str, Any] = json.loads(text)
    return body


def index_body(
    encoders: Mapping[str, EncoderSpec],
    *,
    shards: int = 1,
    replicas: int = 0,
    quantization: str = "int8_hnsw",
) -> dict[str, Any]:
    """Return settings and mappings for a new index.

    quantization: one of QUANTIZATIONS.

    encoders: vector field name to the encoder that fills it. The identities are
        kept in `_meta`, where `read_encoders` finds them. `image_vector` is a field of the
        product where the shop brings it, and stands for one vector a photo, in `photos`, where
        an encoder of ours fills it.
    """
    body = copy.deepcopy(_base())
    body["settings"]["index"].update(number_of_shards=shards, number_of_replicas=replicas)
    mappings = body["mappings"]
    for field, spec in encoders.items():
        if field not in VECTOR_FIELDS:
            raise ValueError(f"no vector field is named {field!r}; there are {VECTOR_FIELDS}")
        vector = vector_field(spec, quantization=quantization)
        if field == IMAGE_VECTOR and not spec.is_external:
            mappings["properties"][PHOTOS] = photos_field(vector)
        else:
            mappings["properties"][field] = vector
    mappings["_meta"] = {
        META_KEY: {
            "contract": CONTRACT_VERSION,
            "encoders": {field: spec.to_meta() for field, spec in encoders.items()},
        }
    }
    return body


def vector_field(spec: EncoderSpec, *, quantization: str = "int8_hnsw") -> dict[str, Any]:
    """Return the mapping of a field that keeps an encoder's vectors."""
    return {
        "type": "dense_vector",
        "dims": spec.dims,
        "index": True,
        "similarity": spec.similarity,
        "index_options": dict(QUANTIZATIONS[quantization]),
    }


def photos_field(vector: Mapping[str, Any], *, dynamic: str = "strict") -> dict[str, Any]:
    """Return the nested field that keeps one document for each photo of a product."""
    return {
        "type": "nested",
        "dynamic": dynamic,
        "properties": {
            "position": {"type": "short", "index": False},
            "address_hash": {"type": "keyword", "index": False, "doc_values": False},
            "content": {"type": "keyword", "index": False, "doc_values": False},
            "fetched_at": {
                "type": "date",
                "format": "strict_date_optional_time",
                "index": False,
                "doc_values": False,
            },
            "vector": vector,
        },
    }


def read_encoders(mappings: Mapping[str, Any], *, index: str) -> dict[str, EncoderSpec]:
    """Return vector field to encoder identity, as kept in an index's mapping.

    Raises MappingMismatch when the index is not one of ours or of another contract.
    """
    meta = mappings.get("_meta", {}).get(META_KEY)
    if not meta:
        raise MappingMismatch(
            f"index {index!r} was not made by Shelfwise: its mapping has no _meta.{META_KEY}"
        )
    if meta.get("contract") != CONTRACT_VERSION:
        raise MappingMismatch(
            f"index {index!r} follows contract {meta.get('contract')!r}, this version needs "
            f"{CONTRACT_VERSION}: rebuild the index"
        )
    return {
        field: EncoderSpec.from_meta(spec, field=field)
        for field, spec in meta.get("encoders", {}).items()
    }
