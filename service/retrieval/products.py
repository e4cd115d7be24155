"""The products of a page, as the shop sent them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from elasticsearch import Elasticsearch

from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten
from service.product_fields import RETURNED_FIELDS
from service.retrieval.elasticsearch_search import ask


def fetch_products(
    client: Elasticsearch,
    index: str,
    product_ids: Sequence[str],
    *,
    fields: Sequence[str] = RETURNED_FIELDS,
    preference: str,
) -> dict[str, dict[str, Any]]:
    """Return id to product for those of the ids that are in the index, in any order."""
    if not product_ids:
        return {}
    body = {
        "query": {"ids": {"values": list(product_ids)}},
        "size": len(product_ids),
        "_source": list(fields),
        "track_total_hits": False,
    }
    answer = ask(client, index, body, preference=preference)
    return {hit["_id"]: product_from(hit) for hit in answer["hits"]["hits"]}


def returned_fields(wanted: Sequence[str] | None) -> Sequence[str]:
    """Return the product fields to bring along, all when none are named.

    Raises InvalidQuery for a name that is no product field.
    """
    if wanted is None:
        return RETURNED_FIELDS
    for place, name in enumerate(wanted):
        if name.split(".", 1)[0] not in RETURNED_FIELDS:
            raise InvalidQuery(
                f"fields.{place}: there is no product field {shorten(name)}; there are "
                f"{', '.join(RETURNED_FIELDS)}",
                field=f"fields.{place}",
            )
    return wanted


def product_from(hit: Mapping[str, Any]) -> dict[str, Any]:
    """Return the product in a hit or a document: what is the shop's own, in a fixed order."""
    source = hit.get("_source", {})
    product = {name: source[name] for name in RETURNED_FIELDS if name in source}
    if product.get("parent_id") == hit["_id"]:
        # Every document has a parent, so that variants collapse; a product alone is its own.
        del product["parent_id"]
    return product
