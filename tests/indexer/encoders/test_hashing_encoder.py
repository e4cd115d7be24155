from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from indexer.encoders.hashing import HashingEncoder


def test_shared_words_are_nearer_than_shared_parts_and_those_than_nothing() -> None:
    query, same_word, same_part, other = HashingEncoder().encode(
        ["wireless mouse", "mouse pad", "mouses", "garden hose"]
    )
    assert query @ same_word > query @ same_part > query @ other


def test_case_and_width_do_not_matter() -> None:
    first, second = HashingEncoder().encode(["USB Cable", "ｕｓｂ cable"])
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("dims", [1, 7, 256, 4096])
def test_any_length_of_vector(dims: int) -> None:
    encoder = HashingEncoder(dims=dims)
    assert encoder.encode(["usb cable", ""]).shape == (2, dims)
    assert encoder.spec.dims == dims


@pytest.mark.parametrize("dims", [0, 4097])
def test_a_length_that_the_index_refuses_is_refused(dims: int) -> None:
    with pytest.raises(ValueError, match=str(dims)):
        HashingEncoder(dims=dims)


def test_numbers_are_those_of_the_first_release() -> None:
    """Indexes keep vectors: whoever changes these numbers must raise hashing.REVISION."""
    vector = HashingEncoder().encode(["cordless mouse"])[0]
    largest = np.argsort(-np.abs(vector), kind="stable")[:2]
    assert largest.tolist() == [53, 59]
    np.testing.assert_allclose(
        vector[[53, 59, 93, 91]], [-0.585815, -0.585815, -0.138078, 0.138078], atol=1e-6
    )


def test_another_process_with_another_hash_seed_gives_the_same_numbers() -> None:
    program = (
        "from indexer.encoders.hashing import HashingEncoder;"
        "print(HashingEncoder().encode(['usb cable 2m']).tobytes().hex())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.getcwd()},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
