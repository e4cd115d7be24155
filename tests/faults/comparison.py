"""What an index holds, and where it is not what it should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from indexer.documents import product_text
from indexer.encoders.hashing import HashingEncoder
from service.retrieval.products import product_from

Product = dict[str, Any]
_PAGE = 500


def live_products(cluster: Elasticsearch, index: str) -> dict[str, tuple[Product, list[float]]]:
    """Return id to product, as the shop sees it, and text vector; without what was deleted."""
    cluster.indices.refresh(index=index)
    found: dict[str, tuple[Product, list[float]]] = {}
    after: list[Any] | None = None
    while True:
        answer = cluster.search(
            index=index,
            query={"bool": {"must_not": [{"exists": {"field": "deleted_at"}}]}},
            sort=[{"product_id": "asc"}],
            size=_PAGE,
            source={"exclude_vectors": False},
            search_after=after,
        )
        hits = answer["hits"]["hits"]
        if not hits:
            return found
        for hit in hits:
            assert hit["_source"]["product_id"] == hit["_id"]
            assert hit["_id"] not in found
            product = {**product_from(hit), "id": hit["_id"]}
            found[hit["_id"]] = (product, hit["_source"]["text_vector"])
        after = hits[-1]["sort"]


def differences(
    cluster: Elasticsearch, index: str, expected: Mapping[str, Product | None], template: str
) -> dict[str, str]:
    """Return product id to what is wrong with it in the index."""
    encoder = HashingEncoder(template=template)
    present = live_products(cluster, index)
    wrong: dict[str, str] = {
        name: f"is there, and should not be: {product}"
        for name, (product, _) in present.items()
        if expected.get(name) is None
    }
    for name, product in expected.items():
        if product is None:
            continue
        if name not in present:
            wrong[name] = f"is lost, should be {product}"
            continue
        found, vector = present[name]
        if found != product:
            wrong[name] = f"is        {_sorted(found)}\n  should be {_sorted(product)}"
            continue
        text = product_text(product, template)
        if not np.allclose(encoder.encode([text])[0], vector, atol=1e-6):
            wrong[name] = f"has not the vector of its text {text!r}"
    return wrong


def described(
    cluster: Elasticsearch,
    index: str,
    wrong: Mapping[str, str],
    lines: Mapping[str, Sequence[str]],
    *,
    most: int = 5,
) -> str:
    """Return in words what is wrong, with all that was sent and what is stored."""
    parts = []
    for name, reason in sorted(wrong.items())[:most]:
        stored = cluster.options(ignore_status=404).get(index=index, id=name)
        parts += [f"{name} {reason}", f"  stored: {stored.body}", *lines[name]]
    return "\n".join([f"{len(wrong)} products are wrong", *parts])


def _sorted(product: Product) -> Product:
    return dict(sorted(product.items()))
