"""An index as a shop makes it itself: its own names of fields, its own analysis."""

from __future__ import annotations

import random
from datetime import UTC, timedelta
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk

from indexer.encoders.hashing import HashingEncoder
from mappings.attachments import ATTACHED_TEXT_VECTOR, OWN_FIELD, Attachment, Attachments
from tests.service.catalogue import START

TEMPLATE = "{title}. {brand}. {description}"
COUNT = 240

KINDS = {
    "mouse": "Input > Mice",
    "keyboard": "Input > Keyboards",
    "headset": "Audio > Headsets",
    "monitor": "Screens",
    "cable": "Cables",
}
BRANDS = ("Logitech", "Kensington", "HP", "Acme")
MANNERS = ("wireless", "gaming", "compact", "silent", "ergonomic", "wired")
COLOURS = ("red", "blue", "black", "white")

MAPPINGS: dict[str, Any] = {
    "properties": {
        "name": {
            "type": "text",
            "analyzer": "shop",
            "fields": {"keyword": {"type": "keyword"}, "plain": {"type": "text"}},
        },
        "desc": {"type": "text"},
        "manufacturer": {"type": "keyword", "fields": {"text": {"type": "text"}}},
        "category": {"type": "keyword"},
        "price": {"type": "double"},
        "rating": {"type": "float"},
        "in_stock": {"type": "boolean"},
        "created": {"type": "date"},
        "group": {"type": "keyword"},
        "sku": {"type": "keyword"},
        "warehouse": {"type": "geo_point"},
        "facets": {
            "type": "nested",
            "properties": {"code": {"type": "keyword"}, "value": {"type": "keyword"}},
        },
        "complete": {"type": "completion"},
        "title": {"type": "alias", "path": "name"},
    }
}
SETTINGS = {
    "number_of_shards": 1,
    "number_of_replicas": 0,
    "analysis": {
        "analyzer": {"shop": {"tokenizer": "standard", "filter": ["lowercase", "asciifolding"]}}
    },
}


def products() -> dict[str, dict[str, Any]]:
    """Id to document, as the shop has it."""
    chance = random.Random(7)
    return {f"sku-{number:03}": _product(number, chance) for number in range(COUNT)}


def _product(number: int, chance: random.Random) -> dict[str, Any]:
    kind, manner = chance.choice(list(KINDS)), chance.choice(MANNERS)
    brand, colour = chance.choice(BRANDS), chance.choice(COLOURS)
    return {
        "name": f"{brand} {manner} {kind}",
        "desc": f"A {colour} {kind} for the {chance.choice(('office', 'home', 'road'))}",
        "manufacturer": brand,
        "category": KINDS[kind],
        # Whole cents that a binary fraction holds, so that sums do not depend on their order.
        "price": chance.randrange(4, 800) / 4,
        "rating": chance.randrange(1, 11) / 2,
        "in_stock": chance.random() < 0.7,
        "created": (START + timedelta(days=3 * number)).astimezone(UTC).isoformat(),
        "group": f"g{number // 3:03}",
        "sku": f"{kind[:2].upper()}-{number:04}",
        "warehouse": {"lat": 48 + number % 7, "lon": 2 + number % 11},
        "facets": [
            {"code": "colour", "value": colour},
            {"code": "connection", "value": "cable" if manner == "wired" else "radio"},
        ],
        "complete": {"input": [f"{manner} {kind}", f"{brand} {kind}"], "weight": number % 9 + 1},
    }


def text_of(product: dict[str, Any]) -> str:
    """What the encoder reads of a product."""
    return f"{product['name']}. {product['manufacturer']}. {product['desc']}"


def make_shop(cluster: Elasticsearch, name: str, *, is_flat: bool = False) -> None:
    """Make and fill the index, as the shop's own code does. is_flat: without nested documents."""
    more = {"facets": {"type": "object"}} if is_flat else {}
    mappings = {"properties": {**MAPPINGS["properties"], **more}}
    cluster.indices.create(index=name, mappings=mappings, settings=SETTINGS)
    actions = [{"_id": key, **document} for key, document in products().items()]
    bulk(cluster, actions, index=name, refresh=True)


def attach_in_place(cluster: Elasticsearch, name: str) -> Attachment:
    """Add our vectors to the shop's own documents, by hand."""
    encoder = HashingEncoder(template=TEMPLATE)
    spec = encoder.spec
    vector = {
        "type": "dense_vector",
        "dims": spec.dims,
        "index": True,
        "similarity": "cosine",
        "index_options": {"type": "int8_hnsw"},
    }
    cluster.indices.put_mapping(
        index=name, properties={OWN_FIELD: {"properties": {"text_vector": vector}}}
    )
    shop = products()
    rows = encoder.encode([text_of(product) for product in shop.values()])
    assert ATTACHED_TEXT_VECTOR == f"{OWN_FIELD}.text_vector"
    bulk(
        cluster,
        [
            {
                "_op_type": "update",
                "_id": key,
                "doc": {OWN_FIELD: {"text_vector": row.tolist()}},
            }
            for key, row in zip(shop, rows, strict=True)
        ],
        index=name,
        refresh=True,
    )
    # One segment, so that scores of the same body are the same from one search to the next.
    cluster.indices.forcemerge(index=name, max_num_segments=1)
    attachment = Attachment(
        index=name,
        mode="in_place",
        target=name,
        fields={"title": ("name",), "brand": ("manufacturer",), "description": ("desc",)},
        encoders={"text_vector": spec},
        state="following",
    )
    Attachments(cluster).put(attachment)
    return attachment
