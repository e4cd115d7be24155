"""The learned projection of all features, added to the learned weighted sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from service.fusion.linear import LinearModel
from service.fusion.projection import ProjectionModel
from service.learning.dataset import JudgedQuery
from service.learning.early_stopping import (
    BASE_GRID,
    FoldedQueries,
    Parameters,
    fold_queries,
    one_thread,
    train_copies,
)

_BOUND = 0.3
_HIDDEN = 8
_RATE = 0.05
_MOST_STEPS = 80


class ProjectionTrainer:
    """Learns what ProjectionModel adds; its weighted sum stays as LinearTrainer learns it.

        loss = LinearTrainer's listwise loss + pull * |P|^2

    by Adam, from P = 0, which adds nothing; `early_stopping` says for how long. The biases differ
    from the start, so that the hidden units do.
    """

    name = "projection"
    grid: Sequence[Mapping[str, float]] = tuple(
        {"pull": pull, **of_base} for pull in (0.03, 0.2) for of_base in BASE_GRID
    )

    def fit(
        self,
        queries: Sequence[JudgedQuery],
        start: LinearModel,
        settings: Mapping[str, float],
        *,
        seed: int,
    ) -> ProjectionModel:
        """Return the learned model; the same seed gives the same one.

        settings: `pull`; `strength` and `unjudged` of LinearTrainer. With fewer queries than can
        be split the projection adds nothing.
        """
        with one_thread():
            return _train(
                fold_queries(queries, start, settings, seed=seed), settings["pull"], seed
            )


def _train(data: FoldedQueries, pull: float, seed: int) -> ProjectionModel:
    linear = torch.einsum("qnf,cf->cqn", data.features, data.base_weights)
    queries, size, features = data.features.shape
    rows = data.features.reshape(queries * size, features)

    def scores(learned: Parameters) -> torch.Tensor:
        bias = learned["bias"][:, None]  # [c, 1, p]
        output = learned["output"] / learned["output"].abs().sum(dim=1, keepdim=True)
        moved = rows @ learned["projection"].transpose(1, 2)  # [c, q * n, p]
        hidden = torch.tanh(moved + bias) - torch.tanh(bias)
        added = _BOUND * (hidden @ output[:, :, None]).reshape(linear.shape)
        return linear + added

    def penalty(learned: Parameters) -> torch.Tensor:
        return pull * (learned["projection"] ** 2).sum(dim=(1, 2))

    numbers = torch.Generator().manual_seed(seed)
    signs = torch.ones(_HIDDEN)
    signs[_HIDDEN // 2 :] = -1.0
    found = train_copies(
        {
            "projection": torch.zeros(_HIDDEN, features),
            "bias": torch.randn(_HIDDEN, generator=numbers),
            "output": signs,
        },
        scores,
        penalty,
        data,
        rate=_RATE,
        most_steps=_MOST_STEPS,
    )
    return ProjectionModel(
        base=data.bases[-1],
        projection=found["projection"],
        bias=found["bias"],
        output=found["output"],
        bound=_BOUND,
    )
