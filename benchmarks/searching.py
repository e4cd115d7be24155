"""How long a search takes over HTTP, where the time goes, and how it grows with the catalogue.

Three numbers tell what the service adds. `inside`: its own clock less its calls of
Elasticsearch and the encoder. `outside`: the client's clock less the same calls, so with HTTP.
`added`: the client's clock less the encoder and the time that the very same requests to
Elasticsearch take from the thinnest client, asked in turn with the searches; it charges
the service with its Elasticsearch client too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.progress import track

from benchmarks.catalogue import Catalogue
from benchmarks.filling import fill_index, recall_vectors
from benchmarks.http_client import JsonClient
from benchmarks.measures import Clients, Memory, Spread, memory_of, run_clients, spread
from benchmarks.plan import Plan
from benchmarks.queries import query_texts, requests
from benchmarks.recording import RecordedRequest, record_requests, replay
from benchmarks.report import Part, Sheet, at_most
from benchmarks.stack import BenchStack
from mappings.index_lifecycle import drop_index

MOST_OUTSIDE_MS = 5.0
STAGES = ("encode", "retrieve", "score", "fetch")
"""Stages of `took` that are calls of Elasticsearch or of the encoder."""


@dataclass(frozen=True)
class Sample:
    """One search. latency: the client's ms. took: the service's. asked_alone: see `added`."""

    latency: float
    took: dict[str, float]
    asked_alone: float | None = None

    @property
    def inside(self) -> float:
        """Return the service's ms beside its calls."""
        return self.took["total"] - self._calls

    @property
    def outside(self) -> float:
        """Return the client's ms beside the service's calls."""
        return self.latency - self._calls

    @property
    def added(self) -> float | None:
        """Return the client's ms beyond encoder and bare Elasticsearch."""
        if self.asked_alone is None:
            return None
        return self.latency - self.asked_alone - self.took.get("encode", 0.0)

    @property
    def _calls(self) -> float:
        return sum(self.took.get(stage, 0.0) for stage in STAGES)


@dataclass(frozen=True)
class Series:
    """Searches of one kind. clients: how many at once. rate: searches a second, of all."""

    size: int
    kind: str
    clients: int
    samples: Sequence[Sample]
    rate: float

    def spreads(self) -> dict[str, Spread]:
        """Return the percentiles of everything, in ms."""
        found = {"latency": spread([one.latency for one in self.samples])}
        for stage in (*STAGES, "fuse"):
            found[stage] = spread([one.took.get(stage, 0.0) for one in self.samples])
        found["inside"] = spread([one.inside for one in self.samples])
        found["outside"] = spread([one.outside for one in self.samples])
        added = [one.added for one in self.samples if one.added is not None]
        if added:
            found["added"] = spread(added)
        return found

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "products": self.size,
            "kind": self.kind,
            "clients": self.clients,
            "rate": round(self.rate, 1),
            **{name: value.to_json() for name, value in self.spreads().items()},
        }


@dataclass(frozen=True)
class Growth:
    """What was measured at one size. memory: of the web process after that many searches."""

    size: int
    series: Sequence[Series]
    memory: Memory
    searches: int


def measure_searches(plan: Plan, stack: BenchStack, catalogue: Catalogue) -> list[Growth]:
    """Fill an index of every size and search it through a fresh service."""
    texts = query_texts(catalogue, plan.data)
    plan.say("encoding the catalogue's products once, unless their vectors are kept")
    encoder = recall_vectors(catalogue, max(plan.sizes), plan.state)
    found = []
    for size in plan.sizes:
        name = f"search-{size}"
        with stack.client() as client:
            fill_index(
                client,
                name,
                catalogue.changes(size),
                encoder,
                {"text_vector": encoder.spec},
                total=size,
                console=plan.console,
            )
            found.append(_measure(plan, stack, name, size, list(requests(texts, catalogue))))
            drop_index(client, name)
    return found


