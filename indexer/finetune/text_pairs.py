"""Queries and products as text training sees them: who is right, who only looks right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.finetune.judged_queries import Grades, right_products
from indexer.finetune.split import part_of
from mappings.errors import InvalidQuery

Rows = NDArray[np.int64]
JUDGED_NEGATIVES, LOOKALIKES = 2, 2
"""Products of each query of a batch, beside the other pairs' products: judged wrong, and unjudged
ones that only words speak for."""

LOOKS_RIGHT = 60
"""Products by BM25 that are asked for hard negatives."""

_SPARED = 10
"""Unjudged products at the head of BM25's list may well be right, so they are no negatives."""

FEWEST_QUERIES = 2
FindLookalikes = Callable[[str, int], Sequence[str]]
"""Returns the ids of the first products by words."""


@dataclass(frozen=True)
class QuerySplit:
    """Grades in three parts that share no query. See split.Split."""

    learned: Grades
    stopping: Grades
    held_out: Grades


@dataclass(frozen=True)
class TextBatch:
    """n pairs with m products: texts, who is right bool [n, m], and who may be, bool [n, m].

    rows: of the products, int64 [m]. open: judged somewhat right, so neither right nor wrong.
    """

    queries: tuple[str, ...]
    rows: Rows
    products: tuple[str, ...]
    right: NDArray[np.bool_]
    open: NDArray[np.bool_]


def split_queries(grades: Grades, known: Mapping[str, int], *, seed: int) -> QuerySplit:
    """Split the queries that have a right product among the known ones.

    known: product id to its row. Raises InvalidQuery when there are too few.
    """
    parts: dict[str, dict[str, Mapping[str, int]]] = {
        "learned": {},
        "stopping": {},
        "held_out": {},
    }
    for query, judged in grades.items():
        here = {name: grade for name, grade in judged.items() if name in known}
        if right_products(here):
            parts[part_of(query.lower(), seed=seed)][query] = here
    if any(len(parts[part]) < FEWEST_QUERIES for part in ("learned", "held_out")):
        count = sum(map(len, parts.values()))
        raise InvalidQuery(
            f"judgements: {count} queries with a right product of the catalogue are too few to "
            "learn from and to measure on others; some dozens are needed",
            field="judgements",
        )
    return QuerySplit(parts["learned"], parts["stopping"] or parts["learned"], parts["held_out"])


class TextBatches:
    """The batches of an epoch, decided by seed, epoch and place alone.

    texts: of the products. known: product id to its row in texts.
    """

    def __init__(
        self,
        grades: Grades,
        texts: Sequence[str],
        known: Mapping[str, int],
        find: FindLookalikes,
        *,
        size: int,
        seed: int,
    ) -> None:
        self._texts = texts
        self._seed = seed
        self._grades = {
            query: {known[name]: grade for name, grade in judged.items()}
            for query, judged in grades.items()
        }
        self._right = {
            query: frozenset(known[name] for name in right_products(judged))
            for query, judged in grades.items()
        }
        self._pairs = [(query, row) for query in self._right for row in sorted(self._right[query])]
        self._hard = {query: self._hard_negatives(query, known, find) for query in self._right}
        self._size = min(size, len(self._pairs))

    @property
    def rows_per_epoch(self) -> int:
        """Return the pairs of an epoch."""
        return min(len(self) * self._size, len(self._pairs))

    @property
    def product_rows(self) -> Rows:
        """Return the rows of all products that a batch may hold."""
        rows = {row for _, row in self._pairs}
        for wrong, lookalikes in self._hard.values():
            rows.update(wrong, lookalikes)
        return np.asarray(sorted(rows), dtype=np.int64)

    def __len__(self) -> int:
        """Return the batches of an epoch."""
        return -(-len(self._pairs) // self._size)

    def epoch(self, epoch: int, *, first: int = 0) -> Iterator[TextBatch]:
        """Yield the batches of an epoch from the given place on."""
        order = np.random.default_rng([self._seed, epoch]).permutation(len(self._pairs))
        for place in range(first, len(self)):
            rows = order[place * self._size : (place + 1) * self._size]
            pairs = [self._pairs[row] for row in rows]
            yield self._batch(pairs, np.random.default_rng([self._seed, epoch, place]))

    def _batch(
        self, pairs: Sequence[tuple[str, int]], generator: np.random.Generator
    ) -> TextBatch:
        queries = list(dict.fromkeys(query for query, _ in pairs))
        rows = [row for _, row in pairs]
        for query in queries:
            for some, most in zip(self._hard[query], (JUDGED_NEGATIVES, LOOKALIKES), strict=True):
                if some:
                    drawn = generator.choice(len(some), min(most, len(some)), replace=False)
                    rows += [some[place] for place in drawn]
        rows = list(dict.fromkeys(rows))
        right = np.array([[row in self._right[query] for row in rows] for query in queries])
        somewhat = np.array(
            [[self._grades[query].get(row, 0) >= 1 for row in rows] for query in queries]
        )
        return TextBatch(
            queries=tuple(queries),
            rows=np.asarray(rows, dtype=np.int64),
            products=tuple(self._texts[row] for row in rows),
            right=right,
            open=somewhat & ~right,
        )

    def _hard_negatives(
        self, query: str, known: Mapping[str, int], find: FindLookalikes
    ) -> tuple[list[int], list[int]]:
        """Return products judged wrong, and those that only words speak for."""
        judged = self._grades[query]
        wrong = [row for row, grade in judged.items() if grade == 0]
        found = [known[name] for name in find(query, LOOKS_RIGHT) if name in known]
        return wrong, [row for row in found[_SPARED:] if row not in judged]
