"""Small networks on top of the weighted sum: how long to train, by queries held out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from service.fusion.linear import LinearModel
from service.learning.dataset import JudgedQuery
from service.learning.linear_training import Example, LinearTrainer, examples
from service.learning.near_candidates import near_candidates
from service.search_results import Scores

FOLDS = 4
SHARPNESS = 10.0
"""The scores of the loss are this many times those of the model, as in LinearTrainer's grid."""

_PATIENCE_STEPS = 25
_LEAST_GAIN = 1e-4
"""Of the held-out loss (nats a query), so that noise does not lengthen the training."""

_MEAN_KEPT, _SQUARE_KEPT, _LEAST_SPREAD = 0.9, 0.999, 1e-8
"""Of Adam, as its authors set them."""

Parameters = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class FoldedQueries:
    """Queries as c = FOLDS + 1 copies of a network see them.

    Copy i < FOLDS does not learn from the queries of fold i, nor does its base; the last learns
    from all. bases: of each copy. features: float32 [q, n, f], calibrated, padded with 0.
    target, log_mass: float32 [q, n], as in Example; the mass of padding is 0. query: float64
    [q, u]. fold: int64 [q].
    """

    bases: Sequence[LinearModel]
    features: torch.Tensor
    target: torch.Tensor
    log_mass: torch.Tensor
    query: Scores
    fold: torch.Tensor

    @property
    def base_weights(self) -> torch.Tensor:
        """Return the weights of the bases, float32 [c, f]."""
        return _tensor(np.stack([base.weights for base in self.bases]))

    def losses(self, scores: torch.Tensor) -> torch.Tensor:
        """Return LinearTrainer's listwise loss of each query [c, q] for scores [c, q, n]."""
        sharp = SHARPNESS * scores
        return torch.logsumexp(sharp + self.log_mass, dim=2) - (self.target * sharp).sum(dim=2)


BASE_GRID: Sequence[Mapping[str, float]] = tuple(
    {"strength": strength, "unjudged": unjudged}
    for strength, unjudged in ((1.0, 0.3), (0.3, 0.3), (0.3, 0.1))
)
"""Settings of the weighted sum that a trainer adds to; its own stand beside each of them."""


def fold_queries(
    queries: Sequence[JudgedQuery],
    start: LinearModel,
    settings: Mapping[str, float],
    *,
    seed: int,
) -> FoldedQueries:
    """Return the useful queries in folds, each copy with the weighted sum that it starts from.

    settings: `strength` and `unjudged` of LinearTrainer. With fewer queries than FOLDS nothing
    can be held out, and there is the last copy alone.
    """
    useful = [query for query in queries if query.is_useful]
    of_base = {name: settings[name] for name in BASE_GRID[0]} | {"sharpness": SHARPNESS}

    def learn(some: Sequence[JudgedQuery]) -> LinearModel:
        return LinearTrainer().fit(some, start, of_base, seed=seed)

    base = learn(useful)
    fold = np.random.default_rng(seed).permutation(len(useful)) % FOLDS
    bases = [
        learn([query for query, own in zip(useful, fold, strict=True) if own != left_out])
        for left_out in range(FOLDS if len(useful) >= FOLDS else 0)
    ]
    data = [
        _nearest(one, base, query.judged)
        for one, query in zip(
            examples(useful, start.scale, unjudged=settings["unjudged"]), useful, strict=True
        )
    ]
    longest = max(len(one.target) for one in data)
    with np.errstate(divide="ignore"):
        log_mass = np.log(_padded([one.mass for one in data], longest))
    return FoldedQueries(
        bases=(*bases, base),
        features=_tensor(_padded([one.features for one in data], longest)),
        target=_tensor(_padded([one.target for one in data], longest)),
        log_mass=_tensor(log_mass),
        query=np.stack([one.query for one in data]),
        fold=torch.from_numpy(fold),
    )


