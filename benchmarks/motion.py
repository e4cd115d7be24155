"""A catalogue in motion: a second load, price changes, and searches and changes beside a load."""

from __future__ import annotations

import re
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import orjson
from elasticsearch import Elasticsearch
from elasticsearch.helpers import parallel_bulk

from benchmarks.catalogue import Catalogue
from benchmarks.filling import wait_for_merges
from benchmarks.http_client import JsonClient
from benchmarks.loading import load_into
from benchmarks.measures import Spread, spread
from benchmarks.plan import Plan
from benchmarks.queries import query_texts, requests
from benchmarks.report import Part, Sheet, Verdict, at_least, at_most
from benchmarks.stack import BenchStack
from indexer.celery_app import create_app, publisher
from mappings import task_records
from mappings.index_lifecycle import drop_index, find_index
from mappings.outbox import Outbox, Outgoing
from mappings.product_changes import ProductChange
from mappings.task_records import TaskRecords

LEAST_SECOND_LOAD = 20.0
LEAST_PRICE_SHARE = 0.6
MOST_SLOWDOWN = 2.0
MOST_SECONDS_UNTIL_SEEN = 3.0

INDEX = "motion"
_BULK = 500
_ROUNDS = 3
_CHANGE_SECONDS = 0.5
_SEEN_POLL_SECONDS = 0.05
_ENCODED = re.compile(r"texts_encoded.*?texts=(\d+)")


@dataclass(frozen=True)
class _Reload:
    """Loading the same file twice. encoded: texts that the second load encoded."""

    products: int
    first: float
    second: float
    encoded: int


@dataclass(frozen=True)
class _Prices:
    """Rates of price changes a second: ours, and the bare client's, by round. encoded: texts."""

    ours: Sequence[float]
    bare: Sequence[float]
    encoded: int

    @property
    def share(self) -> float:
        """Return our rate as a share of the bare one."""
        return statistics.median(self.ours) / statistics.median(self.bare)


@dataclass(frozen=True)
class _Beside:
    """Searches in ms, alone and beside a load; seconds until changes were searchable."""

    alone: Spread
    beside: Spread
    seen: Spread
    load_rate: float


def measure_motion(plan: Plan, stack: BenchStack, catalogue: Catalogue) -> Part:
    """Run the real programs, with a worker of the fast lane alone beside the other one."""
    size = max(plan.load_sizes)
    with stack.worker("fast"), stack.worker("changes,bulk"), stack.client() as client:
        plan.say("warming up: a first small load")
        load_into(plan, stack, catalogue, "warm-up", 512, skip=2 * size)
        drop_index(client, "warm-up")
        reload = _measure_reload(plan, stack, catalogue, size)
        prices = _measure_prices(plan, stack, client, catalogue, size)
        # The idle system is one that has come to rest.
        client.indices.refresh(index=INDEX)
        wait_for_merges(client, find_index(client, INDEX).index)
        with stack.service() as (port, _):
            beside = _measure_beside(plan, stack, catalogue, size, port)
        drop_index(client, INDEX)
    return _part(reload, prices, beside, catalogue)


def _measure_reload(plan: Plan, stack: BenchStack, catalogue: Catalogue, size: int) -> _Reload:
    first = load_into(plan, stack, catalogue, INDEX, size)
    before = _texts_encoded(stack)
    second = load_into(plan, stack, catalogue, INDEX, size)
    encoded = _texts_encoded(stack) - before
    return _Reload(size, first.seconds, second.seconds, encoded)


def _measure_prices(
    plan: Plan, stack: BenchStack, client: Elasticsearch, catalogue: Catalogue, size: int
) -> _Prices:
    plan.say("price changes, ours and the bare client's in turn")
    names = [change.product_id for change in catalogue.changes(size)]
    index = find_index(client, INDEX).index
    before = _texts_encoded(stack)
    ours, bare = [], []
    for round_number in range(_ROUNDS):
        price = 1000.0 + round_number
        bare.append(len(names) / _bare_prices(client, index, names, price))
        ours.append(len(names) / _our_prices(stack, names, price + 0.5))
    return _Prices(ours, bare, _texts_encoded(stack) - before)


def _bare_prices(client: Elasticsearch, index: str, names: Sequence[str], price: float) -> float:
    actions = (
        {"_op_type": "update", "_index": index, "_id": name, "doc": {"price": price}}
        for name in names
    )
    start = time.perf_counter()
    for _ in parallel_bulk(client, actions, thread_count=2, chunk_size=_BULK):
        pass
    return time.perf_counter() - start


def _our_prices(stack: BenchStack, names: Sequence[str], price: float) -> float:
    """Submit patches as the API does, and return the seconds until the last is written."""
    settings = stack.indexer_settings()
    size = settings.indexer_products_per_task
    ttl = settings.task_ttl_seconds
    with (
        task_records.connect(settings.redis_url.get_secret_value()) as queue,
        create_app(settings) as app,
    ):
        outbox = Outbox(queue, publisher(app), ttl_seconds=ttl)
        records = TaskRecords(queue, ttl_seconds=ttl)
        changes = [ProductChange("patch", name, {"price": price}) for name in names]
        batches = [
            Outgoing(number, "fast", part, range(number * size, number * size + len(part)))
            for number, part in enumerate(_parts(changes, size))
        ]
        start_time = time.perf_counter()
        task = outbox.submit(INDEX, batches)
        while (found := records.read(task)).state != "done":
            time.sleep(0.01)
        seconds = time.perf_counter() - start_time
    if found.indexed != len(names):
        raise RuntimeError(f"of {len(names)} price changes {found.indexed} were written: {found}")
    return seconds


