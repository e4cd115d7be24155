"""The reports of `evaluate` and `compare` as HTML, one file each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mappings.reports.charts import Labels, Series, bar_chart
from mappings.reports.page import details, html_page, paragraph, section, table
from service.evaluation.measuring import Measured


def evaluation_page(report: Mapping[str, Any], measured: Sequence[Measured]) -> str:
    """Return the page of an evaluation. report: as `report_on` gives it for `measured`."""
    systems = report["systems"]
    names = list(next(iter(systems.values())))
    rows = [
        [name, *(_with_interval(values[measure]) for measure in names)]
        for name, values in systems.items()
    ]
    charts = [_means_chart(measure, systems) for measure in names]
    parts = [
        paragraph(_list_in_words(report)),
        section("Measures", table(["system", *names], rows), note=_INTERVALS),
        section("Each measure", *charts),
        section("By query", *(_values_by_query(measure, measured) for measure in names)),
    ]
    return html_page(f"Evaluation of {report['index']}", parts)


def comparison_page(report: Mapping[str, Any]) -> str:
    """Return the page of a comparison, from what `compare_report` gives."""
    a, b = report["a"]["name"], report["b"]["name"]
    queries = report["by_query"]
    gains = bar_chart(
        [one["query"] for one in queries],
        [Series("B - A", [one["difference"] for one in queries])],
        labels=Labels(
            f"Gain of B over A by query, {report['by']}",
            "query, by gain",
            f"B - A, {report['by']}",
        ),
    )
    rows = [_comparison_row(name, one) for name, one in report["measures"].items()]
    header = ["measure", "A", "B", "B - A", "95 % interval", "p", "wins", "ties", "losses"]
    every = [[one["query"], one["a"], one["b"], one["difference"]] for one in queries]
    parts = [
        paragraph(f"A is {a}. B is {b}. {_list_in_words(report)}"),
        section("Measures", table(header, rows), note=f"{_INTERVALS} {_TEST}"),
        section("Gain by query", gains),
        section("Gained most", *_reasons(report["gained"]), note=_WHY),
        section("Lost most", *_reasons(report["lost"])),
        section(
            "Every query",
            details(f"{len(every)} queries", table(["query", *"AB", "B - A"], every)),
        ),
    ]
    return html_page(f"Comparison on {report['index']}", parts)


_INTERVALS = (
    "The interval holds the mean of 95 % of samples of the queries, drawn with replacement."
)
_TEST = (
    "p is the share of random sign changes of the differences whose mean lies as far from 0. "
    "With several measures, judge by the one that was chosen beforehand."
)
_WHY = (
    "Judged products that moved most. What a leg gives is held against its mean over the first "
    "ten hits, in shares of the best score."
)


def _list_in_words(report: Mapping[str, Any]) -> str:
    return (
        f"{report['judgements']:,} judgements of {report['queries']:,} queries; the "
        f"{report['queries_measured']:,} that have a relevant product are measured. "
        f"Gain is {report['gain']}."
    )


def _with_interval(one: Mapping[str, float]) -> str:
    return f"{one['value']:.3f} [{one['low']:.3f}, {one['high']:.3f}]"


def _means_chart(measure: str, systems: Mapping[str, Any]) -> str:
    found = [values[measure] for values in systems.values()]
    means = Series(
        measure,
        [one["value"] for one in found],
        low=[one["low"] for one in found],
        high=[one["high"] for one in found],
    )
    return bar_chart(list(systems), [means], labels=Labels(measure, "system", measure))


def _values_by_query(measure: str, measured: Sequence[Measured]) -> str:
    queries = sorted(measured[0].values[measure])
    rows: list[list[str | float]] = [
        [query, *(one.values[measure][query] for one in measured)] for query in queries
    ]
    header = ["query", *(one.system.name for one in measured)]
    return details(f"{measure}, {len(queries)} queries", table(header, rows))


def _comparison_row(name: str, one: Mapping[str, Any]) -> list[str | float]:
    difference = one["difference"]
    interval = f"[{difference['low']:+.3f}, {difference['high']:+.3f}]"
    counts = [one[count] for count in ("wins", "ties", "losses")]
    p_value = f"{one['p_value']:.4f}"
    return [name, one["a"], one["b"], f"{difference['value']:+.3f}", interval, p_value, *counts]


def _reasons(queries: Sequence[Mapping[str, Any]]) -> list[str]:
    if not queries:
        return [paragraph("No query.")]
    return [
        details(
            f"{one['difference']:+.3f}  {one['query']}",
            table(
                ["product", "title", "grade", "rank in A", "rank in B", "legs, A to B", "why"],
                [_move_row(move) for move in one["moves"]],
            )
            if one["moves"]
            else paragraph("No judged product moved among the hits."),
        )
        for one in queries
    ]


def _move_row(move: Mapping[str, Any]) -> list[str | float]:
    legs = "; ".join(f"{leg} {_given(a)} to {_given(b)}" for leg, (a, b) in move["legs"].items())
    return [
        move["product_id"],
        move["title"],
        move["grade"],
        _rank(move["rank_a"]),
        _rank(move["rank_b"]),
        legs,
        move["reason"],
    ]


def _given(contribution: float | None) -> str:
    return "nothing" if contribution is None else f"{contribution:.3g}"


def _rank(rank: int | None) -> str:
    return "-" if rank is None else str(rank)
