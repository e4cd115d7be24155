"""What many products cost: a long feed in bounded memory, and disk and recall by quantization.

The feed goes through `shelfwise load` and a worker with the hashing encoder, since the stream is
what is measured. Quantizations are compared on the real model's vectors.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import numpy as np
import psutil
from elasticsearch import Elasticsearch

from benchmarks.catalogue import Catalogue
from benchmarks.filling import fill_index, recall_vectors
from benchmarks.plan import Plan
from benchmarks.queries import query_texts
from benchmarks.report import Part, Sheet, Verdict, at_most
from benchmarks.stack import ENCODER, BenchStack
from embedded.programs import shelfwise_command
from indexer.encoders.base import Embeddings
from indexer.encoders.registry import load_query_encoder
from mappings.index_lifecycle import drop_index, find_index
from mappings.index_mapping import QUANTIZATIONS

MOST_MEMORY_MB = 1_500.0
NEIGHBOURS = 10
_QUERIES = 200
_NUM_CANDIDATES = 100
_SAMPLE_SECONDS = 0.5
_MILLION = 1_000_000


@dataclass(frozen=True)
class _Feed:
    """A feed's load. loader, worker: highest resident MB. disk: bytes of the index."""

    products: int
    seconds: float
    loader: float
    worker: float
    disk: int


@dataclass(frozen=True)
class _Quantized:
    """An index of one quantization. vectors: bytes that a search wants in memory."""

    name: str
    products: int
    disk: int
    vectors: int
    recall: float
    p50: float


def measure_scale(plan: Plan, stack: BenchStack, catalogue: Catalogue) -> Part:
    """Load the feed, then fill one index a quantization."""
    feed = _measure_feed(plan, stack, catalogue)
    with stack.client() as client:
        quantized = [
            _measure_quantization(plan, client, catalogue, name)
            for name in ("hnsw", "int8_hnsw", "bbq_hnsw")
        ]
    return _part(feed, quantized, catalogue)


def _measure_feed(plan: Plan, stack: BenchStack, catalogue: Catalogue) -> _Feed:
    lines = plan.feed_lines
    plan.say(f"a feed of {lines:,} lines")
    path = catalogue.write(stack.directory / "feed.jsonl", lines)
    environ = {**stack.environ(), "SHELFWISE_TEXT_ENCODER": "hashing"}
    command = ["load", str(path), "--index", "feed", "--map", catalogue.map_name]
    with stack.worker(encoder="hashing") as worker_id:
        start = time.perf_counter()
        loader = subprocess.Popen(  # noqa: S603 - our own program
            shelfwise_command(command),
            env=environ,
            stdin=subprocess.PIPE,  # it ends when its standard input does
            stdout=subprocess.DEVNULL,
        )
        with _peaks([loader.pid, worker_id]) as peaks:
            status = loader.wait()
        seconds = time.perf_counter() - start
    path.unlink()
    if status not in {0, 2}:
        raise RuntimeError(f"the load of the feed ended with status {status}")
    with stack.client() as client:
        index = find_index(client, "feed").index
        client.indices.refresh(index=index)
        count = int(client.count(index=index)["count"])
        disk = _disk(client, index)
        drop_index(client, "feed")
    return _Feed(count, seconds, peaks[loader.pid], peaks[worker_id], disk)


@contextmanager
def _peaks(process_ids: Sequence[int]) -> Iterator[dict[int, float]]:
    """Sample the resident memory of processes and their children; yield the highest, in MB."""
    peaks = dict.fromkeys(process_ids, 0.0)
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(_SAMPLE_SECONDS):
            for process_id in process_ids:
                try:
                    first = psutil.Process(process_id)
                    family = [first, *first.children(recursive=True)]
                    now = sum(process.memory_info().rss for process in family) / 1e6
                except psutil.NoSuchProcess:
                    continue
                peaks[process_id] = max(peaks[process_id], now)

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield peaks
    finally:
        ended.set()
        thread.join()


def _measure_quantization(
    plan: Plan, client: Elasticsearch, catalogue: Catalogue, name: str
) -> _Quantized:
    size = plan.quantized_products
    plan.say(f"{size:,} products in {name}")
    encoder = recall_vectors(catalogue, size, plan.state)
    index = f"quantized-{name.replace('_', '-')}"
    total = fill_index(
        client,
        index,
        catalogue.changes(size),
        encoder,
        {"text_vector": encoder.spec},
        total=size,
        console=plan.console,
        quantization=name,
        one_segment=True,
    )
    versioned = find_index(client, index).index
    recall, p50 = _recall(client, versioned, _query_vectors(plan, catalogue))
    found = _Quantized(
        name, total, _disk(client, versioned), _vector_bytes(client, versioned, name), recall, p50
    )
    drop_index(client, index)
    return found


