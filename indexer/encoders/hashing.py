"""A text encoder without a model: signed feature hashing of words and character n-grams.

For tests, and for a first run on a machine without any model. Texts that share words or
parts of words are near each other; it knows no synonyms.
Source of the method: Weinberger et al., "Feature Hashing for Large Scale Multitask
Learning", 2009; parts of words as in fastText (Bojanowski et al., 2017).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.encoders.base import Embeddings, LoadOptions, TextEncoder, unit_rows
from mappings.encoder_spec import EncoderSpec

DIMS = 256
REVISION = "1"
"""Raised by any change that gives another vector, since indexes keep it."""

NGRAM_LENGTHS = (3, 4)
NGRAM_SHARE = 0.5
"""Squared length that all n-grams of a word have together, where the word itself has 1."""

CACHED_WORDS = 65_536
"""Words whose features are remembered; a catalogue's words repeat."""

_WORD = re.compile(r"\w+")


class HashingEncoder:
    """Deterministic on every platform, NumPy only. See TextEncoder."""

    def __init__(self, *, template: str = "{title}", dims: int = DIMS) -> None:
        if not 1 <= dims <= 4096:
            raise ValueError(f"dims is {dims}; a dense_vector has 1 to 4096")
        self._spec = EncoderSpec(name="hashing", revision=REVISION, dims=dims, template=template)

    @property
    def spec(self) -> EncoderSpec:
        """Return the identity."""
        return self._spec

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """Return one unit vector a text, float32 [len(texts), dims]."""
        dims = self._spec.dims
        sums = np.zeros((len(texts), dims))
        for row, text in zip(sums, texts, strict=True):
            for word in _words(text):
                hashes, values = _word_features(word)
                np.add.at(row, (hashes % np.uint64(dims)).astype(np.intp), values)
        return unit_rows(sums)


def _words(text: str) -> list[str]:
    """Return the distinct words in a fixed order; the signs of a text that has no words."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = _WORD.findall(folded) or folded.split() or [""]
    return list(dict.fromkeys(words))


@lru_cache(maxsize=CACHED_WORDS)
def _word_features(word: str) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
    """Return the hashes [features] and signed weights [features] of a word and its n-grams."""
    ngrams = list(_ngrams(word))
    weights = [1.0] + [(NGRAM_SHARE / max(1, len(ngrams))) ** 0.5] * len(ngrams)
    # Lone surrogates occur in JSON and have no UTF-8 of their own.
    digests = [
        int.from_bytes(blake2b(part.encode("utf-8", "surrogatepass"), digest_size=9).digest())
        for part in (word, *ngrams)
    ]
    signs = [1.0 if digest & 1 else -1.0 for digest in digests]
    hashes = np.array([digest >> 8 for digest in digests], dtype=np.uint64)
    return hashes, np.array(signs) * np.array(weights)


def _ngrams(word: str) -> Iterator[str]:
    bounded = f"<{word}>"
    for length in NGRAM_LENGTHS:
        for start in range(len(bounded) - length + 1):
            yield bounded[start : start + length]


class HashingFamily:
    """The registry's line for the hashing encoder. See EncoderFamily."""

    what = "Words and parts of words, hashed; no model, no synonyms"
    licence = "Apache-2.0"
    needs = "nothing"

    def spec(self, name: str, *, template: str, model_directory: Path) -> EncoderSpec:
        """Return the identity."""
        return HashingEncoder(template=template).spec

    def load_text_encoder(self, name: str, *, template: str, options: LoadOptions) -> TextEncoder:
        """Return the encoder; it has no options."""
        return HashingEncoder(template=template)

    def load_query_encoder(
        self, name: str, *, template: str, model_directory: Path, threads: int
    ) -> TextEncoder:
        """Return the same encoder as the worker's."""
        return HashingEncoder(template=template)

    def export(self, name: str, *, template: str, model_directory: Path) -> Path:
        """Write nothing: there is no model. Returns the model directory."""
        return model_directory


FAMILY = HashingFamily()
