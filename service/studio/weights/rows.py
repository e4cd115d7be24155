"""Versions of the weights as the page lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.studio.interval_plot import Axis, Estimate, IntervalPlot
from service.weights.documents import WeightsDocument
from service.weights.state import WeightsState

_SOURCES = {"judgements": "judgements", "clicks": "clicks", "hand": "made by hand"}


@dataclass(frozen=True)
class VersionRow:
    """One version.

    marks: `active`, `A`, `B`. is_used: whether it answers searches, so that it cannot be deleted.
    ndcg: NDCG@10 on queries that were not learned from. gain: over the shipped weights, by the
    mean of both NDCG@10. Both are None where training has not said so.
    """

    version: str
    created: str
    fusion: str
    source: str
    queries: int | None
    note: str
    marks: tuple[str, ...]
    is_used: bool
    ndcg: IntervalPlot | None
    gain: IntervalPlot | None


def version_rows(versions: Sequence[WeightsDocument], state: WeightsState) -> list[VersionRow]:
    """Return a row for each version that is not being deleted, their drawings on one scale."""
    shown = [one for one in versions if one["version"] not in state.deleting]
    ndcgs = [ndcg_of(one["metrics"]) for one in shown]
    gains = [gain_of(one["metrics"]) for one in shown]
    ndcg_axis, gain_axis = Axis.around(ndcgs), Axis.around(gains, 0.0)
    return [
        VersionRow(
            version=one["version"],
            created=_minute(one["created_at"]),
            fusion=one["fusion"],
            source=_SOURCES.get(one["training"]["source"], one["training"]["source"]),
            queries=one["training"].get("queries"),
            note=one["note"],
            marks=marks_of(one["version"], state),
            is_used=one["version"] in state.in_use,
            ndcg=IntervalPlot(ndcg, ndcg_axis) if ndcg else None,
            gain=IntervalPlot(gain, gain_axis, 0.0) if gain else None,
        )
        for one, ndcg, gain in zip(shown, ndcgs, gains, strict=True)
    ]


def marks_of(version: str, state: WeightsState) -> tuple[str, ...]:
    """Return what a version is at present: `active`, and `A` or `B` of an experiment."""
    arms = () if state.experiment is None else state.experiment.versions
    teams = [team for team, arm in zip("AB", arms, strict=False) if arm == version]
    return (*(["active"] if version == state.active else []), *teams)


def ndcg_of(metrics: Mapping[str, Any]) -> Estimate | None:
    """Return NDCG@10 on queries that were not learned from, None where it is not known."""
    if found := Estimate.read(metrics.get("ndcg@10")):
        return found
    # Versions that were trained before the interval was kept.
    ways, kept = metrics.get("ways"), metrics.get("kept")
    way = ways.get(kept) if isinstance(ways, Mapping) else None
    return Estimate.read(way.get("ndcg@10")) if isinstance(way, Mapping) else None


def gain_of(metrics: Mapping[str, Any]) -> Estimate | None:
    """Return what the version gains over the shipped weights, None where it is not known."""
    return Estimate.read(metrics.get("gain_over_shipped"))


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")
