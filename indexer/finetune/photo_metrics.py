"""How well vectors of photos and words find photos: precision and recall among the first ten.

All vectors are float32 unit rows, so that a dot product is their cosine. Equal cosines are ordered
by row, so every figure is the same on every machine that computes the same cosines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

CUTOFF = 10
"""Places of a ranked list that count."""

MIN_PRODUCTS = 10
"""Photos that a pair of labels needs to be asked for: ten places can then all be right."""

_CHUNK = 512
"""Rows of queries whose cosines are in memory at once."""


@dataclass(frozen=True)
class LabelPair:
    """A phrase of two labels, and the labels that a photo must have to be right.

    Its `phrase` is "colour type" in lower case, as a customer types it.
    """

    colour: str
    kind: str

    @property
    def phrase(self) -> str:
        """Return the words."""
        return f"{self.colour} {self.kind}".lower()


@dataclass(frozen=True)
class WordsPrecision:
    """Mean precision of phrases by what of them is right.

    pairs: how many phrases were asked for; with none, the figures are nan.
    """

    pairs: int
    kind: float
    colour: float
    both: float


def nearest(
    queries: Vectors, photos: Vectors, *, size: int = CUTOFF, without_self: bool = False
) -> NDArray[np.int64]:
    """Return the rows of the nearest photos of each query, best first.

    queries: float32 [n, dims]. photos: float32 [m, dims]. Gives int64 [n, min(size, m)].
    without_self: query i is photo i, which is left out; n == m, and a row has at most m - 1.
    Raises ValueError when the widths differ, or n != m where they must not.
    """
    if queries.ndim != 2 or photos.ndim != 2 or queries.shape[1] != photos.shape[1]:
        raise ValueError(f"vectors of shapes {queries.shape} and {photos.shape} do not compare")
    if without_self and len(queries) != len(photos):
        raise ValueError(f"{len(queries)} queries cannot be the same as {len(photos)} photos")
    depth = min(size, len(photos) - without_self)
    if depth <= 0 or not len(queries):
        return np.zeros((len(queries), max(depth, 0)), dtype=np.int64)
    found = np.empty((len(queries), depth), dtype=np.int64)
    for start in range(0, len(queries), _CHUNK):
        cosines = queries[start : start + _CHUNK] @ photos.T  # [chunk, m]
        if without_self:
            rows = np.arange(len(cosines))
            cosines[rows, start + rows] = -np.inf
        for row, values in enumerate(cosines):
            found[start + row] = _first(values, depth)
    return found


def photo_precision(photos: Vectors, labels: Sequence[str], *, size: int = CUTOFF) -> float:
    """Return the mean share of a photo's nearest others that have its label.

    A photo without a label ("") asks for nothing, and is a wrong answer to the others. Labels
    that few photos have pull the figure below 1 for any encoder.
    nan when no photo has a label, or there are no two photos.
    """
    names = np.asarray(labels, dtype=object)
    asking = names != ""
    found = nearest(photos, photos, size=size, without_self=True)
    if not asking.any() or not found.shape[1]:
        return float("nan")
    return float(np.mean(names[found[asking]] == names[asking, None]))


def label_pairs(
    colours: Sequence[str], kinds: Sequence[str], *, min_products: int = MIN_PRODUCTS
) -> list[LabelPair]:
    """Return the pairs of labels that at least `min_products` products have, in order of name.

    colours, kinds: one a product; "" is none.
    """
    counts = Counter(zip(colours, kinds, strict=True))
    return [
        LabelPair(colour, kind)
        for (colour, kind), count in sorted(counts.items())
        if colour and kind and count >= min_products
    ]


def words_precision(
    pairs: Sequence[LabelPair],
    phrase_vectors: Vectors,
    photos: Vectors,
    colours: Sequence[str],
    kinds: Sequence[str],
    *,
    size: int = CUTOFF,
) -> WordsPrecision:
    """Return how many of the nearest photos of each phrase are of its kind, its colour, and both.

    phrase_vectors: float32 [pairs, dims], of `LabelPair.phrase`. colours, kinds: one a photo.
    """
    found = nearest(phrase_vectors, photos, size=size)
    if not found.size:
        return WordsPrecision(len(pairs), float("nan"), float("nan"), float("nan"))
    wanted_kinds = np.asarray([pair.kind for pair in pairs], dtype=object)[:, None]
    wanted_colours = np.asarray([pair.colour for pair in pairs], dtype=object)[:, None]
    right_kind = np.asarray(kinds, dtype=object)[found] == wanted_kinds
    right_colour = np.asarray(colours, dtype=object)[found] == wanted_colours
    return WordsPrecision(
        pairs=len(pairs),
        kind=float(np.mean(right_kind)),
        colour=float(np.mean(right_colour)),
        both=float(np.mean(right_kind & right_colour)),
    )


def own_photo_recall(
    text_vectors: Vectors,
    photos: Vectors,
    *,
    owners: Sequence[int] | None = None,
    size: int = CUTOFF,
) -> float:
    """Return the share of texts that have a photo of their own product among the nearest.

    text_vectors: float32 [n, dims], one a product. owners: the text's row of each photo; photo i
    belongs to text i when not given. nan when there is no text or no photo.
    """
    found = nearest(text_vectors, photos, size=size)
    if not found.size:
        return float("nan")
    of = np.arange(len(photos)) if owners is None else np.asarray(owners)
    own = of[found] == np.arange(len(text_vectors))[:, None]
    return float(np.mean(own.any(axis=1)))


def _first(values: NDArray[np.float32], depth: int) -> NDArray[np.int64]:
    """Return the places of the largest values; of equal ones the earlier place first."""
    least = np.partition(values, len(values) - depth)[len(values) - depth]
    places = np.flatnonzero(values >= least)
    order = np.argsort(-values[places], kind="stable")[:depth]
    return places[order].astype(np.int64)
