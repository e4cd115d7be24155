"""What the pictures of the shipped tower's training are called, and those words' vectors.

A vocabulary has kinds (t-shirt, watch, apple) and colours. A picture names the kinds that it may
be of: people's "Shoes" may be any shoe, a rendered loafer is one thing only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Vectors]

CLOTHING_KINDS: Mapping[str, tuple[str, ...]] = {
    "Blazer": ("blazer",),
    "Blouse": ("top", "shirt", "kurta"),
    "Body": ("bodysuit",),
    "Dress": ("dress", "maxi dress", "shirt dress", "night dress"),
    "Hat": ("hat", "cap", "beanie"),
    "Hoodie": ("hoodie", "sweatshirt", "jacket"),
    "Longsleeve": ("long sleeve t-shirt", "sweater", "sweatshirt", "top", "cardigan"),
    "Outwear": (
        *("jacket", "coat", "rain jacket", "puffer jacket", "leather jacket", "denim jacket"),
        *("waistcoat", "tracksuit", "cardigan"),
    ),
    "Pants": (
        *("trousers", "jeans", "cargo trousers", "track pants", "leggings", "palazzo pants"),
        "capris",
    ),
    "Polo": ("polo",),
    "Shirt": ("shirt", "casual shirt"),
    "Shoes": (
        *("shoes", "sports shoes", "casual shoes", "formal shoes", "loafers", "heels", "flats"),
        *("sandals", "flip flops", "boots"),
    ),
    "Shorts": ("shorts",),
    "Skirt": ("skirt",),
    "T-Shirt": ("t-shirt",),
    "Top": ("top", "tank top"),
    "Undershirt": ("vest", "tank top"),
}
"""Class of the `clothing` set to the kinds that its pictures may show, the usual one first."""

EXTRA_WORDS: Mapping[str, tuple[str, ...]] = {
    "t-shirt": ("t-shirt", "tshirt", "tee shirt"),
    "shoes": ("shoes", "footwear"),
    "long sleeve t-shirt": ("long sleeve t-shirt", "long sleeve top", "longsleeve"),
    "bodysuit": ("bodysuit", "baby bodysuit", "romper"),
    "vest": ("vest", "undershirt", "innerwear vest", "sleeveless vest"),
    "jacket": ("jacket", "outerwear jacket"),
    "trousers": ("trousers", "pants"),
    "top": ("top", "women's top"),
    "polo": ("polo shirt", "polo t-shirt", "polo"),
}
"""Words for kinds of people's photos, where the rendered kinds bring none."""

_PHRASES = (
    "{colour} {plural}",
    "{colour} {word}",
    "men's {colour} {word}",
    "{colour} women {plural}",
)
_OTHER_PHRASES = 1
"""How many of the phrases are made of a kind's second and third word."""
_PLAIN_PHRASES = ("{word}", "{plural}", "a photo of a {word}")
_MOST_WORDS = 3
"""Words of a kind that are used; the first ones are the usual ones."""


@dataclass(frozen=True)
class TextTargets:
    """Unit vectors of the words.

    kinds: names, K. colours: names, C. plain: float32 [K, dims], a kind of no colour.
    coloured: float32 [G, C, dims], of the first G kinds, which come in colours.
    """

    kinds: tuple[str, ...]
    colours: tuple[str, ...]
    plain: Vectors
    coloured: Vectors


def plural(word: str) -> str:
    """Return the plural of a product's word, as shops write categories."""
    last = word.rsplit(" ", 1)[-1]
    if last.endswith(("ss", "sh", "ch", "x")):
        return f"{word}es"
    if last.endswith("s"):
        return word
    if last.endswith("y") and last[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word[:-1]}ves" if last.endswith("rf") else f"{word}s"


def text_targets(
    words: Mapping[str, Sequence[str]], coloured: int, colours: Sequence[str], encode: Encode
) -> TextTargets:
    """Return the mean vectors of several phrases for each kind and each kind in each colour.

    words: kind to its words; the first `coloured` kinds come in colours. encode: texts
    to float32 unit rows [n, dims].
    """
    plain = _means(
        [
            [p.format(word=w, plural=plural(w)) for w in ws[:_MOST_WORDS] for p in _PLAIN_PHRASES]
            for ws in words.values()
        ],
        encode,
    )
    in_colours = _means(
        [
            [
                p.format(word=w, plural=plural(w), colour="multicoloured" if c == "multi" else c)
                for w in ws[:_MOST_WORDS]
                for p in (_PHRASES if w == ws[0] else _PHRASES[:_OTHER_PHRASES])
            ]
            for ws in list(words.values())[:coloured]
            for c in colours
        ],
        encode,
    )
    dims = plain.shape[1]
    return TextTargets(
        tuple(words), tuple(colours), plain, in_colours.reshape(coloured, len(colours), dims)
    )


def _means(groups: Sequence[Sequence[str]], encode: Encode) -> Vectors:
    """Return the unit mean of the vectors of each group of phrases."""
    vectors = encode([phrase for group in groups for phrase in group])
    starts = np.cumsum([0, *(len(group) for group in groups)])[:-1]
    sums = np.add.reduceat(vectors, starts, axis=0)
    means: Vectors = (sums / np.linalg.norm(sums, axis=1, keepdims=True)).astype(np.float32)
    return means
