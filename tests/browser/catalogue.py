"""A part of the sample catalogue with its real photos, as a worker would have written it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch
from PIL import Image

from embedded.sample_catalogue import sample_photos, sample_products
from embedded.sample_photos import write_photos
from indexer.encoders.base import ImageEncoder
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


def fill(
    cluster: Elasticsearch,
    name: str,
    photos: Path,
    products: Sequence[dict[str, Any]] = (*PRODUCTS, NASTY),
    images: ImageEncoder | None = None,
) -> LiveIndex:
    """Create an index and write the products with the vectors of their first photos."""
    texts, images = HashingEncoder(template=TEMPLATE), images or HashingImageEncoder()
    specs = {"text_vector": texts.spec, "image_vector": images.spec}
    live = create_index(cluster, name, specs, quantization="hnsw")
    changes = [
        ProductChange("upsert", one["id"], {k: v for k, v in one.items() if k != "id"})
        for one in products
    ]
    outcome = Pipeline(cluster, texts).process(name, changes)
    assert outcome.indexed == len(changes), outcome
    shown = [one for one in products if one["images"][0].startswith("file:")]
    pictures = [_picture(photos / one["images"][0].removeprefix("file:")) for one in shown]
    operations: list[dict[str, Any]] = []
    for one, vector in zip(shown, images.encode_images(pictures), strict=True):
        photo = {"position": 0, "address_hash": "0" * 64, "content": "0" * 64}
        document = {"photos": [{**photo, "vector": vector.tolist()}]}
        operations += [{"update": {"_id": one["id"]}}, {"doc": document}]
    answer = cluster.bulk(index=live.index, operations=operations, refresh=True)
    assert not answer["errors"], answer
    return live


def _picture(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert("RGB")
