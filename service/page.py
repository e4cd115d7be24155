"""One page of hits: their order, where it begins, and what is said of each hit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from service.cursor import Cursor
from service.feature_ranking import ModelScores
from service.leg_ranks import leg_ranks
from service.ranking.explanation import explain_hit
from service.search_results import (
    Facets,
    FeatureShare,
    FoundPhoto,
    FusedScores,
    Hit,
    LegScores,
    LegShare,
    MovedBy,
    Photos,
    Total,
)


@dataclass(frozen=True)
class Page:
    """Hits in their order. end: the last of them, for the page after."""

    hits: Sequence[Hit]
    total: Total
    facets: Facets
    end: Cursor


@dataclass(frozen=True)
class Ranked:
    """Candidates with their scores, and how to show them.

    weights: leg to its share. ranked: whether leg ranks are known, which they are only
    within the window. scored: False when the order is by a field. model: what a learned model
    made of them, whose legs are then the columns of `fused`. pinned_by: of the last candidates,
    which are the first of the order, the rule that pins each. moved_by: row to the rules that
    have moved it.
    """

    scores: LegScores
    fused: FusedScores
    weights: Mapping[str, float]
    ranked: bool
    scored: bool = True
    model: ModelScores | None = None
    pinned_by: Sequence[str] = ()
    moved_by: Mapping[int, Sequence[MovedBy]] = field(default_factory=dict)

    @property
    def first_pinned(self) -> int:
        """Return the row of the first pinned product, the number of all rows without one."""
        return len(self.scores.product_ids) - len(self.pinned_by)

    def own_order(self) -> list[int]:
        """Return the rows that are not pinned by score, ties by product id."""
        ids = self.scores.product_ids
        total = self.fused.total
        return sorted(range(self.first_pinned), key=lambda row: (-total[row], ids[row]))

    def order(self) -> list[int]:
        """Return the rows, pinned ones first, the others by score, ties by product id."""
        return [*range(self.first_pinned, len(self.scores.product_ids)), *self.own_order()]

    def key(self, row: int) -> tuple[float, str]:
        """Return [score, product id], for a cursor."""
        return float(self.fused.total[row]), self.scores.product_ids[row]


def place_after(ranked: Ranked, order: Sequence[int], start: Cursor) -> int:
    """Return the place in the order where a page begins.

    With a cursor that is behind its product, wherever that now is, so that a product
    that was added or removed meanwhile shifts nothing.
    """
    if not start.after:
        return min(start.position, len(order))
    score, product_id = start.after
    # By its name first: a score may have changed with the time or with the weights.
    if (behind := place_behind(ranked.scores, order, product_id)) is not None:
        return behind
    pins = len(ranked.pinned_by)
    if pins and start.position <= pins:  # it was pinned, which no score says; now it is gone
        return min(max(0, start.position - 1), len(order))
    for place, row in enumerate(order[pins:], pins):
        row_score, row_id = ranked.key(row)
        if (-row_score, row_id) > (-score, product_id):
            return place
    return len(order)


def place_behind(scores: LegScores, order: Sequence[int], product_id: str) -> int | None:
    """Return the place right behind a product in an order of rows, None when it is not there."""
    ids = scores.product_ids
    return next((place for place, row in enumerate(order, 1) if ids[row] == product_id), None)


def build_hits(
    ranked: Ranked,
    rows: Sequence[int],
    products: Mapping[str, Mapping[str, Any]],
    *,
    first: int,
    explain: bool,
    photos: Photos = MappingProxyType({}),
) -> list[Hit]:
    """Return the hits of those rows.

    photos: of each product, by which of its photos a leg found it. first: place of the first of
    the rows in the whole order, from 0. A product that was deleted since the search is left out.
    """
    legs_of_rows = _leg_shares(ranked, rows)
    totals = ranked.fused.total.tolist()
    hits: list[Hit] = []
    for place, row in enumerate(rows, start=first + 1):
        product_id = ranked.scores.product_ids[row]
        if product_id not in products:
            continue
        legs = legs_of_rows[place - first - 1]
        score = totals[row]
        pin = row - ranked.first_pinned
        pinned_by = ranked.pinned_by[pin] if pin >= 0 else None
        moved_by = ranked.moved_by.get(row, ())
        hits.append(
            Hit(
                id=product_id,
                score=score if ranked.scored else None,
                product=products[product_id],
                legs=legs,
                explanation=explain_hit(place, score, legs, pinned_by=pinned_by, moved_by=moved_by)
                if explain and legs
                else None,
                features=_feature_shares(ranked.model, row) if explain and ranked.model else {},
                photo=_deciding(photos.get(product_id, {}), legs),
                pinned_by=pinned_by,
                moved_by=moved_by,
            )
        )
    return hits


def _deciding(photos: Mapping[str, FoundPhoto], legs: Mapping[str, LegShare]) -> FoundPhoto | None:
    """Return the photo of the leg that gave most; a leg that weighs nothing decides nothing."""
    gave = {leg: legs[leg].contribution for leg in photos if leg in legs}
    return photos[max(gave, key=lambda leg: (gave[leg], leg))] if gave else None


def _leg_shares(ranked: Ranked, rows: Sequence[int]) -> list[dict[str, LegShare]]:
    """Return what each leg says, row by row: as Python's numbers, column by column, for speed."""
    own, model, picked = ranked.scores.legs, ranked.model, list(rows)
    ranks = leg_ranks(ranked.scores) if ranked.ranked else None
    shares: list[dict[str, LegShare]] = [{} for _ in picked]
    for column, leg in enumerate(model.legs if model else own):
        places = None
        if model is None or leg in own:
            scores = ranked.scores.scores[:, own.index(leg)]
            places = None if ranks is None else ranks[picked, own.index(leg)].tolist()
        else:
            scores = model.leg_scores[leg]
        contributions = ranked.fused.contributions[picked, column].tolist()
        weight = ranked.weights[leg]
        for at, score in enumerate(scores[picked].tolist()):
            found = score == score  # NaN is not itself
            shares[at][leg] = LegShare(
                score=score if found else None,
                rank=int(places[at]) if found and places is not None else None,
                weight=weight,
                contribution=contributions[at],
            )
    return shares


def _feature_shares(model: ModelScores, row: int) -> dict[str, FeatureShare]:
    """Return the features that gave something to a hit, the strongest first."""
    matrix = model.features.matrix
    place = {name: column for column, name in enumerate(matrix.names)}
    given = zip(model.feature_names, model.by_feature.contributions[row], strict=True)
    shares = {}
    for name, contribution in sorted(given, key=lambda one: (-abs(one[1]), one[0])):
        if contribution:
            value = matrix.values[row, place[name]]
            known = None if np.isnan(value) else float(value)
            shares[name] = FeatureShare(known, float(contribution))
    return shares