def _query_vectors(plan: Plan, catalogue: Catalogue) -> Embeddings:
    texts = query_texts(catalogue, plan.data)[:_QUERIES]
    models = plan.state / "models"
    return load_query_encoder(ENCODER, template="{title}", model_directory=models).encode(texts)


def _recall(client: Elasticsearch, index: str, queries: Embeddings) -> tuple[float, float]:
    """Return recall@10 against exact search, and the median ms of a search."""
    shares, times = [], []
    names, vectors = _all_vectors(client, index)
    for query in queries:
        vector = query.tolist()
        start = time.perf_counter()
        near = client.search(
            index=index,
            knn={
                "field": "text_vector",
                "query_vector": vector,
                "k": NEIGHBOURS,
                "num_candidates": _NUM_CANDIDATES,
            },
            size=NEIGHBOURS,
            source=False,
        )
        times.append((time.perf_counter() - start) * 1e3)
        exact = _exact(names, vectors, query)
        found = {hit["_id"] for hit in near["hits"]["hits"]}
        shares.append(len(found & exact) / max(1, len(exact)))
    return float(np.mean(shares)), float(np.median(times))


def _exact(names: Sequence[str], vectors: Embeddings, query: Embeddings) -> set[str]:
    """Return the ids of the nearest by the float vectors that the index keeps."""
    nearest = np.argpartition(-(vectors @ query), NEIGHBOURS)[:NEIGHBOURS]
    return {names[row] for row in nearest}


def _all_vectors(client: Elasticsearch, index: str) -> tuple[list[str], Embeddings]:
    names: list[str] = []
    rows: list[Embeddings] = []
    after: list[str] | None = None
    while True:
        body = {
            "size": 1_000,
            "sort": [{"product_id": "asc"}],
            "_source": ["text_vector"],
            **({"search_after": after} if after else {}),
        }
        answer = client.perform_request(
            "POST",
            f"/{index}/_search",
            params={"_source_exclude_vectors": "false"},
            headers={"accept": "application/json", "content-type": "application/json"},
            body=body,
        )
        hits = answer.body["hits"]["hits"]
        if not hits:
            return names, np.vstack(rows)
        names += [hit["_id"] for hit in hits]
        vectors = [hit["_source"]["text_vector"] for hit in hits]
        rows.append(np.asarray(vectors, dtype=np.float32))
        after = hits[-1]["sort"]


def _disk(client: Elasticsearch, index: str) -> int:
    stats = client.indices.stats(index=index, metric="store")
    return int(stats["_all"]["primaries"]["store"]["size_in_bytes"])


def _vector_bytes(client: Elasticsearch, index: str, name: str) -> int:
    """Return what Lucene wants in the file cache for fast search: graph and quantized vectors."""
    count = int(client.count(index=index)["count"])
    mapping = client.indices.get_mapping(index=index)[index]["mappings"]
    dims = int(mapping["properties"]["text_vector"]["dims"])
    a_vector = {"hnsw": 4 * dims, "int8_hnsw": dims + 4, "bbq_hnsw": dims // 8 + 14}[name]
    links = 4 * int(QUANTIZATIONS[name]["m"])
    return count * (a_vector + links)


def _part(feed: _Feed, quantized: Sequence[_Quantized], catalogue: Catalogue) -> Part:
    rate = feed.products / feed.seconds
    feed_row = (
        f"{feed.products:,}",
        f"{rate:,.0f}/s",
        f"{feed.loader:,.0f} MB",
        f"{feed.worker:,.0f} MB",
        f"{feed.disk / 1e9:.2f} GB",
        f"{_MILLION / rate / 60:,.0f} min",
    )
    columns = ("lines", "rate", "loader, peak", "worker, peak", "index", "a million at this rate")
    rows = [
        (
            one.name,
            f"{one.products:,}",
            f"{one.recall:.3f}",
            f"{one.p50:.1f} ms",
            f"{one.disk * _MILLION / one.products / 1e9:.2f} GB",
            f"{one.vectors * _MILLION / one.products / 1e9:.2f} GB",
        )
        for one in quantized
    ]
    names = ("vectors", "products", "recall@10", "kNN p50", "disk, a million", "memory, a million")
    verdicts: list[Verdict] = [
        at_most(f"peak memory of the {name}, {feed.products:,} lines", seen, MOST_MEMORY_MB, " MB")
        for name, seen in (("loader", feed.loader), ("worker", feed.worker))
    ]
    note = (
        f"{catalogue.name}; num_candidates {_NUM_CANDIDATES}, one segment; recall against exact "
        "search by float vectors; memory: the file cache that graph and quantized vectors want"
    )
    return Part(
        "scale",
        [
            Sheet("A long feed, hashing encoder", columns, [feed_row]),
            Sheet("Quantization", names, rows, note),
        ],
        verdicts,
        {"feed": asdict(feed), "quantized": [asdict(one) for one in quantized]},
    )
