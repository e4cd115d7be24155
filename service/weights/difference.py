"""What differs between two versions of the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Pair = tuple[Any, Any]


@dataclass(frozen=True)
class WeightsDifference:
    """Two versions side by side; every pair is (first, second), None where one has nothing.

    added, removed: features that only the second has, and only the first.
    weights: by feature, the numbers of `model.weights` where both or one are such a mapping.
    metrics: by name, nested ones with dots: `ndcg@10.low`.
    """

    versions: tuple[str, str]
    fusion: tuple[str, str]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    weights: Mapping[str, Pair]
    metrics: Mapping[str, Pair]


def compare(first: Mapping[str, Any], second: Mapping[str, Any]) -> WeightsDifference:
    """Return what differs between two weights documents."""
    before, after = first["features"], second["features"]
    return WeightsDifference(
        versions=(first["version"], second["version"]),
        fusion=(first["fusion"], second["fusion"]),
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        weights=_side_by_side(_weights(first), _weights(second)),
        metrics=_side_by_side(_flat(first["metrics"]), _flat(second["metrics"])),
    )


def _weights(document: Mapping[str, Any]) -> dict[str, float]:
    weights = document["model"].get("weights")
    if not isinstance(weights, Mapping):
        return {}
    return {
        name: value
        for name, value in weights.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _flat(metrics: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _side_by_side(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Pair]:
    names = dict.fromkeys([*first, *second])
    return {name: (first.get(name), second.get(name)) for name in names}
