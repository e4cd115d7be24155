"""Which photo of a product decided, as Elasticsearch's inner hits tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mappings.product import PHOTOS
from service.retrieval.vectors import VectorLeg, inner_hits_name
from service.search_results import FoundPhoto

SHOWN_DATA_CHARACTERS = 40
"""Of a `data:` address, which may hold a megabyte, so much of what is before its comma."""


def read_photos(
    hit: Mapping[str, Any], legs: Mapping[str, VectorLeg], addresses: Sequence[str]
) -> dict[str, FoundPhoto]:
    """Return leg to the nearest photo of a hit; empty for a hit that no photo found.

    addresses: the product's own photos in their order.
    """
    told = hit.get("inner_hits", {})
    found: dict[str, FoundPhoto] = {}
    for name, leg in legs.items():
        for place in range(len(leg.vectors)):
            nearest = told.get(inner_hits_name(name, place), {}).get("hits", {}).get("hits", [])
            for one in nearest:
                cosine = 2.0 * float(one["_score"]) - 1.0
                if name in found and found[name].score >= cosine:
                    continue
                position = int(one["fields"][f"{PHOTOS}.position"][0])
                known = position < len(addresses)
                address = short_address(addresses[position]) if known else None
                found[name] = FoundPhoto(name, position, cosine, address)
    return found


def short_address(address: str) -> str:
    """Return an address for an answer: as it is, but for the photo in a `data:` address."""
    if address[:5].lower() != "data:":
        return address
    return f"{address.partition(',')[0][:SHOWN_DATA_CHARACTERS]},..."
