"""The peers' own data and queries, by their generator and exactly as their scripts draw them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mappings.product_changes import ProductChange

DIMS = 384
STEM = "synth20k"
"""The peers' scripts look for files of this name, whatever the number of products."""

_QUERIES = 2_000
_QUERY_SEED = 11
_NOISE = 0.03
_COMMON_BRANDS = 8
_DECIMALS = 6
_QUERY_WORDS = 3


@dataclass(frozen=True)
class SynthQuery:
    """One query: words for the title, both vectors, and what every hit must fulfil."""

    words: str
    text_vector: list[float]
    image_vector: list[float]
    low: float
    high: float
    brands: list[str]

    def keeps(self, product: dict[str, Any]) -> bool:
        """Whether a product passes the filter; prices are compared as 32-bit floats."""
        price = np.float32(product["price"])
        fits = np.float32(self.low) <= price <= np.float32(self.high)
        return bool(fits) and product["brand"] in self.brands


@dataclass(frozen=True)
class SynthData:
    """Products with title, brand and price, and float32 [n, 384] vectors of text and image."""

    folder: Path
    products: Sequence[dict[str, Any]]
    text: NDArray[np.float32]
    image: NDArray[np.float32]
    queries: Sequence[SynthQuery]

    def changes(self) -> Iterator[ProductChange]:
        """Yield the products as upserts that bring their own vectors."""
        for number, product in enumerate(self.products):
            vectors = {
                "text_vector": self.text[number].tolist(),
                "image_vector": self.image[number].tolist(),
            }
            fields = {"id": str(number), **product, "vectors": vectors}
            yield ProductChange("upsert", str(number), fields)


def make_synth(peers: Path, folder: Path, size: int) -> SynthData:
    """Run the peers' generator unless its files are there, and draw the queries."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays, lines = folder / f"{STEM}.npz", folder / f"{STEM}.jsonl"
    if not lines.is_file() or len(_read(lines)) != size:
        generator = peers / "opensearch" / "gen_synth.py"
        command = [sys.executable, str(generator), str(size), STEM]
        subprocess.run(command, cwd=folder, check=True)  # noqa: S603
    products = _read(lines)
    with np.load(arrays) as found:
        text, image = found["text_vec"], found["image_vec"]
    return SynthData(folder, products, text, image, _queries(products, text, image))


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _queries(
    products: Sequence[dict[str, Any]], text: NDArray[np.float32], image: NDArray[np.float32]
) -> list[SynthQuery]:
    draw = np.random.default_rng(_QUERY_SEED)
    rows = draw.integers(0, len(products), _QUERIES)

    def near(vectors: NDArray[np.float32]) -> list[list[float]]:
        noise = _NOISE * draw.normal(size=vectors[rows].shape).astype(np.float32)
        found = vectors[rows] + noise
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        return [[round(float(part), _DECIMALS) for part in vector] for vector in found]

    texts, images = near(text), near(image)  # in this order: both draw from one generator
    counts = Counter(product["brand"] for product in products)
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    common = [brand for brand, _ in ordered[:_COMMON_BRANDS]]
    found = []
    for place, row in enumerate(rows):
        product = products[row]
        found.append(
            SynthQuery(
                words=" ".join(product["title"].split()[:_QUERY_WORDS]),
                text_vector=texts[place],
                image_vector=images[place],
                low=product["price"] * 0.5,
                high=product["price"] * 2,
                brands=sorted({product["brand"], *common}),
            )
        )
    return found
