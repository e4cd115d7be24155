"""Ours, the bare Elasticsearch below it, OpenSearch and Qdrant Edge on the same queries.

All that speak HTTP are asked in turn, query by query, so that whatever else the machine does
hits all of them; a ratio is of the medians over the same queries.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.progress import track

from benchmarks.filling import RecalledEncoder, fill_index
from benchmarks.http_client import JsonClient
from benchmarks.measures import Ratio, ratio_of_medians, spread
from benchmarks.peers.contenders import (
    OURS_INDEX,
    SIZE,
    Contender,
    Ids,
    K,
    every_feature,
    fill_floor,
    floor,
    opensearch,
    ours,
    thin_floor,
)
from benchmarks.peers.programs import (
    PeerMissing,
    opensearch_node,
    run_opensearch_script,
    run_qdrant_edge,
)
from benchmarks.peers.synth import DIMS, SynthData, make_synth
from benchmarks.plan import Plan
from benchmarks.report import Part, Sheet, Verdict
from benchmarks.stack import BenchStack
from mappings.encoder_spec import external
from service.weights.store import WeightsStore

MOST_OF_FLOOR = 1.5
MOST_OF_OPENSEARCH = 0.7
HEAP = "1g"
"""Of every server, as in the peers' own measurements."""

_DEPTH = 100
_SEED = 20_261_121


@dataclass
class Record:
    """What one contender answered, query by query."""

    milliseconds: list[float] = field(default_factory=list)
    ids: list[Ids] = field(default_factory=list)
    outside_filter: int = 0


@dataclass(frozen=True)
class Comparison:
    """A ratio that was asked for. most: the target, None for one that is only shown."""

    ours: str
    theirs: str
    ratio: Ratio
    most: float | None


def measure_peers(plan: Plan) -> Part:
    """Run everything that this machine can; what it cannot is said in the note."""
    if not plan.peers.is_dir():
        reason = "the peers' scripts are not there (--peers)"
        return Part("peers", [], [_unmeasured("the floor", MOST_OF_FLOOR, reason)])
    home = plan.state / "peers"
    size = plan.effort.peer_products
    plan.say(f"generating {size:,} synthetic products")
    data = make_synth(plan.peers, home / f"synth-{size}", size)
    notes: list[str] = []
    scripts: dict[str, Any] = {}
    with ExitStack() as held:
        stack = held.enter_context(
            BenchStack(
                plan.state / "peer-stack", models=plan.state / "models", heap=HEAP, say=plan.say
            )
        )
        client = held.enter_context(stack.client())
        plan.say("filling the floor's index")
        fill_floor(client, data)
        spec = external(DIMS)
        fill_index(
            client,
            OURS_INDEX,
            data.changes(),
            RecalledEncoder(spec, {}),
            {"text_vector": spec, "image_vector": spec},
            total=size,
            console=plan.console,
            one_segment=True,
        )
        node = _opensearch(plan, data, held, notes, scripts)
        port, _ = held.enter_context(stack.service())
        service = held.enter_context(JsonClient(f"http://127.0.0.1:{port}"))
        cluster = held.enter_context(JsonClient(stack.elasticsearch_url))
        version = WeightsStore(client).save(every_feature())
        contenders = [
            ours(service, window=200),
            ours(service, window=100),
            ours(service, window=100, version=version),
            ours(service, window=200, version=version),
            ours(service, window=200, num_candidates=200),
            ours(service, mode="fast"),
            floor(client, window=200),
            floor(client, window=100),
            floor(client, window=None),
            thin_floor(cluster, window=200),
            thin_floor(cluster, window=100),
        ]
        if node is not None:
            contenders += [opensearch(node, depth=_DEPTH), opensearch(node, depth=None)]
        records = _ask_in_turn(plan, contenders, data)
    _qdrant(plan, data, notes, scripts)
    return _part(records, data, notes, scripts)


def _opensearch(
    plan: Plan, data: SynthData, held: ExitStack, notes: list[str], scripts: dict[str, Any]
) -> JsonClient | None:
    """Start OpenSearch and let its own script fill and measure it; None without it."""
    home = plan.state / "peers" / "opensearch"
    options = ["--warmup", str(plan.effort.peer_warm_up), "--seconds", "4"]
    try:
        url = held.enter_context(opensearch_node(plan.peers, home, heap=HEAP, say=plan.say))
        for depth, more in ((_DEPTH, ["--depth", str(_DEPTH)]), (SIZE, ["--reuse"])):
            plan.say(f"OpenSearch's own script, depth {depth}")
            scripts[f"opensearch_depth_{depth}"] = run_opensearch_script(
                plan.peers, home, url, data, options + more
            )
    except PeerMissing as error:
        notes.append(f"OpenSearch not measured: {error}")
        return None
    return held.enter_context(JsonClient(url))


def _qdrant(plan: Plan, data: SynthData, notes: list[str], scripts: dict[str, Any]) -> None:
    home = plan.state / "peers" / "qdrant-edge"
    plan.say("Qdrant Edge's own script")
    try:
        p50, p95 = run_qdrant_edge(plan.peers, home, data)
    except PeerMissing as error:
        notes.append(f"Qdrant Edge not measured: {error}")
    else:
        scripts["qdrant_edge"] = {"p50_ms": p50, "p95_ms": p95}


