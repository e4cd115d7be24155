"""The figures of a photo encoder on some products: what the table of before and after shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.finetune.photo_metrics import (
    MIN_PRODUCTS,
    LabelPair,
    Vectors,
    label_pairs,
    own_photo_recall,
    photo_precision,
    words_precision,
)
from indexer.finetune.shop_products import ShopProduct

WORDS_KIND = "words find photos: kind"
WORDS_COLOUR = "words find photos: colour"
WORDS_BOTH = "words find photos: both"
OWN_PHOTO = "title finds its own photo"
PHOTO_KIND = "photo finds photos: kind"
PHOTO_COLOUR = "photo finds photos: colour"

MEANINGS: Mapping[str, str] = {
    WORDS_KIND: 'share of the first 10 photos for "colour kind" that are of the kind',
    WORDS_COLOUR: "share of them that have the colour",
    WORDS_BOTH: "share of them that are right in both",
    OWN_PHOTO: "share of titles with a photo of their own product among the first 10",
    PHOTO_KIND: "share of a photo's 10 nearest others that are of its kind",
    PHOTO_COLOUR: "share of them that have its colour",
}
"""Figure, and what it is; all from 0 to 1."""

_FEWER_PRODUCTS = (MIN_PRODUCTS, 5, 3, 2, 1)


@dataclass(frozen=True)
class Questions:
    """What is asked of an encoder, with the vectors of all words.

    products: int64 [photos], each photo's row among these products. kinds, colours: one a photo.
    pairs: phrases asked for, of at least `least` products each. title_vectors: float32
    [products, dims]. phrase_vectors: float32 [pairs, dims].
    """

    products: NDArray[np.int64]
    kinds: tuple[str, ...]
    colours: tuple[str, ...]
    pairs: tuple[LabelPair, ...]
    least: int
    title_vectors: Vectors
    phrase_vectors: Vectors

    def figures(self, photos: Vectors) -> dict[str, float]:
        """Return the figures of the photos' vectors, float32 [photos, dims], unit rows.

        nan where the products cannot tell, e.g. because they have no colours.
        """
        words = words_precision(self.pairs, self.phrase_vectors, photos, self.colours, self.kinds)
        return {
            WORDS_KIND: words.kind,
            WORDS_COLOUR: words.colour,
            WORDS_BOTH: words.both,
            OWN_PHOTO: own_photo_recall(self.title_vectors, photos, owners=self.products.tolist()),
            PHOTO_KIND: photo_precision(photos, self.kinds),
            PHOTO_COLOUR: photo_precision(photos, self.colours),
        }


def questions(
    products: Sequence[ShopProduct],
    photo_products: NDArray[np.int64],
    encode: Callable[[Sequence[str]], Vectors],
) -> Questions:
    """Return what to ask about products.

    photo_products: int64 [photos], each photo's row among the products. Phrases are asked for
    that at least ten photos fit; in a small catalogue that has none, fewer do.
    """
    kinds = tuple(products[row].kind for row in photo_products)
    colours = tuple(products[row].colour for row in photo_products)
    pairs, least = _pairs(colours, kinds)
    return Questions(
        products=photo_products,
        kinds=kinds,
        colours=colours,
        pairs=tuple(pairs),
        least=least,
        title_vectors=encode([product.title for product in products]),
        phrase_vectors=encode([pair.phrase for pair in pairs]),
    )


def _pairs(colours: Sequence[str], kinds: Sequence[str]) -> tuple[list[LabelPair], int]:
    for least in _FEWER_PRODUCTS:
        pairs = label_pairs(colours, kinds, min_products=least)
        if pairs:
            return pairs, least
    return [], MIN_PRODUCTS
