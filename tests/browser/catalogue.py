"""A part of the sample catalogue with its real photos, as a worker would have written it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch
from PIL import Image

from embedded.sample_catalogue import sample_photos, sample_products
from embedded.sample_photos import write_photos
from indexer.encoders.hashing import HashingEncoder
from indexer.encoders.image_hashing import HashingImageEncoder
from indexer.pipeline import Pipeline
from mappings.index_lifecycle import LiveIndex, create_index
from mappings.product_changes import ProductChange

TEMPLATE = "{title}. {brand}. {description}"
LEAVES = ("Mice", "T-Shirts", "Shirts & Tops", "Headphones")
NASTY_TITLE = (
    "<img src=x onerror=alert(1)> \"quoted\" & 'single' \u202edesrever\u202c \U0001f9e6 socks"
)

PRODUCTS: list[dict[str, Any]] = [
    # One photo each, as each takes a moment to draw.
    {**product, "images": product["images"][:1]}
    for product in sample_products()
    if product["categories"][0].rsplit(" > ", 1)[-1] in LEAVES
]
NASTY: dict[str, Any] = {
    "id": 'x"<b>&/..?#1',
    "title": NASTY_TITLE,
    "brand": "</script><script>alert(2)</script>",
    "categories": ["{{ 7 * 7 }} & <i"],
    "price": 5.0,
    "currency": "EUR",
    "attributes": {"colour": "<u>red</u>", "<b>name</b>": "javascript:alert(3)"},
    "description": "<svg onload=alert(4)> \u202e",
    "images": ["javascript:alert(5)"],
}


def draw(directory: Path) -> None:
    """Draw the first photos."""
    wanted = {address.removeprefix("file:") for one in PRODUCTS for address in one["images"]}
    write_photos([photo for photo in sample_photos() if photo.file in wanted], directory)


def fill(cluster: Elasticsearch, name: str, photos: Path) -> LiveIndex:
    """Create an index and write the products with the vectors of their photos."""
    texts, images = HashingEncoder(template=TEMPLATE), HashingImageEncoder()
    specs = {"text_vector": texts.spec, "image_vector": images.spec}
    live = create_index(cluster, name, specs, quantization="hnsw")
    changes = [
        ProductChange("upsert", one["id"], {k: v for k, v in one.items() if k != "id"})
        for one in (*PRODUCTS, NASTY)
    ]
    outcome = Pipeline(cluster, texts).process(name, changes)
    assert outcome.indexed == len(changes), outcome
    operations: list[dict[str, Any]] = []
    for one in PRODUCTS:
        with Image.open(photos / one["images"][0].removeprefix("file:")) as picture:
            vector = images.encode_images([picture.convert("RGB")])[0]
        photo = {"position": 0, "address_hash": "0" * 64, "content": "0" * 64}
        document = {"photos": [{**photo, "vector": vector.tolist()}]}
        operations += [{"update": {"_id": one["id"]}}, {"doc": document}]
    answer = cluster.bulk(index=live.index, operations=operations, refresh=True)
    assert not answer["errors"], answer
    return live
