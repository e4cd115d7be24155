"""What weighs how much in a version of the weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.fusion.gated import GatedModel
from service.fusion.lambdamart import LambdaMartModel
from service.fusion.linear import LinearModel
from service.fusion.projection import ProjectionModel
from service.fusion.registry import FusionModel
from service.ranking.features import FEATURES
from service.ranking.weights import RankingWeights
from service.weights.parsing import parse_ranking

WIDTH = 220
"""Of the drawing of a bar, in pixels."""


@dataclass(frozen=True)
class Bar:
    """A weight, and where its bar begins and how long it is, in pixels. zero: its line."""

    name: str
    meaning: str
    value: float
    x: float
    length: float
    zero: float


@dataclass(frozen=True)
class Shares:
    """By leg and by feature, the heaviest first. note: what the numbers leave out."""

    unit: str
    note: str
    legs: tuple[Bar, ...]
    features: tuple[Bar, ...]


def shares_of(document: Mapping[str, Any]) -> Shares:
    """Return what weighs how much; raises ValueError for a version that cannot rank."""
    model = parse_ranking(document).model
    weights, unit, note = _weights(model)
    by_leg: Counter[str] = Counter()
    for name, weight in weights.items():
        by_leg[FEATURES[name].leg] += weight  # type: ignore[assignment]  # a Counter of floats
    return Shares(
        unit,
        note,
        legs=_bars(by_leg, {}),
        features=_bars(weights, {name: FEATURES[name].meaning for name in weights}),
    )


def shipped_shares(weights: RankingWeights) -> Shares:
    """Return what weighs how much in the shipped weights, which know only legs."""
    legs = weights.weights_of("weighted_sum")
    note = "Only the legs that a search has take part."
    return Shares("weight", note, _bars(legs, {}), ())


def _weights(model: FusionModel) -> tuple[dict[str, float], str, str]:
    names = model.scale.names
    if isinstance(model, LinearModel):
        return _named(names, model.weights), "weight", ""
    if isinstance(model, GatedModel):
        note = "Where nothing is known of the query; with it the weights of each leg change."
        return _named(names, model.base.weights), "weight", note
    if isinstance(model, ProjectionModel):
        note = "Of the linear part; the projection adds to it what features say together."
        return _named(names, model.base.weights), "weight", note
    if isinstance(model, LambdaMartModel):
        counts: Counter[int] = Counter()
        for tree in model.trees:
            counts.update(int(one) for one in tree.feature if one >= 0)
        asked = {names[column]: float(count) for column, count in counts.items()}
        return asked, "questions", "Trees have no weights: how often they ask for each feature."
    return {}, "weight", "This kind of model says nothing of its weights."


def _named(names: tuple[str, ...], weights: Any) -> dict[str, float]:  # noqa: ANN401 - an array
    return {
        name: float(weight) for name, weight in zip(names, weights, strict=True) if weight != 0
    }


def _bars(values: Mapping[str, float], meanings: Mapping[str, str]) -> tuple[Bar, ...]:
    if not values:
        return ()
    low, high = min(0.0, *values.values(), 0.0), max(0.0, *values.values(), 0.0)
    scale = WIDTH / (high - low) if high > low else 0.0
    zero = -low * scale
    ordered = sorted(values.items(), key=lambda item: (-abs(item[1]), item[0]))
    return tuple(
        Bar(
            name,
            meanings.get(name, ""),
            value,
            x=round(zero + min(0.0, value) * scale, 2),
            length=round(abs(value) * scale, 2),
            zero=round(zero, 2),
        )
        for name, value in ordered
    )
