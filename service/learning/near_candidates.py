"""The candidates of a query that teach anything."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from service.search_results import Scores

_UNJUDGED = 100


def near_candidates(judged: NDArray[np.bool_], scores: Scores) -> NDArray[np.int64]:
    """Return all judged candidates and the best 100 of the others, by place, int64 [k].

    judged: bool [n]. scores: float64 [n], of the weighted sum, ties by place. An unjudged
    candidate further down has next to no share of a listwise loss, and is most of the work.
    """
    by_score = np.argsort(-scores, kind="stable")
    unjudged = by_score[~judged[by_score]][:_UNJUDGED]
    return np.sort(np.concatenate([np.flatnonzero(judged), unjudged]))
