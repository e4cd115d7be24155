"""Batches of texts of like length, so that little of a batch is padding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def plan_batches(
    lengths: Sequence[int] | NDArray[np.integer], *, batch_size: int, token_budget: int
) -> list[NDArray[np.intp]]:
    """Return the positions of each batch, longest texts first; every position occurs once.

    lengths: tokens of each text. A batch holds at most `batch_size` texts, and at most
    `token_budget` tokens with its padding (one text may exceed that alone).
    Texts of equal length keep their order.
    """
    order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable")
    batches = []
    start = 0
    while start < len(order):
        longest = max(1, int(lengths[order[start]]))
        end = start + max(1, min(batch_size, token_budget // longest))
        batches.append(order[start:end])
        start = end
    return batches
