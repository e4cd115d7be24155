"""Train the image tower that comes with the package, from the pictures to the file.

    python -m indexer.towers.train_shipped --data ../shared/data --out /tmp/tower

Two cores take about 45 minutes. The pictures' seeds and the training's are fixed; figures differ
in the last digits from machine to machine, as sums of floats do.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console

from indexer.encoders.registry import load_text_encoder
from indexer.finetune.photo_metrics import nearest, photo_precision
from indexer.towers.augmentation import Augmentation, augment
from indexer.towers.export import export_onnx
from indexer.towers.layout import set_layout
from indexer.towers.pictures import Pictures
from indexer.towers.shipped_training import (
    Recipe,
    Stage,
    draw_figures,
    embed,
    train,
    training_progress,
)
from indexer.towers.tower import ImageTower, save_tower
from indexer.towers.training_set import (
    clothing_pictures,
    grocery_pictures,
    make_vocabulary,
    read_rendered,
    rendered_pictures,
)
from indexer.towers.words import CLOTHING_KINDS, TextTargets, text_targets

SIDE = 112
"""Pixels of a training picture's side before it is moved and scaled."""

_HELD_OUT = 0.1
_LAYOUT_DIMS, _LAYOUT_SHARE = 192, 0.7
_LAYOUT_PICTURES = 1_500
_CALM = Augmentation(worn=0.6, scene=0.0, tinted=0.0, turn=0.0, blurred=0.0, textured=0.0)
"""For measuring and for the layout: as a catalogue shows products, without accidents."""


@dataclass(frozen=True)
class _Prepared:
    sources: Mapping[str, Pictures]
    held_out: Pictures
    held_out_classes: NDArray[np.str_]
    targets: TextTargets


@click.command()
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder with `clothing` and `grocery`.",
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option(
    "--rendered",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File of rendered pictures; drawn if it is not there  [OUT/rendered.npz]",
)
@click.option(
    "--each", type=click.IntRange(1), default=400, help="Pictures of a garment's kind  [400]"
)
@click.option("--threads", type=click.IntRange(1), default=2, help="Threads of torch  [2]")
@click.option("--steps", type=click.IntRange(1), help="Steps of each stage, to try it out.")
def main(
    data: Path, out: Path, rendered: Path | None, each: int, threads: int, steps: int | None
) -> None:
    """Train the shipped tower; write tower.onnx, tower/ and metrics.json into OUT."""
    torch.set_num_threads(threads)
    out.mkdir(parents=True, exist_ok=True)
    drawn = rendered or out / "rendered.npz"
    if not drawn.exists():
        _draw(drawn, each)
    recipe = Recipe()
    if steps:
        stages = [Stage(stage.input_size, steps, stage.rate) for stage in recipe.stages]
        recipe = replace(recipe, stages=stages)
    prepared = _prepare(data, drawn)
    with training_progress() as progress:
        tower = train(
            recipe,
            prepared.sources,
            prepared.targets,
            progress=progress,
            finished=lambda stage: save_tower(stage, out / f"stage-{stage.config.input_size}"),
        )
    tower = _with_layout(tower, prepared)
    save_tower(tower, out / "tower", half=True)
    agreement = export_onnx(tower, out / "tower.onnx", half=True)
    metrics = {
        "recipe": {**asdict(recipe), "rendered_each": each},
        "pictures": {name: len(source) for name, source in prepared.sources.items()},
        "held_out": _held_out_figures(tower, prepared),
        "onnx_agreement": agreement,
        "sha256": hashlib.sha256((out / "tower.onnx").read_bytes()).hexdigest(),
    }
    (out / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", "utf-8")
    Console().print_json(data=metrics)


def _draw(path: Path, each: int) -> None:
    """Draw the pictures in a process of its own: the indexer does not import the local stack."""
    module = "embedded.pictures.dataset"
    subprocess.run(  # noqa: S603
        [
            sys.executable,
            "-m",
            module,
            "--out",
            str(path),
            "--each",
            str(each),
            "--size",
            str(SIDE),
        ],
        check=True,
    )


def _prepare(data: Path, drawn: Path) -> _Prepared:
    rendered = read_rendered(drawn)
    vocabulary = make_vocabulary(rendered, data / "grocery")
    clothing, classes = clothing_pictures(data / "clothing", SIDE, vocabulary)
    held = np.random.default_rng(0).random(len(clothing)) < _HELD_OUT
    grocery, alone = grocery_pictures(data / "grocery", SIDE, vocabulary)
    encoder = load_text_encoder("minilm", template="{title}")
    return _Prepared(
        sources={
            "clothing": clothing.take(np.flatnonzero(~held)),
            "rendered": rendered_pictures(rendered, vocabulary),
            "grocery": grocery,
            "alone": alone,
        },
        held_out=clothing.take(np.flatnonzero(held)),
        held_out_classes=classes[held],
        targets=text_targets(
            vocabulary.words, vocabulary.coloured, vocabulary.colours, encoder.encode
        ),
    )


def _with_layout(tower: ImageTower, prepared: _Prepared) -> ImageTower:
    """Return the tower with a layout part, made of pictures as catalogues show them."""
    config = replace(tower.config, layout_dims=_LAYOUT_DIMS, layout_share=_LAYOUT_SHARE)
    whole = ImageTower(config)
    whole.load_state_dict(tower.state_dict(), strict=False)
    rng = np.random.default_rng(1)
    shown = [
        _calm(source.take(rng.integers(len(source), size=_LAYOUT_PICTURES)), tower, seed=2)
        for source in (prepared.sources["clothing"], prepared.sources["rendered"])
    ]
    targets = prepared.targets
    texts = np.concatenate([targets.plain, targets.coloured.reshape(-1, config.dims)])
    set_layout(whole.layout, torch.cat(shown), texts)
    whole.eval()
    return whole


def _calm(pictures: Pictures, tower: ImageTower, seed: int) -> torch.Tensor:
    figures = draw_figures(60, SIDE)
    return augment(pictures, figures, tower.config.input_size, _CALM, np.random.default_rng(seed))


def _held_out_figures(tower: ImageTower, prepared: _Prepared) -> dict[str, float]:
    """Return precision@10 on people's photos that were not trained on, shown as in a catalogue."""
    classes = prepared.held_out_classes
    vectors = embed(tower, _calm(prepared.held_out, tower, seed=3))
    kinds = prepared.targets.kinds
    named = sorted(set(classes.tolist()))
    asked = prepared.targets.plain[[kinds.index(CLOTHING_KINDS[name][0]) for name in named]]
    found = classes[nearest(np.ascontiguousarray(asked), vectors)]
    return {
        "photos": float(len(classes)),
        "photo_class": photo_precision(vectors, classes.tolist()),
        "words_class": float(np.mean(found == np.array(named)[:, None])),
    }


if __name__ == "__main__":
    main()
