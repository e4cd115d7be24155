"""Scores of one leg to a common scale of 0 to 1, the same for every query and page.

Min-max over one result list would make the worst hit of a good list look like the worst of a
bad one, and shift with the page size; these functions depend on the leg and encoder alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from service.search_results import Scores

Kind = Literal["saturation", "linear", "identity"]


@dataclass(frozen=True)
class Calibration:
    """How one leg's scores become comparable.

    kind `saturation`: s / (s + pivot), for BM25, which has no upper bound.
    kind `linear`: 0 at `low`, 1 at `high`, and straight between, for cosines.
    kind `identity`: as it is, for what may be below 0.
    """

    kind: Kind
    pivot: float = 1.0
    low: float = 0.0
    high: float = 1.0

    def apply(self, scores: Scores) -> Scores:
        """Return float64 of the same shape, each from 0 to 1; NaN (absent) gives 0."""
        if self.kind == "identity":
            scaled = scores
        elif self.kind == "saturation":
            positive = np.maximum(scores, 0.0)
            scaled = positive / (positive + self.pivot)
        else:
            scaled = np.clip((scores - self.low) / (self.high - self.low), 0.0, 1.0)
        result: Scores = np.nan_to_num(scaled, nan=0.0)
        return result

    @property
    def slope(self) -> float:
        """How fast the calibrated score grows at its start, for the linear first pass."""
        if self.kind == "identity":
            return 1.0
        return 1.0 / self.pivot if self.kind == "saturation" else 1.0 / (self.high - self.low)
