"""The figures of an experiment's report as the page draws them."""

from __future__ import annotations

from dataclasses import dataclass

from service.experiments_report import MISMATCH, ExperimentReport
from service.experiments_words import left_out_words
from service.studio.interval_plot import Axis, Estimate, IntervalPlot
from service.weights.experiments import AbReport, InterleavingReport
from service.weights.proportions import Difference, Proportion


@dataclass(frozen=True)
class Share:
    """A share of clients, and its interval, in percent."""

    clients: int
    plot: IntervalPlot


@dataclass(frozen=True)
class MeasureRow:
    """One measure of an A/B experiment. difference: B minus A, in points of a hundred."""

    name: str
    a: Share
    b: Share
    difference: IntervalPlot
    p_value: str


@dataclass(frozen=True)
class Preference:
    """What an interleaving experiment has counted. plot: of B, in percent, with a line at 50."""

    wins: int
    losses: int
    ties: int
    without_clicks: int
    plot: IntervalPlot
    p_value: str


@dataclass(frozen=True)
class Figures:
    """measures: of an A/B experiment; preference: of the other kind, None else.

    split: what is said of how the clients are divided, empty where that is not known.
    """

    measures: tuple[MeasureRow, ...]
    preference: Preference | None
    split: str
    is_split_wrong: bool
    left_out: tuple[tuple[str, int], ...]


def figures_of(report: ExperimentReport) -> Figures:
    """Return what the page shows."""
    result = report.result
    is_ab = isinstance(result, AbReport)
    return Figures(
        measures=_measures(result) if isinstance(result, AbReport) else (),
        preference=None if is_ab else _preference(result),  # type: ignore[arg-type]
        split=_split(report.split_p_value),
        is_split_wrong=report.split_p_value is not None and report.split_p_value < MISMATCH,
        left_out=left_out_words(report.left_out),
    )


def p_words(p_value: float) -> str:
    """Return a p-value as it is shown."""
    return f"{p_value:.2g}" if p_value >= 0.001 else "under 0.001"


def _measures(result: AbReport) -> tuple[MeasureRow, ...]:
    differences = (result.click_difference, result.purchase_difference)
    points = [_points(one) for one in differences]
    axis = Axis.around(points, 0.0)
    rows = []
    for name, shares, found, estimate in (
        ("Clicked", result.clicks, differences[0], points[0]),
        ("Bought", result.purchases, differences[1], points[1]),
    ):
        own = [_percent(shares[version]) for version in result.versions]
        scale = Axis.around(own, 0.0)
        a, b = (
            Share(shares[version].trials, IntervalPlot(one, scale))
            for version, one in zip(result.versions, own, strict=True)
        )
        plot = IntervalPlot(estimate, axis, 0.0)
        rows.append(MeasureRow(name, a, b, plot, p_words(found.p_value)))
    return tuple(rows)


def _preference(result: InterleavingReport) -> Preference:
    plot = IntervalPlot(_percent(result.preference), Axis(0.0, 100.0), 50.0)
    return Preference(
        result.wins,
        result.losses,
        result.ties,
        result.without_clicks,
        plot,
        p_words(result.p_value),
    )


def _percent(share: Proportion) -> Estimate:
    return Estimate(100 * share.value, 100 * share.low, 100 * share.high)


def _points(found: Difference) -> Estimate:
    return Estimate(100 * found.value, 100 * found.low, 100 * found.high)


def _split(p_value: float | None) -> str:
    if p_value is None:
        return ""
    if p_value < MISMATCH:
        return (
            f"The clients are not divided as the share says (p {p_words(p_value)}). Events of one "
            "version get lost, or client_id is not the same in searches and events: trust none of "
            "these numbers before that is found."
        )
    return f"The clients are divided as the share says (p = {p_words(p_value)})."
