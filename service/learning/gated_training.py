"""Weights that depend on the query, learned: small departures from the learned weighted sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from service.fusion.gated import GatedModel
from service.fusion.linear import LinearModel
from service.learning.dataset import JudgedQuery
from service.learning.early_stopping import (
    BASE_GRID,
    FoldedQueries,
    Parameters,
    fold_queries,
    one_thread,
    train_copies,
)
from service.ranking.features import FEATURES
from service.search_results import Scores

_BOUND = 0.5
_HIDDEN = 6
_RATE = 0.03
_MOST_STEPS = 200
_LEAST_SPREAD = 0.05
"""A query feature that hardly varies in training should not decide when it does later."""


class GatedTrainer:
    """Learns the gates of GatedModel; its weighted sum stays as LinearTrainer learns it.

        loss = LinearTrainer's listwise loss + pull * (|W|^2 + |b|^2 + |V|^2)

    by Adam, from V = 0, where every gate is 1; `early_stopping` says for how long. The gates' pull
    is to 1, so an unusual query is ranked by the global weights.
    """

    name = "gated"
    grid: Sequence[Mapping[str, float]] = tuple(
        {"pull": pull, **of_base} for pull in (0.01, 0.1) for of_base in BASE_GRID
    )

    def fit(
        self,
        queries: Sequence[JudgedQuery],
        start: LinearModel,
        settings: Mapping[str, float],
        *,
        seed: int,
    ) -> GatedModel:
        """Return the learned model; the same seed gives the same one.

        settings: `pull`; `strength` and `unjudged` of LinearTrainer. With fewer queries than can
        be split every gate is 1.
        """
        with one_thread():
            return _train(
                fold_queries(queries, start, settings, seed=seed), settings["pull"], seed
            )


def _train(data: FoldedQueries, pull: float, seed: int) -> GatedModel:
    base = data.bases[-1]
    legs, leg_of = _legs_of(base)
    centre = data.query.mean(axis=0)
    spread = np.maximum(data.query.std(axis=0), _LEAST_SPREAD)
    seen = _tensor(np.clip((data.query - centre) / spread, -3.0, 3.0))  # [q, u]
    one_leg = torch.nn.functional.one_hot(torch.tensor(leg_of), len(legs)).float()  # [f, legs]
    # [c, q, n, legs]: what each leg adds while its gate is 1
    by_leg = torch.einsum("qnf,cf,fl->cqnl", data.features, data.base_weights, one_leg)

    def scores(learned: Parameters) -> torch.Tensor:
        hidden = torch.tanh(
            torch.einsum("chu,qu->cqh", learned["hidden"], seen) + learned["bias"][:, None]
        )
        gates = 1.0 + _BOUND * torch.tanh(torch.einsum("clh,cqh->cql", learned["gate"], hidden))
        return torch.einsum("cqnl,cql->cqn", by_leg, gates)

    def penalty(learned: Parameters) -> torch.Tensor:
        return pull * sum((value**2).flatten(1).sum(dim=1) for value in learned.values())

    numbers = torch.Generator().manual_seed(seed)
    inputs = seen.shape[1]
    found = train_copies(
        {
            "hidden": torch.randn(_HIDDEN, inputs, generator=numbers) / inputs**0.5,
            "bias": torch.zeros(_HIDDEN),
            "gate": torch.zeros(len(legs), _HIDDEN),
        },
        scores,
        penalty,
        data,
        rate=_RATE,
        most_steps=_MOST_STEPS,
    )
    return GatedModel(
        base=base,
        legs=legs,
        leg_of=leg_of,
        centre=centre,
        spread=spread,
        hidden=found["hidden"],
        bias=found["bias"],
        gate=found["gate"],
        bound=_BOUND,
    )


def _legs_of(base: LinearModel) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the legs of the features, and the place among them of each feature's leg."""
    own = [FEATURES[name].leg for name in base.scale.names]
    legs = tuple(dict.fromkeys(own))
    return legs, tuple(legs.index(leg) for leg in own)


def _tensor(array: Scores) -> torch.Tensor:
    return torch.from_numpy(array.astype(np.float32))
