"""A small shop with photos, and what a search by photo should say of it, worked out in Python."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from numpy.typing import NDArray
from PIL import Image

from indexer.encoders.hashing import HashingEncoder
from indexer.encoders.image_hashing import COLOURS, HashingImageEncoder
from mappings.index_lifecycle import LiveIndex, create_index

TEMPLATE = "{title}"
COUNT = 40
MOST_PHOTOS = 10
SIDE = 48
BRANDS = ("Acme", "Bolt", "Cord")
WORDS = ("lamp", "vase", "chair", "rug")
NAMES = [name for name in COLOURS if name != "white"]

Colours = tuple[str, str]


def _photos(number: int) -> list[Colours]:
    """The two colours of each photo; number 0 has ten, every seventh product has none."""
    if number % 7 == 6:
        return []
    chance = random.Random(number)
    count = MOST_PHOTOS if number == 0 else 1 + number % 4
    return [(chance.choice(NAMES), chance.choice(NAMES)) for _ in range(count)]


PRODUCTS: list[dict[str, Any]] = [
    {
        "id": f"p{number:02}",
        "title": f"{WORDS[number % len(WORDS)]} number {number}",
        "brand": BRANDS[number % len(BRANDS)],
        "price": float(5 + number),
        "photos": _photos(number),
    }
    for number in range(COUNT)
]
BY_ID = {product["id"]: product for product in PRODUCTS}
WITH_PHOTOS = [product for product in PRODUCTS if product["photos"]]


@cache
def picture(colours: Colours, *, width: int = SIDE) -> Image.Image:
    """The left half of one colour, the right half of the other."""
    image = Image.new("RGB", (width, SIDE), COLOURS[colours[0]])
    image.paste(COLOURS[colours[1]], (width // 2, 0, width, SIDE))
    return image


def png(image: Image.Image, format_name: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.save(file, format_name)
    return file.getvalue()


def photo_vector(image: Image.Image) -> NDArray[np.float32]:
    vector: NDArray[np.float32] = HashingImageEncoder().encode_images([image])[0]
    return vector


def text_vector(text: str) -> NDArray[np.float32]:
    vector: NDArray[np.float32] = HashingEncoder(template=TEMPLATE).encode([text])[0]
    return vector


@cache
def vectors_of(product_id: str) -> NDArray[np.float32]:
    """The vectors of a product's photos, [photos, dims]."""
    images = [picture(colours) for colours in BY_ID[product_id]["photos"]]
    return HashingImageEncoder().encode_images(images)


def cosines(query: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Product id to the cosine of each of its photos, of those that have any."""
    return {one["id"]: vectors_of(one["id"]) @ query for one in WITH_PHOTOS}


def address_of(product_id: str, position: int) -> str:
    """One photo in three stands in a `data:` address."""
    if position % 3 == 2:
        return "data:image/png;base64," + "A" * 5_000
    return f"https://photos.example/{product_id}/{position}.jpg?size=large"


def shown_address(product_id: str, position: int) -> str:
    address = address_of(product_id, position)
    return "data:image/png;base64,..." if address.startswith("data:") else address


def document(product: dict[str, Any]) -> dict[str, Any]:
    """The document that a worker would have written."""
    product_id = product["id"]
    fields: dict[str, Any] = {
        "product_id": product_id,
        "parent_id": product_id,
        **{name: product[name] for name in ("title", "brand", "price")},
        "images": [address_of(product_id, place) for place in range(len(product["photos"]))],
        "text_vector": text_vector(product["title"]).tolist(),
    }
    if product["photos"]:
        fields["photos"] = [
            {
                "position": place,
                "address_hash": f"{place:064}",
                "content": f"{place:064}",
                "vector": vector.tolist(),
            }
            for place, vector in enumerate(vectors_of(product_id))
        ]
    return fields


def fill(cluster: Elasticsearch, name: str, products: Sequence[dict[str, Any]]) -> LiveIndex:
    """Create an index with photos and write the products and some tombstones."""
    live = create_index(
        cluster,
        name,
        {
            "text_vector": HashingEncoder(template=TEMPLATE).spec,
            "image_vector": HashingImageEncoder().spec,
        },
        # Floats: 8 bits are wrong by 0.1 for hashed vectors, of few large components.
        quantization="hnsw",
    )
    operations: list[dict[str, Any]] = []
    for product in products:
        operations += [{"index": {"_id": product["id"]}}, document(product)]
    for number in range(3):
        ghost = f"ghost-{number}"
        operations += [
            {"index": {"_id": ghost}},
            {"product_id": ghost, "deleted_at": "2026-01-01T00:00:00Z"},
        ]
    answer = cluster.bulk(index=live.index, operations=operations, refresh=True)
    assert not answer["errors"], answer
    return live
