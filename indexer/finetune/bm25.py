"""BM25 in memory: finds the products that look right by their words and are not."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

K1, B = 1.2, 0.75
"""Lucene's own values."""

_WORD = re.compile(r"\w+")


class Bm25:
    """The BM25 of Robertson et al. with Lucene's idf, over texts that stay."""

    def __init__(self, texts: Sequence[str]) -> None:
        places: dict[str, list[int]] = defaultdict(list)
        counts: dict[str, list[int]] = defaultdict(list)
        lengths = np.zeros(max(len(texts), 1), dtype=np.float32)
        for row, text in enumerate(texts):
            words = _words(text)
            lengths[row] = len(words)
            for word, count in Counter(words).items():
                places[word].append(row)
                counts[word].append(count)
        self._size = len(texts)
        self._places = {word: np.asarray(rows) for word, rows in places.items()}
        self._counts = {word: np.asarray(many, np.float32) for word, many in counts.items()}
        self._norms = K1 * (1 - B + B * lengths / max(float(lengths.mean()), 1.0))

    def first(self, query: str, size: int) -> list[int]:
        """Return the rows of the best texts, best first; texts without a word of it are none."""
        scores = np.zeros(self._size, dtype=np.float32)
        for word in set(_words(query)):
            rows = self._places.get(word)
            if rows is not None:
                scores[rows] += self._scores(word, rows)
        best = np.argsort(-scores, kind="stable")[:size]
        return [int(row) for row in best if scores[row] > 0]

    def _scores(self, word: str, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        counts = self._counts[word]
        idf = np.log1p((self._size - len(rows) + 0.5) / (len(rows) + 0.5))
        weights: NDArray[np.float32] = idf * counts / (counts + self._norms[rows])
        return weights


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