def _measure_beside(
    plan: Plan, stack: BenchStack, catalogue: Catalogue, size: int, port: int
) -> _Beside:
    texts = query_texts(catalogue, plan.data)
    bodies = cycle(list(requests(texts, catalogue)))
    url, path = f"http://127.0.0.1:{port}", f"/v1/indexes/{INDEX}/search"
    plan.say("searches on an idle system")
    with JsonClient(url) as client:
        for _ in range(plan.effort.warm_up):
            client.post(path, next(bodies))
        alone = [client.post(path, next(bodies)).milliseconds for _ in range(plan.effort.searches)]
    plan.say("searches and changes beside a load")
    beside: list[float] = []
    with _loading(plan, stack, catalogue, size) as load:
        changes = threading.Thread(target=_change, args=(url, load))
        changes.start()
        with JsonClient(url) as client:
            while load.is_alive():
                beside.append(client.post(path, next(bodies)).milliseconds)
                time.sleep(0.02)
        changes.join()
    return _Beside(spread(alone), spread(beside), spread(load.seen), load.rate)


class _Load:
    """A load in a thread of its own. seen: seconds until each change was searchable."""

    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self.seen: list[float] = []
        self.rate = 0.0
        self.errors: list[Exception] = []

    def is_alive(self) -> bool:
        return self.thread is not None and self.thread.is_alive()


@contextmanager
def _loading(plan: Plan, stack: BenchStack, catalogue: Catalogue, size: int) -> Iterator[_Load]:
    """Load other products into the same index meanwhile."""
    load = _Load()

    def run() -> None:
        try:
            summary = load_into(plan, stack, catalogue, INDEX, size, skip=size)
            load.rate = summary.indexed / summary.seconds
        except Exception as error:
            load.errors.append(error)

    load.thread = threading.Thread(target=run)
    load.thread.start()
    time.sleep(2.0)
    try:
        yield load
    finally:
        load.thread.join()
    if load.errors:
        raise load.errors[0]


def _change(url: str, load: _Load) -> None:
    """Change texts and prices in turn, and wait until each is searchable."""
    products, search = f"/v1/indexes/{INDEX}/products", f"/v1/indexes/{INDEX}/search"
    number = 0
    try:
        with JsonClient(url) as client:
            while load.is_alive():
                is_new = number % 2 == 0
                fields: dict[str, Any] = {"price": 10_000.0 + number}
                if is_new:
                    fields["title"] = f"fresh product {number}"
                method, name = "PUT" if is_new else "PATCH", f"fresh-{number // 2}"
                number += 1
                start = time.perf_counter()
                client.send(method, f"{products}/{name}", orjson.dumps(fields))
                wanted = {"filter": {"id": [name], "price": fields["price"]}, "limit": 1}
                while not client.post(search, orjson.dumps(wanted)).body["total"]["value"]:
                    if not load.is_alive():
                        return
                    time.sleep(_SEEN_POLL_SECONDS)
                load.seen.append(time.perf_counter() - start)
                time.sleep(_CHANGE_SECONDS)
    except Exception as error:
        load.errors.append(error)


def _parts(changes: Sequence[ProductChange], size: int) -> list[Sequence[ProductChange]]:
    return [changes[start : start + size] for start in range(0, len(changes), size)]


def _texts_encoded(stack: BenchStack) -> int:
    return sum(map(int, _ENCODED.findall(stack.log_of("worker"))))


def _part(reload: _Reload, prices: _Prices, beside: _Beside, catalogue: Catalogue) -> Part:
    speed_up = reload.first / reload.second
    slowdown = beside.beside.p95 / beside.alone.p95
    rows = [
        (
            f"{reload.products:,} products again",
            f"{reload.products / reload.first:,.0f}/s, then "
            f"{reload.products / reload.second:,.0f}/s",
            f"{reload.encoded} texts encoded",
        ),
        (
            "price changes",
            f"{statistics.median(prices.ours):,.0f}/s; bare "
            f"{statistics.median(prices.bare):,.0f}/s",
            f"{prices.encoded} texts encoded",
        ),
        (
            "search p50 / p95, alone",
            f"{beside.alone.p50:.1f} / {beside.alone.p95:.1f} ms",
            f"{beside.alone.count} searches",
        ),
        (
            "search p50 / p95, beside a load",
            f"{beside.beside.p50:.1f} / {beside.beside.p95:.1f} ms",
            f"{beside.beside.count} searches; the load {beside.load_rate:,.0f}/s",
        ),
        (
            "searchable after p50 / p95, beside a load",
            f"{beside.seen.p50:.2f} / {beside.seen.p95:.2f} s",
            f"{beside.seen.count} changes, texts and prices in turn",
        ),
    ]
    verdicts: list[Verdict] = [
        at_least("second load / first", speed_up, LEAST_SECOND_LOAD),
        at_most("texts encoded by the second load", reload.encoded, 0, ""),
        at_least("price changes / bare parallel_bulk", prices.share, LEAST_PRICE_SHARE),
        at_most("texts encoded by price changes", prices.encoded, 0, ""),
        at_most("search p95 beside a load / alone", slowdown, MOST_SLOWDOWN, ""),
        at_most("searchable, p95", beside.seen.p95, MOST_SECONDS_UNTIL_SEEN, " s"),
    ]
    data = {
        "catalogue": catalogue.name,
        "reload": vars(reload),
        "prices": {"ours": prices.ours, "bare": prices.bare, "encoded": prices.encoded},
        "search_alone": beside.alone.to_json(),
        "search_beside_a_load": beside.beside.to_json(),
        "seconds_until_searchable": beside.seen.to_json(),
        "load_rate_beside": beside.load_rate,
    }
    columns = ("what", "seen", "")
    return Part("motion", [Sheet("A catalogue in motion", columns, rows)], verdicts, data)