def _measure(
    plan: Plan, stack: BenchStack, index: str, size: int, bodies: Sequence[bytes]
) -> Growth:
    effort = plan.effort
    count = min(effort.searches, len(bodies) // 2)
    timed, others = bodies[:count], bodies[count : count + effort.warm_up]
    series: list[Series] = []
    with stack.service() as (port, process_id):
        url, path = f"http://127.0.0.1:{port}", f"/v1/indexes/{index}/search"
        searches = 0
        if size == plan.sizes[0]:
            plan.say(f"{effort.first_searches:,} searches that are not counted")
            _ask_at_once(url, path, others, effort.first_searches, effort.threads)
            searches = effort.first_searches
        with JsonClient(url) as service, JsonClient(stack.elasticsearch_url) as cluster:
            _ask(service, path, _shown(plan, others, f"{size:,}: warming up"))
            searches += len(others)
            if "search" in plan.parts:
                cold = _ask(service, path, _shown(plan, timed, f"{size:,}: new queries"))
                series.append(_single(size, "new", cold))
                recorded = record_requests(stack.service_settings(), index, timed)
                pairs = list(zip(timed, recorded, strict=True))
                shown = _shown(plan, pairs, f"{size:,}: known queries")
                warm = _ask_in_turn(service, cluster, path, shown)
                series.append(_single(size, "known", warm))
                searches += 2 * count
        if "search" in plan.parts:
            plan.say(f"{size:,}: {effort.threads} clients at once")
            many = _ask_at_once(url, path, timed, effort.concurrent_searches, effort.threads)
            series.append(Series(size, "known", effort.threads, many[0], many[1].rate))
            searches += many[1].requests
        if searches < effort.memory_searches:
            plan.say(f"{size:,}: searches until there were {effort.memory_searches:,}")
            _ask_at_once(url, path, bodies, effort.memory_searches - searches, effort.threads)
        return Growth(size, series, memory_of(process_id), max(searches, effort.memory_searches))


def _single(size: int, kind: str, samples: Sequence[Sample]) -> Series:
    rate = 1e3 * len(samples) / sum(sample.latency for sample in samples)
    return Series(size, kind, 1, samples, rate)


def _shown(plan: Plan, items: Sequence[Any], text: str) -> Iterable[Any]:
    return track(items, description=text, console=plan.console, transient=True)


def _ask(service: JsonClient, path: str, bodies: Iterable[bytes]) -> list[Sample]:
    answers = (service.post(path, body) for body in bodies)
    return [Sample(answer.milliseconds, answer.body["took"]) for answer in answers]


def _ask_in_turn(
    service: JsonClient,
    cluster: JsonClient,
    path: str,
    pairs: Iterable[tuple[bytes, Sequence[RecordedRequest]]],
) -> list[Sample]:
    samples = []
    for number, (body, recorded) in enumerate(pairs):
        # Whoever comes second finds what it needs in the processor's caches: take turns.
        first = replay(cluster, recorded) if number % 2 else None
        answer = service.post(path, body)
        alone = replay(cluster, recorded) if first is None else first
        samples.append(Sample(answer.milliseconds, answer.body["took"], alone))
    return samples


def _ask_at_once(
    url: str, path: str, bodies: Sequence[bytes], count: int, threads: int
) -> tuple[list[Sample], Clients]:
    samples: list[Sample] = []

    def work(number: int) -> int:
        mine = [bodies[place % len(bodies)] for place in range(number, count, threads)]
        with JsonClient(url) as service:
            samples.extend(_ask(service, path, mine))
        return len(mine)

    clients = run_clients(threads, work)
    return samples, clients


def search_part(growths: Sequence[Growth]) -> Part:
    """Return the table and the verdicts of all sizes."""
    all_series = [series for growth in growths for series in growth.series]
    columns = ("products", "clients", "queries", "p50", "p95", "searches/s", *STAGES)
    rows = [_row(series) for series in all_series]
    sheet = Sheet(
        "Search over HTTP, ms",
        (*columns, "inside", "outside", "added"),
        rows,
        "stages and the last three columns are medians; new: query vectors are not yet known",
    )
    verdicts = []
    if growths:
        largest = growths[-1].series
        for series in largest:
            if series.kind == "new":
                continue
            spreads = series.spreads()
            name = "added" if "added" in spreads else "outside"
            verdicts.append(
                at_most(
                    f"p50 beside Elasticsearch and encoder, {series.size:,} products, "
                    f"{series.clients} client{'s' if series.clients > 1 else ''}",
                    spreads[name].p50,
                    MOST_OUTSIDE_MS,
                    " ms",
                    f" ({name}; inside {spreads['inside'].p50:.2f})",
                )
            )
    return Part("search", [sheet], verdicts, {"series": [one.to_json() for one in all_series]})


def _row(series: Series) -> tuple[str, ...]:
    spreads = series.spreads()
    stages = [f"{spreads[stage].p50:.1f}" for stage in STAGES]
    added = f"{spreads['added'].p50:.1f}" if "added" in spreads else ""
    return (
        f"{series.size:,}",
        str(series.clients),
        series.kind,
        f"{spreads['latency'].p50:.1f}",
        f"{spreads['latency'].p95:.1f}",
        f"{series.rate:.0f}",
        *stages,
        f"{spreads['inside'].p50:.1f}",
        f"{spreads['outside'].p50:.1f}",
        added,
    )
