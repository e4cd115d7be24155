"""What a training is given and what it gives: settings, batches, losses, history."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from torch import nn

from indexer.finetune.objective import LossValues

Evaluate = Callable[[nn.Module], Mapping[str, float]]
"""Figures of a model from 0 to 1, higher is better; nan for one that cannot be told."""


Shortened = Callable[[], AbstractContextManager[object]]
"""Makes the context in which the network computes in a shorter number format."""

_Seen = TypeVar("_Seen", contravariant=True)
_Given = TypeVar("_Given", covariant=True)


class BatchSource(Protocol[_Given]):
    """Batches that are decided by epoch and place alone.

    rows_per_epoch: photos or pairs that an epoch sees.
    """

    @property
    def rows_per_epoch(self) -> int:
        """Return the rows of an epoch."""
        ...

    def __len__(self) -> int:
        """Return the batches of an epoch."""
        ...

    def epoch(self, epoch: int, *, first: int = 0) -> Iterator[_Given]:
        """Yield the batches of an epoch from a place on."""
        ...


class LossSource(Protocol[_Seen]):
    """A torch module with the losses of a batch."""

    def __call__(self, model: nn.Module, batch: _Seen, shortened: Shortened) -> LossValues:
        """Return the losses; `shortened` is for the model's part alone."""
        ...


@dataclass(frozen=True)
class TrainingSettings:
    """How to train.

    epochs: most passes over all rows. seconds: time for steps and evaluations; None for no
    limit. batch_size: rows of one pass through the network. accumulate: passes of one step.
    learning_rate: its peak. average: share of the averaged parameters that a step keeps.
    patience: evaluations without a gain before it stops. precision: torch's name of the number
    format of the network's inner part.
    """

    epochs: int = 60
    seconds: float | None = None
    batch_size: int = 128
    accumulate: int = 1
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    average: float = 0.995
    patience: int = 8
    precision: str = "float32"
    device: str = "cpu"
    seed: int = 0


@dataclass
class History:
    """What the report draws, one entry an evaluation. losses: means since the one before."""

    epochs: list[float] = field(default_factory=list)
    losses: list[dict[str, float]] = field(default_factory=list)
    figures: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Progress:
    """What is shown while it runs. figures: of the last evaluation, empty before."""

    step: int
    steps: int
    epoch: float
    losses: Mapping[str, float]
    figures: Mapping[str, float]


@dataclass(frozen=True)
class TrainingResult:
    """What a training came to.

    best_epoch: where the kept parameters are from. rows_per_second: photos or pairs, of all
    the time. stopped_early: whether more steps would have been allowed.
    """

    history: History
    best_epoch: float
    best_score: float
    steps: int
    epochs: float
    rows_per_second: float
    seconds: float
    stopped_early: bool
