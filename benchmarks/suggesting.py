"""How long suggestions take: `python -m benchmarks.suggesting [PRODUCTS]`.

A catalogue of that many products (20,000) in an index without vectors, which suggestions do not
look at, and visitors who type titles, brands and categories letter by letter. Times are of the
service's own work on texts that nobody has typed before, with Elasticsearch on the same machine.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch, helpers

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.sample_catalogue import sample_products
from mappings.cluster import connect
from mappings.index_lifecycle import create_index, find_index
from mappings.settings import SharedSettings
from service.live_indexes import LiveIndexes
from service.suggestions.suggester import Suggester

_NAME = "suggesting"
_WARM_UP, _TYPED = 2_000, 400
"""Texts that are typed, letter by letter; each gives up to 12 questions."""


def _documents(count: int) -> list[dict[str, Any]]:
    """Return the sample's products, varied by a number in the title and a brand of many."""
    draw, sample = random.Random(7), sample_products()
    found = []
    for number in range(count):
        product = sample[number % len(sample)]
        path = product["categories"][0]
        levels = path.split(" > ")
        brand = f"{product['brand']} {number % 40}" if number % 3 else product["brand"]
        found.append(
            {
                "product_id": f"p{number}",
                "parent_id": f"p{number}",
                "title": f"{product['title']} {draw.randrange(10_000)}",
                "brand": brand,
                "category_paths": [" > ".join(levels[: end + 1]) for end in range(len(levels))],
                "price": product["price"],
                "popularity": draw.random(),
            }
        )
    return found


def _typed(documents: list[dict[str, Any]], count: int, seed: int) -> list[str]:
    draw, found = random.Random(seed), []
    for _ in range(count):
        one = draw.choice(documents)
        text = draw.choice([one["title"], one["brand"], one["category_paths"][-1]])
        text = text[draw.choice([0, 0, len(text.split(" ")[0]) + 1]) :]
        found += [text[:end] for end in range(1, min(len(text), draw.randint(3, 12)) + 1)]
    return found


def _measure(client: Elasticsearch, count: int) -> dict[str, float]:
    live = create_index(client, _NAME, {})
    documents = _documents(count)
    actions = (
        {"_index": live.index, "_id": one["product_id"], "_source": one} for one in documents
    )
    helpers.bulk(client, actions)
    client.indices.refresh(index=live.index)
    indexes = LiveIndexes(client, lambda one: one, ttl_seconds=2.0, find=find_index)
    suggester = Suggester(client, indexes)
    asked = set(_typed(documents, _WARM_UP, seed=1))
    for text in sorted(asked):
        suggester.suggest(_NAME, text)
    milliseconds, pings = [], []
    for text in _typed(documents, _TYPED, seed=2):
        if text in asked:
            continue  # the process remembers it
        asked.add(text)
        started = time.perf_counter()
        suggester.suggest(_NAME, text).to_json()
        milliseconds.append((time.perf_counter() - started) * 1e3)
        started = time.perf_counter()
        client.ping()
        pings.append((time.perf_counter() - started) * 1e3)
    return {
        "questions": len(milliseconds),
        **{f"p{p}_ms": float(np.percentile(milliseconds, p)) for p in (50, 95, 99)},
        # What a request for nothing takes just now: how busy the machine is.
        "ping_p95_ms": float(np.percentile(pings, 95)),
    }


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as folder:
        with EmbeddedElasticsearch(Path(folder), version="9.5.3", heap="1g") as server:
            client = connect(SharedSettings(elasticsearch_url=server.url))
            found = _measure(client, count)
            client.close()
    print(f"{count:,} products:", {name: round(value, 2) for name, value in found.items()})


if __name__ == "__main__":
    main()
