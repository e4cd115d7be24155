"""What the shipped tower is asked: to be nearest to the words that a picture may be called.

With unit embeddings z, unit text vectors t and a learned scale s, the loss of a picture is
-log(sum over its own words of exp(s z.t) / sum over all words of exp(s z.t)): a picture that may
be one of several kinds has to be near to any of them. The same is asked from words to the
pictures of a batch, as searching does. Words are those of kinds, and of kinds in colours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from indexer.towers.pictures import Pictures
from indexer.towers.words import TextTargets

_FIRST_SCALE, _MOST_SCALE = 15.0, 60.0
_NEVER = -1e4


@dataclass(frozen=True)
class LossWeights:
    """How much each part counts, kind being 1. colour: kinds in colours. search: from words."""

    colour: float = 0.7
    search: float = 0.5


class WordsObjective(nn.Module):  # type: ignore[misc]
    """The loss of a batch; its one parameter is the logarithm of the inverse temperature."""

    def __init__(self, targets: TextTargets, weights: LossWeights) -> None:
        super().__init__()
        self.weights = weights
        self.coloured_kinds = targets.coloured.shape[0]
        joint = targets.coloured.reshape(-1, targets.coloured.shape[2])
        self.register_buffer("plain", torch.from_numpy(targets.plain))  # [K, dims]
        self.register_buffer("joint", torch.from_numpy(joint))  # [G * C, dims]
        self.log_scale = nn.Parameter(torch.tensor(math.log(_FIRST_SCALE)))

    def forward(
        self, embeddings: torch.Tensor, pictures: Pictures, rng: np.random.Generator
    ) -> dict[str, torch.Tensor]:
        """Return the parts of the loss by name, unweighted, and their weighted sum as `total`.

        embeddings: float32 [n, dims], of the pictures. rng: which of its phrases a picture's
        words are when words look for pictures.
        """
        unit = nn.functional.normalize(embeddings, dim=1)
        scaled = unit * self.log_scale.exp().clamp(max=_MOST_SCALE)
        kinds = torch.from_numpy(pictures.kinds)
        colours = torch.from_numpy(pictures.colours)
        known = colours.any(dim=1) & kinds[:, : self.coloured_kinds].any(dim=1)
        own = (kinds[known, : self.coloured_kinds, None] & colours[known, None]).flatten(1)
        share = float(known.float().mean())
        asked = torch.unique(kinds.int().argmax(dim=1))
        to_kind = scaled @ self.plain.T  # [n, K]
        parts = {
            "kind": _partial(to_kind, kinds).mean(),
            "search": _partial(to_kind.T[asked], kinds.T[asked]).mean(),
            "colour": torch.zeros(()),
        }
        if share:
            to_joint = scaled[known] @ self.joint.T  # [m, G * C]
            phrases = [int(rng.choice(np.flatnonzero(row))) for row in own.numpy()]
            parts["colour"] = _partial(to_joint, own).mean() * share
            parts["search"] = (
                parts["search"] + _partial(to_joint.T[phrases], own.T[phrases]).mean()
            )
        weights = self.weights
        parts["total"] = (
            parts["kind"] + weights.colour * parts["colour"] + weights.search * parts["search"]
        )
        return parts


def _partial(logits: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
    """Return -log of the probability of any of a row's own, [n]. logits, own: [n, m]."""
    all_of_them = torch.logsumexp(logits, dim=1)
    return all_of_them - torch.logsumexp(logits.masked_fill(~own, _NEVER), dim=1)
