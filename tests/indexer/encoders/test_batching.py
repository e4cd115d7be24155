from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.encoders.batching import plan_batches


@pytest.mark.parametrize(
    ("lengths", "batch_size", "token_budget", "expected"),
    [
        ([], 4, 100, []),
        ([5, 5, 5], 2, 100, [[0, 1], [2]]),
        ([1, 9, 5], 4, 100, [[1, 2, 0]]),
        ([10, 10, 10, 2], 8, 20, [[0, 1], [2, 3]]),
        ([500, 3], 8, 100, [[0], [1]]),
        ([0, 0], 8, 100, [[0, 1]]),
    ],
    ids=["none", "size", "longest first", "budget", "one over the budget", "no tokens"],
)
def test_batches(
    lengths: list[int], batch_size: int, token_budget: int, expected: list[list[int]]
) -> None:
    batches = plan_batches(lengths, batch_size=batch_size, token_budget=token_budget)
    assert [batch.tolist() for batch in batches] == expected


@given(st.lists(st.integers(0, 600), max_size=200), st.integers(1, 70), st.integers(1, 3000))
def test_every_text_is_in_one_batch_within_the_limits(
    lengths: list[int], batch_size: int, token_budget: int
) -> None:
    batches = plan_batches(lengths, batch_size=batch_size, token_budget=token_budget)
    assert sorted(np.concatenate([*batches, np.array([], int)]).tolist()) == list(
        range(len(lengths))
    )
    for batch in batches:
        widest = max(lengths[position] for position in batch)
        assert len(batch) <= batch_size
        assert len(batch) == 1 or len(batch) * widest <= token_budget
