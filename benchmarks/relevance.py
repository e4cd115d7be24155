"""What learning is worth: every fusion on queries that it was not learned from."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Any

from elasticsearch import Elasticsearch

from benchmarks.judged_catalogues import collect_fashion, load_catalogue
from benchmarks.plan import Plan
from benchmarks.report import Part, Sheet, Verdict, at_least, at_most
from benchmarks.simulated_clicks import measure_clicks
from benchmarks.stack import BenchStack
from mappings.index_lifecycle import find_index
from service.bootstrap import build_searcher
from service.intervals import interval
from service.judgements.opening import open_judgements
from service.learning.baselines import FIXED_BLEND, shipped_model
from service.learning.collecting import Collected, collect
from service.learning.curve import CurvePoint, learning_curve, pays_from
from service.learning.registry import TRAINERS, load_trainer
from service.learning.training import Training, learn, weights_document
from service.learning.validation import Trainer
from service.search_request import SearchRequest
from service.searcher import Searcher
from service.weights.store import WeightsStore

LEAST_PLAIN, LEAST_JUDGED = 0.78, 0.91
MOST_MILLISECONDS = 3.0
_ROUNDS = 4


def measure_relevance(plan: Plan, stack: BenchStack) -> Part:
    """Load Icecat and fashion through the encoder, and validate every fusion on both."""
    if not (plan.data / "icecat").is_dir():
        plan.say("no judged catalogues at hand: relevance is left out")
        return Part("relevance", [], [], {})
    with stack.worker():
        for name in ("icecat", "fashion"):
            plan.say(f"loading {name}")
            load_catalogue(plan, stack, name)
    searcher = build_searcher(stack.service_settings())
    trainers = [load_trainer(name) for name in TRAINERS]
    sheets: list[Sheet] = []
    verdicts: list[Verdict] = []
    data: dict[str, Any] = {}
    for name, judged in (("icecat", _icecat), ("fashion", collect_fashion)):
        plan.say(f"{name}: learning every fusion, nested cross-validation by query")
        collected = judged(plan, searcher)
        with stack.client() as client:
            shipped = shipped_model(find_index(client, name))
        started = time.perf_counter()
        training = learn(collected, trainers, shipped=shipped)
        seconds = time.perf_counter() - started
        plan.say(f"{name}: learning from fewer and fewer queries")
        points = learning_curve(trainers[0], collected.queries)
        sheets += [_sheet(name, collected, training, seconds), _curve_sheet(name, points)]
        verdicts += _verdicts(name, training)
        data[name] = _numbers(training, seconds) | {"curve": [vars(one) for one in points]}
        if name == "icecat":
            plan.say("simulated clicks")
            sheet, found = measure_clicks(collected, trainers[0])
            sheets.append(sheet)
            verdicts += found
            plan.say("what learned weights cost, and what fast mode loses")
            cost, agreement = _serve(stack, collected, trainers[0])
            target = "learned ranking, our own time added, p50"
            verdicts.append(at_most(target, cost, MOST_MILLISECONDS, " ms"))
            data |= {"added_ms": cost, "fast_mode": agreement}
            sheets.append(
                Sheet(
                    "Fast mode against precise",
                    tuple(agreement),
                    [tuple(f"{value:.2f}" for value in agreement.values())],
                    "pushed down as boosts; pairs: of the products on both pages",
                )
            )
    return Part("relevance", sheets, verdicts, data)


def _icecat(plan: Plan, searcher: Searcher) -> Collected:
    path = plan.data / "icecat" / "judgements.csv"
    judgements = open_judgements(_no_client, path)
    return collect(searcher, "icecat", judgements)


def _no_client() -> Elasticsearch:
    raise RuntimeError("a file of judgements needs no cluster")


def _sheet(name: str, data: Collected, training: Training, seconds: float) -> Sheet:
    start = training.validated[FIXED_BLEND].quality.goal
    rows = []
    for way, one in training.validated.items():
        gain, low, high = interval(one.quality.goal - start)
        rows.append(
            (
                way,
                f"{one.quality.plain.mean():.3f}",
                f"{one.quality.judged.mean():.3f}",
                f"{gain:+.3f} [{low:+.3f}, {high:+.3f}]",
            )
        )
    columns = ("way of ranking", "NDCG@10", "judged only", "mean of both, against the fixed blend")
    note = f"{len(data.queries)} queries, {data.pairs:,} grades; {seconds:.0f} s for all of it"
    return Sheet(f"Relevance on {name}, unseen queries", columns, rows, note)


def _verdicts(name: str, training: Training) -> list[Verdict]:
    best = training.validated[training.best].quality
    verdicts = [at_least(f"{name}: gain over the fixed blend, low end", training.gain[1], 0.0)]
    if name == "icecat":
        verdicts += [
            at_least("icecat: NDCG@10", float(best.plain.mean()), LEAST_PLAIN),
            at_least("icecat: NDCG@10, judged only", float(best.judged.mean()), LEAST_JUDGED),
        ]
    return verdicts


def _numbers(training: Training, seconds: float) -> dict[str, Any]:
    return {
        "best": training.best,
        "gain": training.gain,
        "seconds": seconds,
        "ways": {
            name: {
                "plain": float(one.quality.plain.mean()),
                "judged": float(one.quality.judged.mean()),
                "settings": dict(one.settings),
            }
            for name, one in training.validated.items()
        },
    }


def _curve_sheet(name: str, points: Sequence[CurvePoint]) -> Sheet:
    rows = [
        (f"{one.queries}", f"{one.gain:+.3f} [{one.low:+.3f}, {one.high:+.3f}]") for one in points
    ]
    enough = pays_from(points)
    note = f"learning pays from {enough} queries on" if enough else "it never pays beyond chance"
    columns = ("queries learned from", "mean of both, against the fixed blend")
    return Sheet(f"Learning curve on {name}", columns, rows, note)


def _serve(stack: BenchStack, data: Collected, trainer: Trainer) -> tuple[float, dict[str, float]]:
    """Return what learned weights add to the median time that a search spends in our own code.

    That is the whole time of a search less the time of its requests to Elasticsearch. The second
    value says how far one request by the same weights, pushed down, agrees with two.
    """
    with stack.client() as client:
        shipped = shipped_model(find_index(client, "icecat"))
        training = learn(data, [trainer], shipped=shipped, repeats=1)
        document = weights_document("icecat", data, training, source="judgements", encoders={})
        version = WeightsStore(client).save(document)
    searcher = build_searcher(stack.service_settings())
    outside = _timed_requests(searcher)
    own: dict[str, list[float]] = {"default": [], version: []}
    for turn in range(_ROUNDS):
        for name, times in own.items():
            for query in data.queries:
                request = SearchRequest.parse({"q": query.text, "weights_version": name})
                outside.clear()
                start = time.perf_counter()
                searcher.search("icecat", request)
                whole = (time.perf_counter() - start) * 1e3
                if turn:
                    times.append(whole - sum(outside))
    added = statistics.median(own[version]) - statistics.median(own["default"])
    return added, _agreement(searcher, data, version)


def _agreement(searcher: Searcher, data: Collected, version: str) -> dict[str, float]:
    overlaps, pairs = [], []
    for query in data.queries:
        pages = []
        for mode in ("precise", "fast"):
            body = {"q": query.text, "weights_version": version, "mode": mode, "limit": 10}
            answer = searcher.search("icecat", SearchRequest.parse(body))
            pages.append([hit.id for hit in answer.hits])
        common = [name for name in pages[0] if name in pages[1]]
        overlaps.append(len(common) / max(1, len(pages[0])))
        places = [pages[1].index(name) for name in common]
        ordered = [low < high for at, low in enumerate(places) for high in places[at + 1 :]]
        if ordered:
            pairs.append(sum(ordered) / len(ordered))
    return {
        "first ten in common": statistics.mean(overlaps),
        "pairs in one order": statistics.mean(pairs),
    }


def _timed_requests(searcher: Searcher) -> list[float]:
    """Return a list to which every request to Elasticsearch adds its milliseconds."""
    transport = searcher._client.transport  # nobody else needs to look in there
    perform = transport.perform_request
    times: list[float] = []

    def timed(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        start = time.perf_counter()
        try:
            return perform(*arguments, **options)
        finally:
            times.append((time.perf_counter() - start) * 1e3)

    transport.perform_request = timed  # type: ignore[method-assign]
    return times