def train_copies(
    initial: Parameters,
    scores: Callable[[Parameters], torch.Tensor],
    penalty: Callable[[Parameters], torch.Tensor],
    queries: FoldedQueries,
    *,
    rate: float,
    most_steps: int,
) -> dict[str, Scores]:
    """Return the parameters that Adam has found from all queries, float64.

    All copies start from `initial`, which should add nothing to the weighted sum, and are trained
    side by side. The copy that learns from all queries is taken at the step at which the others
    were best on the queries that they do not learn from; that may be the start, and is where no
    others are.
    scores: of parameters with a copy [c] in front, [c, q, n]. penalty: [c], in nats.
    """
    copies = len(queries.bases)
    learned = {
        name: value.expand(copies, *value.shape).clone().requires_grad_()
        for name, value in initial.items()
    }
    best, best_step, kept = np.inf, 0, _last(learned)
    if copies == 1:
        return kept
    rows = torch.arange(len(queries.fold))
    share = torch.ones(copies, len(rows))
    share[queries.fold, rows] = 0.0
    share /= share.sum(dim=1, keepdim=True)
    optimizer = Adam(learned, rate)
    for step in range(most_steps + 1):
        losses = queries.losses(scores(learned))  # [c, q]
        held_out = float(losses.detach()[queries.fold, rows].mean())
        if held_out < best - _LEAST_GAIN:
            best, best_step, kept = held_out, step, _last(learned)
        elif step - best_step >= _PATIENCE_STEPS:
            break
        # Summed over the copies, each of which has a slope of its own.
        optimizer.step(((share * losses).sum(dim=1) + penalty(learned)).sum())
    return kept


class Adam:
    """Adam (Kingma, Ba: ICLR 2015) with its usual constants, changing the parameters in place.

    torch.optim's own loads torch's compiler when it is first made, which takes 4 s.
    """

    def __init__(self, parameters: Parameters, rate: float) -> None:
        self._parameters = list(parameters.values())
        self._rate = rate
        self._steps = 0
        self._means = [torch.zeros_like(value) for value in self._parameters]
        self._squares = [torch.zeros_like(value) for value in self._parameters]

    def step(self, loss: torch.Tensor) -> None:
        """Take one step down the slope of `loss`, a single number."""
        self._steps += 1
        slopes = torch.autograd.grad(loss, self._parameters)
        with torch.no_grad():
            for value, slope, mean, square in zip(
                self._parameters, slopes, self._means, self._squares, strict=True
            ):
                mean.lerp_(slope, 1.0 - _MEAN_KEPT)
                square.lerp_(slope**2, 1.0 - _SQUARE_KEPT)
                spread = (square / (1.0 - _SQUARE_KEPT**self._steps)).sqrt() + _LEAST_SPREAD
                value -= self._rate * mean / (1.0 - _MEAN_KEPT**self._steps) / spread


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch to one thread.

    A step takes 5 ms, and took ten times as long where two threads waited for each other beside
    another busy program.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _nearest(one: Example, base: LinearModel, judged: NDArray[np.bool_]) -> Example:
    """Return it with the candidates that teach anything."""
    rows = near_candidates(judged, one.features @ base.weights)
    return Example(one.features[rows], one.target[rows], one.mass[rows], one.query)


def _padded(arrays: Sequence[Scores], size: int) -> Scores:
    """Return the arrays, each filled up with zeros to `size` rows, on top of each other."""
    whole = np.zeros((len(arrays), size, *arrays[0].shape[1:]))
    for row, array in enumerate(arrays):
        whole[row, : len(array)] = array
    return whole


def _tensor(array: NDArray[np.float64]) -> torch.Tensor:
    return torch.from_numpy(array.astype(np.float32))


def _last(parameters: Parameters) -> dict[str, Scores]:
    return {
        name: value.detach()[-1].numpy().astype(np.float64) for name, value in parameters.items()
    }
