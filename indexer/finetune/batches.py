"""Batches of photos with their texts; each is decided by seed, epoch and place alone.

Nothing random is carried from one batch to the next, so training that is taken up again after a
crash sees exactly what it would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from indexer.finetune.augmentation import Augmentation
from indexer.finetune.objective import Batch, Candidates
from indexer.finetune.text_bank import Rows, TextBank

MOST_EXTRA_TEXTS = 2_048
"""Texts beside a batch's own that are wrong answers: more make the question harder, and cost."""

FEWEST_PHOTOS = 2
"""Of a batch: batch normalisation needs two, and so does a comparison."""


@dataclass(frozen=True)
class PhotoSet:
    """Photos to learn from.

    pixels: uint8 [photos, side, side, 3], perhaps mapped from a file. products: int64 [photos],
    each photo's product. kinds, colours: int64 [products], NO_LABEL for none.
    """

    pixels: NDArray[np.uint8]
    products: Rows
    kinds: Rows
    colours: Rows
    titles: TextBank
    phrases: TextBank


class Batches:
    """The batches of an epoch. rows: photos to draw from. size: photos of a batch."""

    def __init__(
        self,
        photos: PhotoSet,
        rows: Rows,
        *,
        size: int,
        seed: int,
        augmentation: Augmentation,
        device: str = "cpu",
    ) -> None:
        self._photos = photos
        self._rows = rows
        self._size = min(size, len(rows))
        self._seed = seed
        self._augmentation = augmentation
        self._device = device

    def __len__(self) -> int:
        """Return the batches of an epoch; a rest too small to be one is left out of it."""
        whole, rest = divmod(len(self._rows), self._size)
        return whole + (rest >= max(FEWEST_PHOTOS, self._size // 2))

    @property
    def rows_per_epoch(self) -> int:
        """Return how many photos an epoch sees."""
        return min(len(self) * self._size, len(self._rows))

    def epoch(self, epoch: int, *, first: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch from the given place on."""
        order = np.random.default_rng([self._seed, epoch]).permutation(self._rows)
        for place in range(first, len(self)):
            rows = order[place * self._size : (place + 1) * self._size]
            yield self._batch(rows, np.random.default_rng([self._seed, epoch, place]))

    def _batch(self, rows: Rows, generator: np.random.Generator) -> Batch:
        data = self._photos
        products = data.products[rows]
        # Sorted reads keep a mapped file quick; the order within a batch means nothing.
        pixels = torch.from_numpy(data.pixels[rows]).to(self._device)
        torch_generator = torch.Generator().manual_seed(int(generator.integers(2**62)))
        photos = self._augmentation.apply(to_unit(pixels), torch_generator)
        return Batch(
            photos=photos,
            titles=self._candidates(data.titles, products, generator),
            phrases=self._candidates(data.phrases, products, generator),
            kinds=self._tensor(data.kinds[products]),
            colours=self._tensor(data.colours[products]),
        )

    def _candidates(
        self, bank: TextBank, products: Rows, generator: np.random.Generator
    ) -> Candidates | None:
        if not bank.texts:
            return None
        drawn = bank.sample(products, generator)
        asked = np.unique(drawn[drawn >= 0])
        if not len(asked):
            return None
        extra = self._extra(bank, generator)
        candidates = np.concatenate([asked, np.setdiff1d(extra, asked)])
        return Candidates(
            vectors=self._tensor(bank.vectors[candidates]),
            right=self._tensor(bank.right(products, candidates)),
            asked=self._tensor(np.arange(len(candidates)) < len(asked)),
        )

    @staticmethod
    def _extra(bank: TextBank, generator: np.random.Generator) -> Rows:
        if len(bank.texts) <= MOST_EXTRA_TEXTS:
            return np.arange(len(bank.texts), dtype=np.int64)
        return generator.choice(len(bank.texts), MOST_EXTRA_TEXTS, replace=False)

    def _tensor(self, values: NDArray[np.generic]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self._device)


def to_unit(pixels: torch.Tensor) -> torch.Tensor:
    """Return pixels uint8 [n, side, side, 3] as float32 [n, 3, side, side] from 0 to 1."""
    return pixels.permute(0, 3, 1, 2).float().div_(255.0)
