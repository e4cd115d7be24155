"""The lists of retrievers made one, as Elasticsearch documents `rrf` and `linear`."""

from __future__ import annotations

import math
from collections.abc import Mapping

from service.compat.retriever_tree import Fused, Leaf, Node, Part

Key = tuple[str, str]
"""Index and id of a document."""

ScoredList = dict[Key, float]
"""Documents with their scores, best first."""

_EQUAL = 1e-6
"""Difference under which scores of 32 bits are the same."""


def fuse_tree(node: Node, found: Mapping[Leaf, ScoredList]) -> ScoredList:
    """Return the documents of a tree, best first; equal ones by id.

    found: what each leaf's search gave, in its order.
    """
    if isinstance(node, Leaf):
        return dict(list(found[node].items())[: node.window])
    total: ScoredList = {}
    for part in node.parts:
        scores = fuse_tree(part.node, found)
        for key, score in _contributions(node, part, scores).items():
            total[key] = total.get(key, 0.0) + score
    least = -math.inf if node.min_score is None else node.min_score
    kept = [(key, score) for key, score in total.items() if score >= least]
    kept.sort(key=lambda pair: (-pair[1], pair[0][1], pair[0][0]))
    return dict(kept[: node.window])


def _contributions(node: Fused, part: Part, scores: ScoredList) -> ScoredList:
    """Return what one list gives to each of its documents.

    rrf: weight / (rank_constant + rank), rank from 1. linear: weight * normalized score.
    """
    if node.method == "rrf":
        return {
            key: part.weight / (node.rank_constant + rank)
            for rank, key in enumerate(scores, start=1)
        }
    return {key: part.weight * score for key, score in normalized(part, scores).items()}


def normalized(part: Part, scores: ScoredList) -> ScoredList:
    """Return the scores of a list on the scale that its part asks for.

    minmax: (s - least) / (most - least); all the same stay as they are. l2_norm: s / length of
    all the scores as one vector.
    """
    if not scores or part.normalizer == "none":
        return scores
    if part.normalizer == "minmax":
        least, most = min(scores.values()), max(scores.values())
        if most - least < _EQUAL:
            return scores
        return {key: (score - least) / (most - least) for key, score in scores.items()}
    length = math.sqrt(sum(score * score for score in scores.values()))
    if length < _EQUAL:
        return scores
    return {key: score / length for key, score in scores.items()}
