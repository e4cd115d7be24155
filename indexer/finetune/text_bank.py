"""Titles and phrases of products, each once, with the vectors of a text encoder that stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.finetune.phrases import phrases
from indexer.finetune.shop_products import ShopProduct

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]
Encode = Callable[[Sequence[str]], Vectors]


@dataclass(frozen=True)
class TextBank:
    """Distinct texts, and which of them are right for each product.

    texts: each once. vectors: float32 [texts, dims], unit rows. starts: int64 [products + 1];
    product i has the texts `owned[starts[i]:starts[i + 1]]`, int64, at least one of them unless
    the product has none at all.
    """

    texts: tuple[str, ...]
    vectors: Vectors
    starts: Rows
    owned: Rows

    def texts_of(self, product: int) -> Rows:
        """Return the rows of a product's texts."""
        return self.owned[self.starts[product] : self.starts[product + 1]]

    def sample(self, products: Rows, generator: np.random.Generator) -> Rows:
        """Return one text's row for each product; -1 where it has none.

        Earlier texts are drawn more often: of eight, the first two half of the time.
        """
        counts = self.starts[products + 1] - self.starts[products]
        drawn = (generator.random(len(products)) ** 2 * counts).astype(np.int64)
        places = np.minimum(self.starts[products] + drawn, len(self.owned) - 1)
        return np.where(counts > 0, self.owned[places], -1)

    def right(self, products: Rows, candidates: Rows) -> NDArray[np.bool_]:
        """Return which of the candidate texts are right for each product, bool [n, m].

        candidates: int64 [m], each once.
        """
        column = np.full(len(self.texts), -1, dtype=np.int64)
        column[candidates] = np.arange(len(candidates))
        answers = np.zeros((len(products), len(candidates)), dtype=np.bool_)
        for row, product in enumerate(products):
            places = column[self.texts_of(product)]
            answers[row, places[places >= 0]] = True
        return answers


def title_bank(products: Sequence[ShopProduct], encode: Encode) -> TextBank:
    """Return the bank of titles; equal ones are one text that is right for several products."""
    return _bank([[product.title] for product in products], encode)


def phrase_bank(products: Sequence[ShopProduct], encode: Encode) -> TextBank:
    """Return the bank of phrases made of labels; products without a kind have none."""
    return _bank([phrases(product) for product in products], encode)


def _bank(texts_of: Sequence[Sequence[str]], encode: Encode) -> TextBank:
    rows: dict[str, int] = {}
    owned = [rows.setdefault(text, len(rows)) for texts in texts_of for text in texts]
    starts = np.cumsum([0, *(len(texts) for texts in texts_of)])
    texts = tuple(rows)
    return TextBank(
        texts=texts,
        vectors=encode(texts),
        starts=starts.astype(np.int64),
        owned=np.asarray(owned, dtype=np.int64),
    )
