"""Gradient-boosted trees over all features, evaluated in NumPy.

Trained by LightGBM's lambdarank (Burges: From RankNet to LambdaRank to LambdaMART, 2010); serving
needs its arrays alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.fusion.linear import CalibratedFeatures, LinearModel, finite, whole_numbers
from service.search_results import FeatureMatrix, FusedScores, Scores

Nodes = NDArray[np.int64]


@dataclass(frozen=True)
class Tree:
    """One tree of m nodes; node 0 is the root.

    feature: int [m], -1 for a leaf. threshold: float64 [m]; at most that goes to `left`.
    left, right: int [m]. value: float64 [m], a leaf's score, and of an inner node the mean of
    the training rows that came by, by which the path to a leaf is explained.
    """

    feature: Nodes
    threshold: Scores
    left: Nodes
    right: Nodes
    value: Scores

    def __post_init__(self) -> None:
        """Raise ValueError when its nodes do not make a tree."""
        size = len(self.feature)
        if not size:
            raise ValueError("a tree should have at least one node")
        inner = np.flatnonzero(self.feature >= 0)
        for children in (self.left, self.right):
            # A child behind its parent: no way down ever comes back.
            if (children[inner] <= inner).any() or (children[inner] >= size).any():
                raise ValueError("a node's child should stand behind it in the tree")
        children = np.sort(np.concatenate([self.left[inner], self.right[inner]]))
        if not np.array_equal(children, np.arange(1, size)):
            raise ValueError("each node but the root should be the child of one other")

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {name: getattr(self, name).tolist() for name in _ARRAYS}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any], features: int) -> Tree:
        """Read it back. Raises KeyError, TypeError or ValueError for a broken one."""
        size = (len(raw["feature"]),)
        nodes = {name: whole_numbers(raw[name], size) for name in _NODES}
        if nodes["feature"].max(initial=-1) >= features:
            raise ValueError("a tree asks for a feature that is not there")
        return cls(
            threshold=finite(raw["threshold"], size), value=finite(raw["value"], size), **nodes
        )


@dataclass(frozen=True)
class _Forest:
    """All trees as one array each, so that every candidate goes down all of them at once.

    roots: int [t], places in the arrays. The arrays are those of the trees, one behind the other.
    """

    roots: Nodes
    feature: Nodes
    threshold: Scores
    left: Nodes
    right: Nodes
    value: Scores

    @classmethod
    def of(cls, trees: Sequence[Tree]) -> _Forest:
        """Return the trees with the places of their nodes moved behind each other."""
        sizes = np.array([len(tree.feature) for tree in trees], dtype=np.int64)
        roots = np.cumsum(sizes) - sizes
        return cls(
            roots,
            np.concatenate([tree.feature for tree in trees]),
            np.concatenate([tree.threshold for tree in trees]),
            np.concatenate([tree.left + root for tree, root in zip(trees, roots, strict=True)]),
            np.concatenate([tree.right + root for tree, root in zip(trees, roots, strict=True)]),
            np.concatenate([tree.value for tree in trees]),
        )

    def changes(self, features: Scores) -> Scores:
        """Return what each feature [n, f] changed on the ways to the leaves, float64 [n, f]."""
        size = features.shape[1]
        node = np.tile(self.roots, len(features))  # [n * t]
        row = np.repeat(np.arange(len(features)), len(self.roots))
        found = np.zeros(features.size)  # [n * f]
        while len(node):
            inner = self.feature[node] >= 0
            row, node = row[inner], node[inner]
            column = self.feature[node]
            goes_left = features[row, column] <= self.threshold[node]
            child = np.where(goes_left, self.left[node], self.right[node])
            change = self.value[child] - self.value[node]
            found += np.bincount(row * size + column, weights=change, minlength=features.size)
            node = child
        return found.reshape(features.shape)


@dataclass(frozen=True)
class LambdaMartModel:
    """score = weighted sum of the features + sum of the trees' leaves.

    base: the weighted sum that the trees start from and mend, None when they start from nothing.
    """

    scale: CalibratedFeatures
    trees: Sequence[Tree]
    base: LinearModel | None = None

    fusion = "lambdamart"

    @property
    def features(self) -> tuple[str, ...]:
        """Return the features that count: those with a weight, and what some tree asks for."""
        asked = {int(column) for tree in self.trees for column in tree.feature if column >= 0}
        weighed = self.base.features if self.base else ()
        return tuple(
            name
            for column, name in enumerate(self.scale.names)
            if column in asked or name in weighed
        )

    def weights_for(self, query: Scores) -> Scores:
        """Return the weights of the linear part, float64 [f]; NaN without one."""
        if self.base is not None:
            return self.base.weights
        return np.full(len(self.scale.names), np.nan)

    def fuse(self, matrix: FeatureMatrix) -> FusedScores:
        """Return totals and contributions by feature, float64 [n] and [n, f].

        Exact: each split on the way to a leaf gives its feature the change of the mean, and the
        roots' values are the same for every candidate, shared by all features.
        """
        features = self.scale.apply(matrix)
        contributions = np.zeros(features.shape)
        if self.trees:
            forest = self._forest
            contributions += forest.changes(features)
            contributions += forest.value[forest.roots].sum() / features.shape[1]
        if self.base is not None:
            contributions += features * self.base.weights
        return FusedScores(contributions.sum(axis=1), contributions)

    @cached_property
    def _forest(self) -> _Forest:
        return _Forest.of(self.trees)

    def to_json(self) -> dict[str, Any]:
        """Return the `model` of a weights document."""
        linear = self.base.to_json() if self.base else {"calibrations": self.scale.to_json()}
        return {**linear, "trees": [tree.to_json() for tree in self.trees]}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> LambdaMartModel:
        """Read it back. Raises KeyError, TypeError or ValueError for a broken one."""
        scale = CalibratedFeatures.from_json(raw["calibrations"])
        trees = tuple(Tree.from_json(tree, len(scale.names)) for tree in raw["trees"])
        return cls(scale, trees, LinearModel.from_json(raw) if "weights" in raw else None)


_NODES = ("feature", "left", "right")
_ARRAYS = (*_NODES, "threshold", "value")
