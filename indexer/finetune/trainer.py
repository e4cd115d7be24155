"""The training loop: steps, averaged parameters, evaluations, checkpoints."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import torch
from torch import nn

from indexer.finetune.checkpoint import load_checkpoint, save_checkpoint
from indexer.finetune.objective import LossValues
from indexer.finetune.schedule import Plan, learning_rate_share
from indexer.finetune.training import (
    BatchSource,
    Evaluate,
    History,
    LossSource,
    Progress,
    TrainingResult,
    TrainingSettings,
)

GREATEST_GRADIENT = 5.0
CHECKPOINT_SECONDS = 60.0
EVALUATIONS = 20
"""About so many in a training; each costs a pass over the products that say when to stop."""

BatchT = TypeVar("BatchT")


class Trainer(Generic[BatchT]):
    """Trains a model in place; at the end it holds the best averaged parameters.

    evaluate: of the averaged model, in evaluation mode. checkpoint: where to keep the state;
    None keeps none. fingerprint: of what is trained on, see checkpoint.
    """

    def __init__(
        self,
        model: nn.Module,
        objective: LossSource[BatchT],
        batches: BatchSource[BatchT],
        evaluate: Evaluate,
        settings: TrainingSettings,
        *,
        checkpoint: Path | None = None,
        fingerprint: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model.to(settings.device, memory_format=torch.channels_last)
        self._average = twin(self._model).eval()
        self._objective = cast(Any, objective)  # a module too, which the protocol cannot say
        self._objective.to(settings.device)
        self._batches = batches
        self._evaluate = evaluate
        self._settings = settings
        self._checkpoint = checkpoint
        self._fingerprint = fingerprint
        self._clock = clock
        objective_module: nn.Module = self._objective
        self._trained = [
            one
            for module in (self._model, objective_module)
            for one in module.parameters()
            if one.requires_grad
        ]
        self._optimizer = _optimizer(self._trained, settings)
        steps = max(1, settings.epochs * len(batches) // settings.accumulate)
        self._plan = Plan(most_steps=steps, seconds=settings.seconds)
        self._history = History()
        self._sums: dict[str, float] = {}
        self._summed = 0
        self._best = copy.deepcopy(trained_state(self._average))
        self._best_score, self._best_epoch, self._since_best = -math.inf, 0.0, 0
        self._evaluated_epoch = 0
        self._saved_at = clock()

    def run(self, show: Callable[[Progress], None] = lambda progress: None) -> TrainingResult:
        """Train until the plan is done or nothing is gained; go on from a checkpoint if there is.

        Raises InvalidQuery for a checkpoint of something else. KeyboardInterrupt leaves a
        checkpoint behind.
        """
        self._load()
        stopped = False
        try:
            while not self._plan.is_done and not stopped:
                self._epoch(show)
                stopped = self._finish_epoch()
        except KeyboardInterrupt:
            self._save()
            raise
        if self._summed:  # the plan ended within an epoch
            self._evaluation()
        self._save()
        self._model.load_state_dict(self._best, strict=False)
        self._model.eval()
        rate = self._plan.step * self._settings.accumulate * self._rows_per_batch
        return TrainingResult(
            history=self._history,
            best_epoch=self._best_epoch,
            best_score=self._best_score,
            steps=self._plan.step,
            epochs=self._epochs_done,
            rows_per_second=rate / max(self._plan.spent, 1e-9),
            seconds=self._plan.spent,
            stopped_early=stopped,
        )

    @property
    def _rows_per_batch(self) -> float:
        return self._batches.rows_per_epoch / len(self._batches)

    @property
    def _batches_done(self) -> int:
        return self._plan.step * self._settings.accumulate

    @property
    def _epochs_done(self) -> float:
        return self._batches_done / len(self._batches)

    def _epoch(self, show: Callable[[Progress], None]) -> None:
        """Train to the end of the epoch, or of the plan."""
        epoch, place = divmod(self._batches_done, len(self._batches))
        self._model.train()
        group: list[BatchT] = []
        began = self._clock()
        for batch in self._chain(epoch, place):
            group.append(batch)
            if len(group) < self._settings.accumulate:
                continue
            self._step(group)
            group = []
            # From the end of the last step, so that batches, too, are of the time that there is.
            now = self._clock()
            self._plan.done(now - began)
            began = now
            done = Progress(
                self._plan.step,
                self._plan.planned_steps,
                self._epochs_done,
                self._mean_losses(),
                self._history.figures[-1] if self._history.figures else {},
            )
            show(done)
            if self._plan.is_done or self._batches_done // len(self._batches) > epoch:
                return
            if self._clock() - self._saved_at > CHECKPOINT_SECONDS:
                self._save()

    def _chain(self, epoch: int, place: int) -> Iterator[BatchT]:
        """Yield batches from a place on; a step may reach into the next epoch."""
        while True:
            yield from self._batches.epoch(epoch, first=place)
            epoch, place = epoch + 1, 0

    def _step(self, group: Sequence[BatchT]) -> None:
        settings = self._settings
        share = learning_rate_share(self._plan.progress)
        for parameters in self._optimizer.param_groups:
            parameters["lr"] = settings.learning_rate * share
        # Dropout draws from torch's own generator; by the step, so that it can be gone on with.
        torch.manual_seed(settings.seed * 1_000_003 + self._plan.step)
        self._optimizer.zero_grad()
        for batch in group:
            values: LossValues = self._objective(self._model, batch, self._shortened)
            (values.total / len(group)).backward()
            for name, value in values.each.items():
                self._sums[name] = self._sums.get(name, 0.0) + float(value)
            self._summed += 1
        torch.nn.utils.clip_grad_norm_(self._trained, GREATEST_GRADIENT)
        self._optimizer.step()
        self._follow()

    def _shortened(self) -> AbstractContextManager[object]:
        kind = self._settings.device.partition(":")[0]
        dtype = getattr(torch, self._settings.precision)
        context: AbstractContextManager[object] = torch.autocast(
            kind, dtype=dtype, enabled=dtype is not torch.float32
        )
        return context

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def _follow(self) -> None:
        """Move the averaged parameters a little; the first steps move them more."""
        kept = min(self._settings.average, (1 + self._plan.step) / (10 + self._plan.step))
        states = zip(
            trained_state(self._average).values(), trained_state(self._model).values(), strict=True
        )
        for averaged, fresh in states:
            if averaged.is_floating_point():
                averaged.lerp_(fresh, 1 - kept)
            else:
                averaged.copy_(fresh)

    def _finish_epoch(self) -> bool:
        """Evaluate when it is time; return whether nothing was gained for too long."""
        planned = self._plan.planned_steps * self._settings.accumulate / len(self._batches)
        epoch = int(self._epochs_done)
        if epoch - self._evaluated_epoch < max(1, round(planned / EVALUATIONS)):
            return False
        self._evaluated_epoch = epoch
        started = self._clock()
        self._evaluation()
        self._save()
        self._plan.spent += self._clock() - started
        return self._since_best >= self._settings.patience

    def _evaluation(self) -> None:
        self._average.eval()
        figures = dict(self._evaluate(self._average))
        known = [value for value in figures.values() if not math.isnan(value)]
        score = sum(known) / len(known) if known else -self._mean_total()
        if score > self._best_score:
            self._best = copy.deepcopy(trained_state(self._average))
            self._best_score, self._best_epoch, self._since_best = score, self._epochs_done, 0
        else:
            self._since_best += 1
        self._history.epochs.append(self._epochs_done)
        self._history.losses.append(self._mean_losses())
        self._history.figures.append(figures)
        self._sums, self._summed = {}, 0

    def _mean_losses(self) -> dict[str, float]:
        return {name: value / max(self._summed, 1) for name, value in self._sums.items()}

    def _mean_total(self) -> float:
        return sum(self._mean_losses().values())

    def _save(self) -> None:
        self._saved_at = self._clock()
        if self._checkpoint is None:
            return
        state: dict[str, Any] = {
            "model": trained_state(self._model),
            "average": trained_state(self._average),
            "best": self._best,
            "objective": self._objective.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "plan": vars(self._plan),
            "history": vars(self._history),
            "sums": self._sums,
            **{name: getattr(self, f"_{name}") for name in _COUNTERS},
        }
        save_checkpoint(self._checkpoint, state, fingerprint=self._fingerprint)

    def _load(self) -> None:
        if self._checkpoint is None:
            return
        state = load_checkpoint(self._checkpoint, fingerprint=self._fingerprint)
        if state is None:
            return
        self._model.load_state_dict(state["model"], strict=False)
        self._average.load_state_dict(state["average"], strict=False)
        self._objective.load_state_dict(state["objective"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._best = {
            name: value.to(self._settings.device) for name, value in state["best"].items()
        }
        # The limits are those of this run: a run may be given more time to go on with.
        limits = {"most_steps": self._plan.most_steps, "seconds": self._plan.seconds}
        self._plan = Plan(**{**state["plan"], **limits})
        self._history = History(**state["history"])
        self._sums = dict(state["sums"])
        for name in _COUNTERS:
            setattr(self, f"_{name}", state[name])


def twin(model: nn.Module) -> nn.Module:
    """Return a copy that shares the frozen parameters, which may be most of a large model."""
    frozen = {id(one): one for one in model.parameters() if not one.requires_grad}
    return copy.deepcopy(model, frozen)


def trained_state(model: nn.Module) -> dict[str, torch.Tensor]:
    """Return the state without the frozen parameters."""
    frozen = {name for name, one in model.named_parameters() if not one.requires_grad}
    return {name: value for name, value in model.state_dict().items() if name not in frozen}


_COUNTERS = ("summed", "best_score", "best_epoch", "since_best", "evaluated_epoch")


def _optimizer(trained: Sequence[nn.Parameter], settings: TrainingSettings) -> torch.optim.AdamW:
    """Return AdamW; biases, norms and temperatures do not decay."""
    return torch.optim.AdamW(
        [
            {"params": [one for one in trained if one.ndim > 1]},
            {"params": [one for one in trained if one.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
    )
