"""Fine-tuning of a photo encoder from products to figures, in order; the page to read first."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from indexer.finetune.augmentation import Augmentation
from indexer.finetune.bases import Base
from indexer.finetune.batches import Batches, PhotoSet, to_unit
from indexer.finetune.figures import Questions, questions
from indexer.finetune.losses import NO_LABEL
from indexer.finetune.objective import LossWeights, Objective
from indexer.finetune.photo_files import Photos
from indexer.finetune.phrases import phrases
from indexer.finetune.precision_trial import faster_precision
from indexer.finetune.shop_products import ShopProduct
from indexer.finetune.split import Split, split_products
from indexer.finetune.text_bank import Rows, Vectors, phrase_bank, title_bank
from indexer.finetune.trainer import Trainer
from indexer.finetune.training import Progress, TrainingResult, TrainingSettings
from indexer.finetune.words import Words

_EVALUATED_AT_ONCE = 256
_RARE = 3
"""Products that a label needs to be a class of its own for the heads."""

_AFTERWARDS_SECONDS = 30.0
"""Kept of the time for the export and the report, which take about 20 on two cores."""


class Watcher(Protocol):
    """Told what goes on."""

    def stage(self, text: str) -> None:
        """Begin something that takes a while."""
        ...

    def counted(self, done: int, of: int) -> None:
        """Say how far it is."""
        ...

    def trained(self, progress: Progress) -> None:
        """Say how training does."""
        ...


@dataclass(frozen=True)
class TrainedPhotos:
    """What came out.

    before, after: figures on the held-out products. vectors_before, vectors_after: of the
    held-out photos, float32 [held-out photos, dims], for examples. held_out: products that
    nothing was learned from. held_out_photos: rows of `Photos.pixels`. asked: of them.
    """

    model: nn.Module
    result: TrainingResult
    before: Mapping[str, float]
    after: Mapping[str, float]
    vectors_before: Vectors
    vectors_after: Vectors
    held_out: Sequence[ShopProduct]
    held_out_photos: Rows
    asked: Questions
    products_learned: int
    photos_learned: int
    precision: str


def train_photos(
    products: Sequence[ShopProduct],
    photos: Photos,
    base: Base,
    settings: TrainingSettings,
    *,
    folder: Path,
    weights: LossWeights | None = None,
    augmentation: Augmentation | None = None,
    deadline: float | None = None,
    resume: bool = False,
    watcher: Watcher,
    clock: Callable[[], float] = time.monotonic,
) -> TrainedPhotos:
    """Train the base's model and measure it before and after on products held out.

    products: with a title and at least one readable photo each; `photos.products` are their rows.
    folder: where vectors of texts and the checkpoint are kept. deadline: on the clock, for all of
    it. Raises InvalidQuery when there are too few products, or for a checkpoint of others.
    """
    split = split_products(products, seed=settings.seed)
    words = Words(base.words, dims=base.model.dims, folder=folder, revision=base.words_revision)
    watcher.stage("encoding titles and phrases")
    words.learn(_texts(products), watcher.counted)
    held_out, stopping = (
        _asked(products, photos, part, words) for part in (split.held_out, split.stopping)
    )
    model = base.model.to(settings.device)
    watcher.stage("measuring the encoder as it is")
    started = clock()
    vectors_before = encode_rows(model, photos.pixels, held_out.rows, settings.device)
    measuring = clock() - started
    data = _photo_set(products, photos, split, words)
    rows = _rows_of(photos, split.learned)
    batches = Batches(
        data,
        rows,
        size=settings.batch_size,
        seed=settings.seed,
        augmentation=augmentation or Augmentation(),
        device=settings.device,
    )
    settings = replace(
        settings, precision=faster_precision(model, batches, settings.precision, settings.device)
    )
    objective = _objective(base, data, weights or LossWeights(), settings.seed)
    if deadline is not None:
        # Measured once more at the end, and in part when the plan ends within an epoch.
        left = deadline - clock() - 1.5 * measuring - _AFTERWARDS_SECONDS
        settings = replace(settings, seconds=max(left, 1.0))
    checkpoint = folder / "checkpoint.pt"
    if not resume:
        checkpoint.unlink(missing_ok=True)
    watcher.stage(
        f"training on {len(rows):,} photos of {len(split.learned):,} products "
        f"({settings.precision}, {settings.device})"
    )
    trainer = Trainer(
        model,
        objective,
        batches,
        lambda one: stopping.figures(
            encode_rows(one, photos.pixels, stopping.rows, settings.device)
        ),
        settings,
        checkpoint=checkpoint,
        fingerprint=_fingerprint(products, photos, base, settings),
        clock=clock,
    )
    result = trainer.run(watcher.trained)
    watcher.stage("measuring what was learned on the products held out")
    vectors_after = encode_rows(model, photos.pixels, held_out.rows, settings.device)
    return TrainedPhotos(
        model=model,
        result=result,
        before=held_out.figures(vectors_before),
        after=held_out.figures(vectors_after),
        vectors_before=vectors_before,
        vectors_after=vectors_after,
        held_out=[products[row] for row in split.held_out],
        held_out_photos=held_out.rows,
        asked=held_out.questions,
        products_learned=len(split.learned),
        photos_learned=len(rows),
        precision=settings.precision,
    )


@torch.inference_mode()  # type: ignore[untyped-decorator]
def encode_rows(model: nn.Module, pixels: NDArray[np.uint8], rows: Rows, device: str) -> Vectors:
    """Return unit vectors of some photos, float32 [rows, dims]; the model is left evaluating."""
    model.eval()
    parts = []
    for start in range(0, len(rows), _EVALUATED_AT_ONCE):
        chunk = torch.from_numpy(pixels[rows[start : start + _EVALUATED_AT_ONCE]]).to(device)
        _, embeddings = model(to_unit(chunk).contiguous(memory_format=torch.channels_last))
        parts.append(nn.functional.normalize(embeddings.float(), dim=1).cpu().numpy())
    return np.concatenate(parts)


@dataclass(frozen=True)
class _Asked:
    """Questions about one part of the products. rows: of its photos."""

    rows: Rows
    questions: Questions

    def figures(self, vectors: Vectors) -> dict[str, float]:
        return self.questions.figures(vectors)


def _asked(
    products: Sequence[ShopProduct], photos: Photos, part: Sequence[int], words: Words
) -> _Asked:
    rows = _rows_of(photos, part)
    place = {row: number for number, row in enumerate(part)}
    own = np.asarray([place[row] for row in photos.products[rows]], dtype=np.int64)
    return _Asked(rows, questions([products[row] for row in part], own, words))


def _rows_of(photos: Photos, part: Sequence[int]) -> Rows:
    return np.flatnonzero(np.isin(photos.products, np.asarray(part))).astype(np.int64)


def _photo_set(
    products: Sequence[ShopProduct], photos: Photos, split: Split, words: Words
) -> PhotoSet:
    """Return what is learned from; of other products neither texts nor labels are in it."""
    place = np.full(len(products), -1, dtype=np.int64)
    place[list(split.learned)] = np.arange(len(split.learned))
    learned = [products[row] for row in split.learned]
    return PhotoSet(
        pixels=photos.pixels,
        products=place[photos.products],
        kinds=_classes([product.kind for product in learned]),
        colours=_classes([product.colour for product in learned]),
        titles=title_bank(learned, words),
        phrases=phrase_bank(learned, words),
    )


def _classes(labels: Sequence[str]) -> Rows:
    """Return a number for each label, NO_LABEL for none and for rare ones."""
    names, inverse, counts = np.unique(
        np.asarray(labels, dtype=str), return_inverse=True, return_counts=True
    )
    kept = (counts >= _RARE) & (names != "")
    numbers = np.where(kept, np.cumsum(kept) - 1, NO_LABEL)
    return numbers[inverse].astype(np.int64)


def _objective(base: Base, data: PhotoSet, weights: LossWeights, seed: int) -> Objective:
    torch.manual_seed(seed)
    return Objective(
        feature_width=base.model.feature_width,
        kinds=int(data.kinds.max(initial=NO_LABEL)) + 1,
        colours=int(data.colours.max(initial=NO_LABEL)) + 1,
        weights=weights,
    )


def _texts(products: Sequence[ShopProduct]) -> list[str]:
    titles = [product.title for product in products]
    return list(dict.fromkeys([*titles, *(text for one in products for text in phrases(one))]))


def _fingerprint(
    products: Sequence[ShopProduct], photos: Photos, base: Base, settings: TrainingSettings
) -> str:
    """Return what tells another training apart; the time it may take is no part of it."""
    digest = hashlib.sha256()
    kept = {
        name: value
        for name, value in asdict(settings).items()
        if name not in ("epochs", "seconds", "precision", "device", "patience")
    }
    shapes = {name: list(value.shape) for name, value in base.model.state_dict().items()}
    for part in (kept, shapes, base.name, base.words_revision, photos.products.tolist()):
        digest.update(json.dumps(part).encode())
    for product in products:
        digest.update(json.dumps(asdict(product)).encode())
    return digest.hexdigest()
