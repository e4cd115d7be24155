"""How good a model's order is on judged queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from service.fusion.registry import FusionModel
from service.learning.dataset import JudgedQuery
from service.search_results import Scores

CUTOFF = 10


@dataclass(frozen=True)
class Quality:
    """By query, float64 [q] each, 0 to 1.

    plain: NDCG@10 of what the service would show, where a product that nobody judged counts as
        wrong. judged: NDCG@10 among the judged products alone.
    """

    plain: Scores
    judged: Scores

    @property
    def goal(self) -> Scores:
        """Return the mean of both, which training aims at.

        A judgement list that came from one engine punishes what that engine did not return;
        judged products alone ignore what a ranking puts above them. A good ranking is high
        in both.
        """
        goal: Scores = (self.plain + self.judged) / 2
        return goal


def quality(model: FusionModel, queries: Sequence[JudgedQuery]) -> Quality:
    """Return the model's quality on queries, each of which has a right answer."""
    plain, judged = [], []
    for query in queries:
        total = model.fuse(query.matrix).total
        window = _order(total[: query.in_window], query.matrix.product_ids)
        known = np.flatnonzero(query.judged)
        names = [query.matrix.product_ids[row] for row in known]
        plain.append(_ndcg(query.grades[window], query.all_grades))
        judged.append(_ndcg(query.grades[known[_order(total[known], names)]], query.all_grades))
    return Quality(np.asarray(plain), np.asarray(judged))


def gain(grades: Scores) -> Scores:
    """Return 2^grade - 1; 0 where nobody judged."""
    gained: Scores = 2.0 ** np.nan_to_num(grades) - 1.0
    return gained


def _order(total: Scores, names: Sequence[str]) -> Sequence[int]:
    return sorted(range(len(total)), key=lambda row: (-total[row], names[row]))


def _ndcg(grades: Scores, all_grades: Sequence[float]) -> float:
    ideal = np.sort(np.asarray(all_grades))[::-1]
    return _dcg(grades) / _dcg(ideal)


def _dcg(grades: Scores) -> float:
    gains = gain(grades[:CUTOFF])
    return float((gains / np.log2(np.arange(2, len(gains) + 2))).sum())
