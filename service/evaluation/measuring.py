"""Systems measured on a judgement list: what they return, its values by query, the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from service.evaluation.means import mean
from service.evaluation.measures import (
    DEFAULT_MEASURES,
    Measure,
    PerQuery,
    per_query,
)
from service.evaluation.systems import (
    DEPTH,
    SYSTEMS,
    System,
    Track,
    ranked_ids,
    run_hits,
    run_system,
)
from service.judgements.judgement_list import JudgementList, Judgements, answerable
from service.search_results import Hit
from service.searcher import Searcher

Progress = Callable[[str], Track]
"""Name of what runs to what wraps its queries."""


def unseen(_name: str) -> Track:
    """Return a tracker that shows nothing."""
    return lambda queries: queries


@dataclass(frozen=True)
class Measured:
    """What a system did. hits: of every query. values: of the queries that can be measured."""

    system: System
    hits: Mapping[str, Sequence[Hit]] = field(repr=False)
    values: PerQuery = field(repr=False)


def measure_system(
    searcher: Searcher,
    index: str,
    judged: JudgementList,
    system: System,
    measures: Sequence[Measure] = DEFAULT_MEASURES,
    *,
    progress: Progress = unseen,
) -> Measured:
    """Run a system over the queries and measure it.

    For judged-only measures it runs a second time, over the judged products alone: so they
    see those too that lie behind a hundred others.
    """
    depth = max([DEPTH, *(measure.cutoff for measure in measures)])
    track = progress(system.name)
    hits = run_hits(searcher, index, judged.judgements, system.options, depth=depth, track=track)
    among_judged = None
    if any(measure.judged_only for measure in measures):
        among_judged = run_system(
            searcher,
            index,
            judged.judgements,
            system.options,
            depth=depth,
            judged_only=True,
            track=progress(f"{system.name}, judged products"),
        )
    values = per_query(
        judged.judgements,
        ranked_ids(hits),
        measures,
        among_judged=among_judged,
        max_grade=judged.max_grade,
    )
    return Measured(system, hits, values)


def measure_systems(
    searcher: Searcher,
    index: str,
    judgements: Judgements,
    compared: Mapping[str, Mapping[str, Any]] = SYSTEMS,
    *,
    progress: Progress = unseen,
) -> dict[str, Any]:
    """Return the report of `report_on` for systems by name, with the usual measures."""
    judged = JudgementList(judgements)
    measured = [
        measure_system(searcher, index, judged, System(name, options), progress=progress)
        for name, options in compared.items()
    ]
    return report_on(index, judged, measured)


def report_on(index: str, judged: JudgementList, measured: Sequence[Measured]) -> dict[str, Any]:
    """Return the measures of every system as JSON, each a mean with its 95 % interval.

    Raises InvalidQuery when no query has a relevant product.
    """
    return {
        **describe_list(index, judged),
        "systems": {
            one.system.name: {
                measure: asdict(mean(values)) for measure, values in one.values.items()
            }
            for one in measured
        },
    }


def describe_list(index: str, judged: JudgementList) -> dict[str, Any]:
    """Return what every report says of the list it was made with."""
    return {
        "index": index,
        "queries": len(judged.judgements),
        "queries_measured": len(answerable(judged.judgements)),
        "judgements": judged.count,
        "gain": "2^grade - 1",
        "interval": "95 %, bootstrap over queries",
    }