def _ask_in_turn(
    plan: Plan, contenders: Sequence[Contender], data: SynthData
) -> dict[str, Record]:
    """Ask every contender every query, in an order that changes from query to query."""
    effort = plan.effort
    draw = random.Random(_SEED)
    records = {contender.name: Record() for contender in contenders}
    order = list(contenders)
    rounds = effort.peer_warm_up + effort.peer_queries
    for number in track(
        range(rounds), description="asking in turn", console=plan.console, transient=True
    ):
        query = data.queries[number % len(data.queries)]
        draw.shuffle(order)
        for contender in order:
            milliseconds, ids = contender.ask(query)
            if number >= effort.peer_warm_up:
                record = records[contender.name]
                record.milliseconds.append(milliseconds)
                record.ids.append(ids)
                found = (data.products[int(name)] for name in ids)
                record.outside_filter += sum(not query.keeps(product) for product in found)
    return records


def _comparisons(records: dict[str, Record]) -> list[Comparison]:
    """Return the ratios that can be formed, those with a target first."""

    def named(*parts: str) -> str | None:
        return next((name for name in records if all(part in name for part in parts)), None)

    wanted = [
        (("ours, precise, window 200",), ("two passes, 200", "its own"), MOST_OF_FLOOR),
        (("ours, precise, window 100",), ("two passes, 100", "its own"), MOST_OF_FLOOR),
        (("ours, precise, window 200",), ("OpenSearch", "depth 100"), MOST_OF_OPENSEARCH),
        (("ours, precise, window 100",), ("OpenSearch", "depth 100"), MOST_OF_OPENSEARCH),
        (("window 200, all features",), ("OpenSearch", "depth 100"), MOST_OF_OPENSEARCH),
        (("window 100, all features",), ("OpenSearch", "depth 100"), MOST_OF_OPENSEARCH),
        (("ours, fast",), ("OpenSearch", "depth 20"), MOST_OF_OPENSEARCH),
        (("ours, precise, window 200",), ("two passes, 200", "thin"), None),
        (("ours, precise, window 100",), ("two passes, 100", "thin"), None),
        (("ours, fast",), ("one pass",), None),
    ]
    found = []
    for our_parts, their_parts, most in wanted:
        our_name, their_name = named(*our_parts), named(*their_parts)
        if our_name and their_name:
            times = records[our_name].milliseconds, records[their_name].milliseconds
            found.append(Comparison(our_name, their_name, ratio_of_medians(*times), most))
    return found


def _part(
    records: dict[str, Record], data: SynthData, notes: Sequence[str], scripts: dict[str, Any]
) -> Part:
    floor_ids = next(record.ids for name, record in records.items() if "one pass" in name)
    rows: list[tuple[str, ...]] = []
    contenders: dict[str, Any] = {}
    for name, record in records.items():
        times = spread(record.milliseconds)
        same, overlap = _agreement(record.ids, floor_ids)
        cells = (f"{times.p50:.1f}", f"{times.p95:.1f}", str(record.outside_filter))
        rows.append((name, *cells, f"{same:.0%}", f"{overlap:.0%}"))
        contenders[name] = {
            **times.to_json(),
            "outside_filter": record.outside_filter,
            "same_top_as_floor": same,
            "overlap_with_floor": overlap,
        }
    rows += [_script_row(name, found) for name, found in scripts.items()]
    comparisons = _comparisons(records)
    columns = ("", "p50 ms", "p95 ms", "outside filter", "same top", f"overlap@{SIZE}")
    title = f"Peers, {len(data.products):,} products, k {K}, {SIZE} hits, in turn"
    note = "; ".join(["top and overlap against the floor's one pass", *notes])
    ratios = [(one.ours, one.theirs, str(one.ratio)) for one in comparisons]
    return Part(
        "peers",
        [
            Sheet(title, columns, rows, note),
            Sheet("Ratios of p50, with 95 % intervals", ("ours", "to", "ratio"), ratios),
        ],
        _verdicts(comparisons, notes),
        {
            "products": len(data.products),
            "contenders": contenders,
            "comparisons": [asdict(one) for one in comparisons],
            "scripts": scripts,
            "notes": list(notes),
        },
    )


def _verdicts(comparisons: Sequence[Comparison], notes: Sequence[str]) -> list[Verdict]:
    found = [
        Verdict(
            f"p50 of {one.ours} / {one.theirs}",
            f"at most {one.most:g}",
            str(one.ratio),
            one.ratio.value <= one.most,
        )
        for one in comparisons
        if one.most is not None
    ]
    if not any("OpenSearch" in one.theirs for one in comparisons):
        found.append(_unmeasured("OpenSearch", MOST_OF_OPENSEARCH, "; ".join(notes)))
    return found


def _unmeasured(whom: str, most: float, reason: str) -> Verdict:
    return Verdict(f"p50 of ours / {whom}", f"at most {most:g}", reason, None)


def _agreement(found: Sequence[Ids], reference: Sequence[Ids]) -> tuple[float, float]:
    """Return the share of queries with the same best product, and the mean overlap of the ids."""
    pairs = [(ids, others) for ids, others in zip(found, reference, strict=True) if others]
    same = sum(ids[:1] == others[:1] for ids, others in pairs)
    overlap = sum(len(set(ids) & set(others)) / len(others) for ids, others in pairs)
    return same / max(1, len(pairs)), overlap / max(1, len(pairs))


def _script_row(name: str, found: dict[str, Any]) -> tuple[str, ...]:
    times = found.get("seq", found)
    return (
        f"{name}, by its script",
        f"{times['p50_ms']:.1f}",
        f"{times['p95_ms']:.1f}",
        "",
        "",
        "",
    )
