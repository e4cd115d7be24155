"""`shelfwise train` on a real Elasticsearch, from judgements and from clicks."""

from __future__ import annotations

import csv
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import orjson
import pytest
from elasticsearch import Elasticsearch

from service.events.event_index import PATTERN
from service.events.event_store import EventStore
from service.events.stored_event import StoredEvent
from service.weights.store import WeightsStore
from tests.service.catalogue import BRANDS, COLOURS, KINDS, MANNERS, PRODUCTS
from tests.service.test_compare_commands import Invoke, invoke

pytestmark = pytest.mark.cluster
__all__ = ["invoke"]

QUERIES = [
    *(f"{manner} {kind}" for manner in MANNERS[:4] for kind in KINDS),
    *(f"{colour} {kind}" for colour in COLOURS[:2] for kind in KINDS),
    *(f"{brand} {kind}" for brand in BRANDS[:1] for kind in KINDS),
]


def grade(query: str, product: dict) -> int:
    """3 for the kind with what else is said, when it is cheap, which no leg knows; 1 if not."""
    wanted, kind = query.rsplit(" ", 1)
    if kind not in product["title"]:
        return 0
    said = [product["title"], product.get("brand", ""), *product["attributes"].get("colour", ())]
    return 3 if product.get("price", 999) < 70 and any(wanted in text for text in said) else 1


@pytest.fixture
def judgements(tmp_path: Path) -> Path:
    path = tmp_path / "grades.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("query", "product_id", "grade"))
        for query in QUERIES:
            writer.writerows((query, one["id"], grade(query, one)) for one in PRODUCTS)
    return path


@pytest.fixture
def weights(cluster: Elasticsearch, shop: str) -> Iterator[WeightsStore]:
    store = WeightsStore(cluster)
    yield store
    store.deactivate(shop)
    for one in store.list(shop):
        store.delete(shop, one["version"])


def test_learning_pays_and_is_activated(invoke: Invoke, shop, judgements, weights, tmp_path):
    page = tmp_path / "report.html"
    result = invoke(
        "train", "--index", shop, "--judgements", judgements, "--fusion", "weighted_sum",
        "--json", "--html", page,
    )  # fmt: skip
    report = orjson.loads(result.stdout)
    assert report["pays"]
    assert report["active"]
    assert report["queries"] == len(QUERIES)
    ways = report["ways"]
    assert ways["weighted_sum"]["ndcg@10"] > ways["fixed_blend"]["ndcg@10"] > 0.3
    version = report["version"]
    assert weights.state(shop).active == version
    kept = weights.get(shop, version)
    assert kept["training"]["queries"] == len(QUERIES)
    assert kept["model"]["weights"]["price_relative"] < 0
    html = page.read_text()
    assert version in html
    assert "<svg" in html
    shown = invoke("evaluate", "--index", shop, "--judgements", judgements, "--json")
    systems = orjson.loads(shown.stdout)["systems"]
    assert systems["active"]["ndcg@10"]["value"] > systems["weighted_sum"]["ndcg@10"]["value"]


def test_too_few_queries_leave_everything_as_it_is(invoke: Invoke, shop, tmp_path, weights):
    path = tmp_path / "one.csv"
    path.write_text("query,product_id,grade\nmouse,p001,3\nmouse,p002,0\n")
    result = invoke("train", "--index", shop, "--judgements", path, fails=True)
    assert "at least 10" in str(result.exception)
    assert weights.list(shop) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--judgements", "no-such-file.csv"), "there is no file 'no-such-file.csv'"),
        ((), "either --judgements or --clicks"),
        (("--clicks", "--fusion", "magic"), "'magic' cannot be learned"),
        (("--clicks", "--since", "yesterday"), "age 'yesterday'"),
    ],
)
def test_what_cannot_be_trained_is_said(invoke: Invoke, shop, arguments, message):
    result = invoke("train", "--index", shop, *arguments, fails=True)
    assert message in f"{result.output} {result.exception}"


def test_clicks_teach_without_a_single_judgement(
    invoke: Invoke, cluster: Elasticsearch, shop, search, weights
):
    events = EventStore(cluster)
    try:
        events.add(list(_shopping(shop, search)))
        cluster.indices.refresh(index=PATTERN)
        result = invoke(
            "train", "--index", shop, "--clicks", "--fusion", "weighted_sum",
            "--activate", "never",
        )  # fmt: skip
        assert "result pages" in result.output
        assert "is kept, and not active" in result.output
        (version,) = weights.list(shop)
        assert version["training"]["source"] == "clicks"
        assert version["metrics"]["gain_over_fixed_blend"]["value"] > 0
    finally:
        for name in cluster.indices.get(index=PATTERN):
            cluster.indices.delete(index=name)


def _shopping(shop: str, search) -> Iterator[StoredEvent]:
    """Pages of ten and clicks on what the shopper looks at and likes."""
    random = np.random.default_rng(7)
    by_id = {product["id"]: product for product in PRODUCTS}
    now = datetime.now(UTC)
    for query in QUERIES:
        found = [hit["id"] for hit in search(q=query, limit=20, fields=["title"])["hits"]]
        for _ in range(12):
            page = list(random.permutation(found)[:10])
            query_id, at = (
                secrets.token_hex(8),
                now - timedelta(hours=float(random.uniform(1, 48))),
            )
            common = {
                "query_id": query_id,
                "client": secrets.token_hex(32),
                "session": None,
                "index": shop,
                "key_id": "k",
            }
            shown = tuple((str(name), place) for place, name in enumerate(page, start=1))
            yield StoredEvent(
                id=secrets.token_hex(16), action="impression", at=at, user_query=query,
                shown=shown, **common,
            )  # fmt: skip
            for name, place in shown:
                likes = 0.9 if grade(query, by_id[name]) == 3 else 0.1
                if random.random() < likes / place:
                    yield StoredEvent(
                        id=secrets.token_hex(16), action="click", at=at + timedelta(seconds=place),
                        user_query=None, object_id=name, ordinal=place, **common,
                    )  # fmt: skip
