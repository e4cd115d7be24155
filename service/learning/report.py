"""A training as one HTML page: what was gained, on which queries, and by which weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mappings.reports.charts import Labels, Series, bar_chart, line_chart
from mappings.reports.page import html_page, section, table
from service.learning.collecting import Collected
from service.learning.figures import training_figures
from service.learning.training import Training


def training_page(index: str, version: str, data: Collected, training: Training) -> str:
    """Return the page."""
    figures = training_figures(data, training)
    parts = [_ways(figures), _by_query(figures), _weights(figures)]
    if len(training.curve) > 1:
        parts.append(section("How many judged queries it takes", curve_chart(figures)))
    return html_page(f"{version}: ranking of {index} learned by {training.best}", parts)


def by_query_chart(figures: Mapping[str, Any]) -> str:
    """Return as SVG which queries win and lose. figures: of `training_figures`."""
    return bar_chart(
        [text for text, _ in figures["by_query"]],
        [Series("gain", [gain for _, gain in figures["by_query"]])],
        labels=Labels("Gain over the fixed blend by query", "query", "mean of both NDCG@10"),
    )


def weights_chart(figures: Mapping[str, Any]) -> str | None:
    """Return as SVG what weighs how much, None for trees, which have no weights."""
    if not figures["weights"]:
        return None
    return bar_chart(
        [name for name, _ in figures["weights"]],
        [Series("weight", [weight for _, weight in figures["weights"]])],
        labels=Labels("Mean weight by feature", "feature", "weight"),
    )


def curve_chart(figures: Mapping[str, Any]) -> str:
    """Return as SVG the gain by judged queries, of two points at least."""
    points = figures["curve"]
    gain, low, high = ([point[name] for point in points] for name in ("gain", "low", "high"))
    return line_chart(
        [point["queries"] for point in points],
        [Series("gain", gain, low, high)],
        labels=Labels("Gain by judged queries", "queries learned from", "mean of both NDCG@10"),
    )


def _ways(figures: Mapping[str, Any]) -> str:
    rows = [
        (
            name,
            one["ndcg"],
            one["judged_only"],
            f"{one['gain']:+.3f} [{one['low']:+.3f}, {one['high']:+.3f}]",
            ", ".join(f"{shown} ({times})" for shown, times in one["settings"].items()),
        )
        for name, one in figures["ways"].items()
    ]
    header = ("way", "NDCG@10", "judged only", "against the fixed blend", "settings (folds)")
    return section(
        "On queries that were not learned from",
        table(header, rows),
        note="Nested cross-validation by query; 95 % intervals from resampling the queries. "
        "NDCG@10 counts a product that nobody judged as wrong; judged only leaves it out.",
    )


def _by_query(figures: Mapping[str, Any]) -> str:
    return section(
        "Queries that win and lose", f'<div class="wide">{by_query_chart(figures)}</div>'
    )


def _weights(figures: Mapping[str, Any]) -> str:
    chart = weights_chart(figures)
    if chart is None:
        return section("Weights", note="Trees have no weights.")
    kinds = table(("kind of query", "queries", *figures["legs"]), figures["kinds"])
    return section("Weights", chart, kinds, note="By leg, in all.")
