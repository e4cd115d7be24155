"""The training of the shipped tower: small pictures first, then larger ones, averaged weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import nn

from indexer.towers.augmentation import Augmentation, augment
from indexer.towers.figures import WORN, Figure, draw_figure
from indexer.towers.objective import LossWeights, WordsObjective
from indexer.towers.pictures import Pictures, join
from indexer.towers.tower import ImageTower, TowerConfig
from indexer.towers.words import TextTargets

_ENCODE_BATCH = 128


@dataclass(frozen=True)
class Stage:
    """Steps with pictures of one size. rate: the learning rate at its beginning."""

    input_size: int
    steps: int
    rate: float


@dataclass(frozen=True)
class Recipe:
    """All choices of a training.

    shares: of a batch, by source. average: of the running mean of the weights, which is the
    result; it forgets a step after about 1 / (1 - average) steps. figures: drawn of each kind.
    """

    backbone: str = "slim_resnet"
    stages: Sequence[Stage] = (Stage(64, 2_600, 2e-3), Stage(96, 900, 8e-4))
    batch: int = 160
    shares: Mapping[str, float] = field(
        default_factory=lambda: {"clothing": 0.38, "rendered": 0.5, "grocery": 0.1, "alone": 0.02}
    )
    warm_up: int = 60
    weight_decay: float = 0.05
    longest_gradient: float = 5.0
    average: float = 0.998
    figures: int = 400
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)
    losses: LossWeights = field(default_factory=LossWeights)


def train(
    recipe: Recipe,
    sources: Mapping[str, Pictures],
    targets: TextTargets,
    *,
    progress: Progress,
    finished: Callable[[ImageTower], None],
) -> ImageTower:
    """Return a tower trained on the sources; the same arguments give the same tower.

    sources: pictures by the names in the recipe's shares. finished: is given the tower after
    each stage. It ends in evaluation mode.
    """
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    side = next(iter(sources.values())).pixels.shape[1]
    figures = draw_figures(recipe.figures, side)
    objective = WordsObjective(targets, recipe.losses)
    dims = targets.plain.shape[1]
    config = TowerConfig(
        backbone=recipe.backbone, input_size=recipe.stages[0].input_size, dims=dims
    )
    tower = ImageTower(config)
    for stage in recipe.stages:
        larger = ImageTower(replace(config, input_size=stage.input_size))
        larger.load_state_dict(tower.state_dict())
        tower = _train_stage(larger, stage, recipe, sources, figures, objective, rng, progress)
        finished(tower)
    return tower


def draw_figures(count: int, side: int) -> dict[str, list[Figure]]:
    """Return `count` figures for each place that a garment is worn at."""
    return {worn: [draw_figure(worn, seed, side) for seed in range(count)] for worn in WORN}


def embed(tower: ImageTower, inputs: torch.Tensor) -> NDArray[np.float32]:
    """Return unit embeddings float32 [n, dims] of a tower's inputs [n, 3, size, size]."""
    with torch.no_grad():
        parts = [
            nn.functional.normalize(tower(part), dim=1) for part in inputs.split(_ENCODE_BATCH)
        ]
    embeddings: NDArray[np.float32] = torch.cat(parts).numpy()
    return embeddings


def _train_stage(
    tower: ImageTower,
    stage: Stage,
    recipe: Recipe,
    sources: Mapping[str, Pictures],
    figures: Mapping[str, Sequence[Figure]],
    objective: WordsObjective,
    rng: np.random.Generator,
    progress: Progress,
) -> ImageTower:
    """Return the mean of the weights at the end of a stage."""
    tower = tower.to(memory_format=torch.channels_last).train()
    mean = copy.deepcopy(tower)
    optimizer = torch.optim.AdamW(
        [
            {"params": list(tower.parameters()), "weight_decay": recipe.weight_decay},
            {"params": list(objective.parameters()), "weight_decay": 0.0},
        ],
        lr=stage.rate,
    )
    task = progress.add_task(f"{stage.input_size} px", total=stage.steps, losses="")
    for step in range(stage.steps):
        for group in optimizer.param_groups:
            group["lr"] = stage.rate * _schedule(step, stage.steps, recipe.warm_up)
        batch = _draw_batch(recipe, sources, rng)
        inputs = augment(batch, figures, stage.input_size, recipe.augmentation, rng)
        losses = objective(tower(inputs.to(memory_format=torch.channels_last)), batch, rng)
        optimizer.zero_grad()
        losses["total"].backward()
        nn.utils.clip_grad_norm_(tower.parameters(), recipe.longest_gradient)
        optimizer.step()
        _average(mean, tower, min(recipe.average, (1 + step) / (10 + step)))
        progress.update(task, advance=1, losses=_shown(losses))
    mean.eval()
    return mean


def _draw_batch(
    recipe: Recipe, sources: Mapping[str, Pictures], rng: np.random.Generator
) -> Pictures:
    return join(
        [
            sources[name].take(rng.integers(len(sources[name]), size=round(share * recipe.batch)))
            for name, share in recipe.shares.items()
        ]
    )


def _schedule(step: int, steps: int, warm_up: int) -> float:
    """Return the share of the learning rate: a short rise, then half a cosine down to 0."""
    rise = min(1.0, (step + 1) / warm_up)
    return rise * 0.5 * (1 + math.cos(math.pi * step / steps))


def _average(mean: ImageTower, tower: ImageTower, keep: float) -> None:
    """Move the mean towards the tower, statistics of its normalisations too."""
    with torch.no_grad():
        for kept, now in zip(mean.state_dict().values(), tower.state_dict().values(), strict=True):
            if kept.is_floating_point():
                kept.lerp_(now, 1 - keep)
            else:
                kept.copy_(now)


def _shown(losses: Mapping[str, torch.Tensor]) -> str:
    return " ".join(f"{name} {value.item():.2f}" for name, value in losses.items())


def training_progress() -> Progress:
    """Return the progress bar that `train` writes to."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[losses]}"),
    )
