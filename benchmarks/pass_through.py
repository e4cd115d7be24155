"""What the service adds to a search that it hands on as it came, over Elasticsearch itself.

The same bodies go to both in turn, over one kept-alive connection each, so that whatever else
the machine does befalls both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from elasticsearch.helpers import bulk
from rich.progress import track

from benchmarks.catalogue import Catalogue
from benchmarks.http_client import JsonClient
from benchmarks.measures import Spread, spread
from benchmarks.plan import Plan
from benchmarks.report import Part, Sheet, at_most
from benchmarks.stack import BenchStack

MOST_MS = 3.0
INDEX = "bench-shop"
_PRODUCTS = 2_000
_COLUMNS = ("title", "brand", "price", "categories")
_MAPPINGS: dict[str, Any] = {
    "dynamic": False,
    "properties": {
        "title": {"type": "text"},
        "brand": {"type": "keyword"},
        "price": {"type": "double"},
        "categories": {"type": "keyword"},
    },
}

BODIES: Mapping[str, dict[str, Any]] = {
    "a list by price": {
        "query": {"bool": {"filter": [{"range": {"price": {"gte": 1}}}]}},
        "sort": [{"price": "asc"}],
        "size": 24,
    },
    "facets alone": {
        "size": 0,
        "aggs": {
            "brands": {"terms": {"field": "brand", "size": 20}},
            "prices": {"range": {"field": "price", "ranges": [{"to": 50}, {"from": 50}]}},
        },
    },
    "words, sorted by price": {
        "query": {"bool": {"must": {"match": {"title": "black"}}, "filter": []}},
        "sort": [{"price": "desc"}],
        "aggs": {"brands": {"terms": {"field": "brand", "size": 20}}},
        "size": 24,
    },
    "words of an index that is not attached": {
        "query": {"multi_match": {"query": "notebook", "fields": ["title^2"]}},
        "size": 24,
    },
}


@dataclass(frozen=True)
class Passed:
    """One kind of body. direct, through: milliseconds of the client."""

    kind: str
    direct: Sequence[float]
    through: Sequence[float]

    @property
    def added(self) -> float:
        """Return the milliseconds that the service adds at the median."""
        return spread(self.through).p50 - spread(self.direct).p50


def measure_pass_through(plan: Plan, stack: BenchStack, catalogue: Catalogue) -> Part:
    """Return what a passed search takes more than the same one asked directly."""
    _fill(stack, catalogue)
    with (
        stack.service() as (port, _),
        JsonClient(stack.elasticsearch_url) as direct,
        JsonClient(f"http://127.0.0.1:{port}") as through,
    ):
        for kind in BODIES:  # the virtual machine compiles what all of them run
            _series(kind, direct, through, plan.effort.warm_up)
        series = [
            _series(kind, direct, through, plan.effort.searches)
            for kind in track(BODIES, "passing", console=plan.console, transient=True)
        ]
    with stack.client() as client:
        client.indices.delete(index=INDEX)
    return _part(series)


def _fill(stack: BenchStack, catalogue: Catalogue) -> None:
    with stack.client() as client:
        client.options(ignore_status=404).indices.delete(index=INDEX)
        client.indices.create(index=INDEX, mappings=_MAPPINGS, settings={"number_of_replicas": 0})
        documents = (
            {name: change.fields.get(name) for name in _COLUMNS}
            for change in catalogue.changes(_PRODUCTS)
        )
        bulk(client, documents, index=INDEX, refresh=True)


def _series(kind: str, direct: JsonClient, through: JsonClient, count: int) -> Passed:
    body = orjson.dumps(BODIES[kind])
    path = f"/{INDEX}/_search"
    asked: tuple[list[float], list[float]] = ([], [])
    for _ in range(count):
        for client, times in zip((direct, through), asked, strict=True):
            times.append(client.post(path, body).milliseconds)
    return Passed(kind, *asked)


def _part(series: Sequence[Passed]) -> Part:
    rows = [
        [one.kind, _shown(spread(one.direct)), _shown(spread(one.through)), f"{one.added:.2f}"]
        for one in series
    ]
    worst = max(one.added for one in series)
    verdict = at_most("a passed search over Elasticsearch itself, p50", worst, MOST_MS, " ms")
    columns = ("body", "Elasticsearch, ms", "through Shelfwise, ms", "added, p50")
    data: dict[str, Any] = {
        one.kind: {
            "direct": spread(one.direct).to_json(),
            "through": spread(one.through).to_json(),
            "added_p50": one.added,
        }
        for one in series
    }
    note = f"{len(series[0].direct)} of each in turn; percentiles 50 and 95"
    return Part(
        "pass-through",
        (Sheet("Searches that are handed on as they came", columns, rows, note),),
        (verdict,),
        data,
    )


def _shown(sample: Spread) -> str:
    return f"{sample.p50:.2f} / {sample.p95:.2f}"
