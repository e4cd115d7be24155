"""The products of a page, as the shop sent them, and by which of their photos they were found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from elasticsearch import Elasticsearch

from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten
from service.product_fields import RETURNED_FIELDS
from service.retrieval.elasticsearch_search import ask
from service.retrieval.photos import read_photos, short_address
from service.retrieval.vectors import VectorLeg, candidates_for_all, leg_clause
from service.search_results import ShownProducts

_ADDRESSES = "images"


def fetch_products(
    client: Elasticsearch,
    index: str,
    product_ids: Sequence[str],
    *,
    fields: Sequence[str] = RETURNED_FIELDS,
    legs: Mapping[str, VectorLeg] | None = None,
    preference: str,
) -> ShownProducts:
    """Return those of the ids that are in the index, in any order.

    legs: vector legs of the search; of those that find photos, the nearest photo is told.
    """
    if not product_ids:
        return ShownProducts({})
    legs = legs or {}
    by_id = {"ids": {"values": list(product_ids)}}
    nearest = [
        leg_clause(
            name,
            leg,
            size=len(product_ids),
            num_candidates=candidates_for_all(leg, len(product_ids)),
            filters=[by_id],
            is_named=False,
            tells_photo=True,
        )
        for name, leg in legs.items()
        if leg.is_of_photos
    ]
    body = {
        "query": {"bool": {"filter": [by_id], "should": nearest}} if nearest else by_id,
        "size": len(product_ids),
        "_source": shown_source(fields, legs),
        "track_total_hits": False,
    }
    answer = ask(client, index, body, preference=preference)
    return read_shown(answer["hits"]["hits"], fields, legs)


def shown_source(fields: Sequence[str], legs: Mapping[str, VectorLeg]) -> list[str]:
    """Return what is read of `_source`: a photo's address stands among the product's."""
    of_photos = any(leg.is_of_photos for leg in legs.values())
    return list(fields) if _ADDRESSES in fields or not of_photos else [*fields, _ADDRESSES]


def read_shown(
    hits: Sequence[Mapping[str, Any]], fields: Sequence[str], legs: Mapping[str, VectorLeg]
) -> ShownProducts:
    """Return the products of hits, with the fields that were asked for, and their photos."""
    products: dict[str, Mapping[str, Any]] = {}
    photos = {}
    for hit in hits:
        product = product_from(hit)
        addresses = product.get(_ADDRESSES, ())
        if found := read_photos(hit, legs, addresses):
            photos[hit["_id"]] = found
        if _ADDRESSES in product:
            product[_ADDRESSES] = [short_address(address) for address in addresses]
            if _ADDRESSES not in fields:
                del product[_ADDRESSES]
        products[hit["_id"]] = product
    return ShownProducts(products, photos)


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
