"""The simplest bridge from a photo's features to a text encoder's space: ridge regression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RIDGE = 0.1
"""Of the features' mean variance. With some thousand photos the choice between 0.01 and 1 matters
little; less fits noise when there are fewer photos than features."""


@dataclass(frozen=True)
class Projection:
    """A linear map. weight: float32 [dims, features]. bias: float32 [dims]."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]


def fit_projection(
    features: NDArray[np.floating], text_vectors: NDArray[np.floating], *, ridge: float = RIDGE
) -> Projection:
    """Return the linear map that brings photos' features nearest to their texts' vectors.

    W = (X'X + r n I)^-1 X'T on centred X and T, with r = ridge times the mean variance of a
    feature (Hoerl and Kennard, "Ridge Regression", 1970); the bias restores the means.
    features: [photos, features]. text_vectors: [photos, dims], of the text of each photo.
    Raises ValueError when there are fewer than 2 photos, the two differ in number, a number is
    not finite, all photos are alike, or ridge is not above 0.
    """
    x, t = features.astype(np.float64), text_vectors.astype(np.float64)
    if x.ndim != 2 or t.ndim != 2 or len(x) != len(t) or len(x) < 2:
        raise ValueError(
            f"features {x.shape} and text_vectors {t.shape} should have as many rows, 2 or more"
        )
    if not (np.isfinite(x).all() and np.isfinite(t).all()):
        raise ValueError("features and text_vectors should be finite")
    if not ridge > 0:
        raise ValueError(f"ridge is {ridge}, should be above 0")
    x_mean, t_mean = x.mean(axis=0), t.mean(axis=0)
    x, t = x - x_mean, t - t_mean
    variance = float(np.square(x).mean())
    if variance == 0:
        raise ValueError("features are the same for all photos")
    gram = x.T @ x
    gram[np.diag_indices_from(gram)] += ridge * variance * len(x)
    weight = np.linalg.solve(gram, x.T @ t).T  # [dims, features]
    bias = t_mean - weight @ x_mean
    return Projection(weight.astype(np.float32), bias.astype(np.float32))
