"""Simulated shoppers on a judgement list, whose habits are known: the test of the estimates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.clicks.click_log import ClickLog
from service.clicks.sessions import CLICK

Judgements = Mapping[str, Mapping[str, int]]
Rankings = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Shoppers:
    """How simulated shoppers look and click.

    Examination of rank r is 1 / r^eta (Joachims, Swaminathan, Schnabel 2017, with eta = 1). A
    product that is looked at is clicked with noise + (1 - noise) (2^grade - 1) / (2^max_grade
    - 1), noise = 0.1 (Ai et al. 2018, "Unbiased Learning to Rank with Unbiased Propensity
    Estimation", after Chapelle et al. 2009).
    """

    eta: float = 1.0
    noise: float = 0.1
    max_grade: int = 3

    def examination(self, ranks: int) -> NDArray[np.float64]:
        """Return float64 [ranks], the truth that an estimate is held against."""
        return np.asarray(1 / np.arange(1, ranks + 1, dtype=np.float64) ** self.eta)

    def attractiveness(self, grades: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the probability of a click on a product that is looked at, by its grade."""
        gain = (2.0**grades - 1) / (2.0**self.max_grade - 1)
        return np.asarray(self.noise + (1 - self.noise) * gain)


@dataclass(frozen=True)
class Swaps:
    """How rankings are varied, so that products are seen at several positions.

    In a share of the sessions two random positions of the page are exchanged, `count` times.
    """

    share: float = 0.5
    count: int = 3


def simulate(
    judgements: Judgements,
    rankings: Rankings,
    *,
    sessions: int,
    seed: int,
    depth: int = 10,
    swaps: Swaps = Swaps(),
    shoppers: Shoppers = Shoppers(),
) -> ClickLog:
    """Return what shoppers did on pages of the best `depth` products of each ranking.

    Each session has a query of `rankings`, all equally likely. A product without a grade has
    grade 0. The same seed gives the same log.
    """
    random = np.random.default_rng(seed)
    queries = sorted(query for query in rankings if rankings[query])
    counts = random.multinomial(sessions, np.full(len(queries), 1 / len(queries)))
    pairs: list[tuple[str, str]] = []
    columns: list[NDArray[np.int64]] = []  # [3, observations] a query
    for query, count in zip(queries, counts, strict=True):
        products = list(rankings[query])[:depth]
        grades = np.array([judgements[query].get(one, 0) for one in products], dtype=np.int64)
        page = _pages(len(products), int(count), swaps, random)  # [sessions, ranks]
        chance = shoppers.examination(len(products)) * shoppers.attractiveness(grades)[page]
        level = np.where(random.random(page.shape) < chance, CLICK, 0)
        rank = np.broadcast_to(np.arange(1, len(products) + 1), page.shape)
        columns.append(np.stack([(page + len(pairs)).ravel(), rank.ravel(), level.ravel()]))
        pairs += [(query, product_id) for product_id in products]
    table = np.concatenate(columns, axis=1)
    return ClickLog(tuple(pairs), table[0], table[1], table[2], depth)


def graded_ranking(judgements: Judgements, *, noise: float, seed: int) -> dict[str, list[str]]:
    """Return a base ranker: by grade plus normal noise of that deviation, best first."""
    random = np.random.default_rng(seed)
    rankings = {}
    for query in sorted(judgements):
        products = sorted(judgements[query])
        scores = [judgements[query][one] for one in products]
        order = np.argsort(-(np.array(scores) + random.normal(0, noise, len(products))))
        rankings[query] = [products[place] for place in order]
    return rankings


def _pages(
    size: int, sessions: int, swaps: Swaps, random: np.random.Generator
) -> NDArray[np.int64]:
    """Return int64 [sessions, size]: which product of the base ranking stands at which rank."""
    page = np.tile(np.arange(size), (sessions, 1))
    varied = np.flatnonzero(random.random(sessions) < swaps.share)
    for _ in range(swaps.count):
        one, other = random.integers(0, size, (2, len(varied)))
        page[varied, one], page[varied, other] = page[varied, other], page[varied, one]
    return page
