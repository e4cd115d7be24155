"""What a training spends its time on is counted, all of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

torch = pytest.importorskip("torch")

from indexer.finetune.objective import LossValues  # noqa: E402
from indexer.finetune.trainer import Trainer  # noqa: E402
from indexer.finetune.training import TrainingSettings  # noqa: E402

pytestmark = pytest.mark.models

SECONDS_OF_A_BATCH, SECONDS_OF_A_STEP = 3.0, 1.0


class Clock:
    """Stands still unless something takes time."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class SlowBatches:
    """Batches that take longer to make than to learn from."""

    rows_per_epoch = 1_000

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def __len__(self) -> int:
        return 1_000

    def epoch(self, epoch: int, *, first: int = 0) -> Iterator[torch.Tensor]:
        for _ in range(first, len(self)):
            self.clock.now += SECONDS_OF_A_BATCH
            yield torch.ones(2, 1)


class SlowObjective(torch.nn.Module):
    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def forward(self, model, batch, shortened):
        self.clock.now += SECONDS_OF_A_STEP
        return LossValues(model(batch).square().mean())


def test_making_batches_is_part_of_the_time_there_is():
    clock = Clock()
    trainer = Trainer(
        torch.nn.Linear(1, 1),
        SlowObjective(clock),
        SlowBatches(clock),
        lambda model: {},
        TrainingSettings(seconds=100.0, batch_size=1),
        clock=clock,
    )
    result = trainer.run()
    assert result.steps == 100.0 / (SECONDS_OF_A_BATCH + SECONDS_OF_A_STEP)
    assert clock.now == result.seconds == 100.0
