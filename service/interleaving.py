"""What an experiment makes of one search: an arm that ranks it, or one list drawn from both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from mappings.index_lifecycle import LiveIndex
from service import page
from service.cursor import Cursor
from service.feature_ranking import LearnedRanking
from service.page import Ranked
from service.search_results import Hit, LegScores, Photos
from service.weights.active import Current
from service.weights.experiments import Experiment, Team, assign, takes_part, team_draft


@dataclass(frozen=True)
class Arm:
    """What ranks one search while an experiment runs.

    version: as the answer names it, `A+B` for an interleaved list. learned: the ranking of A, or
    of the arm. other: that of B, for an interleaved list alone. client_id: None unless the search
    counts in the experiment.
    """

    experiment: Experiment
    version: str
    learned: LearnedRanking
    other: LearnedRanking | None = None
    client_id: str | None = None

    @property
    def team(self) -> Team:
        """Return which arm answers, where one does."""
        return "A" if self.version == self.experiment.versions[0] else "B"

    def seed(self, search: str) -> str:
        """Return what the coins of a draft depend on. search: its fingerprint.

        The same for every page of a client's search, and independent in another experiment.
        """
        return f"{self.experiment.salt}:{search}:{self.client_id}"


def choose_arm(
    current: Current[LearnedRanking | None], live: LiveIndex, client_id: str | None
) -> Arm | None:
    """Return what an experiment decides for a client; None when the active version answers.

    That is so without an experiment, and while one of its versions is missing, broken or of
    another encoder: half an experiment compares nothing. The arm depends on experiment and
    client alone, so a client's pages are all of one arm.
    """
    experiment = current.experiment
    if experiment is None:
        return None
    first, second = (current.arms.get(version) for version in experiment.versions)
    if first is None or second is None or not (first.fits(live) and second.fits(live)):
        return None
    client = client_id or None
    if experiment.kind == "interleave":
        if takes_part(experiment, client):
            return Arm(experiment, "+".join(experiment.versions), first, second, client)
        return Arm(experiment, experiment.versions[0], first)
    version = assign(experiment, client)
    learned = first if version == experiment.versions[0] else second
    return Arm(experiment, version, learned, client_id=client)


@dataclass(frozen=True)
class Interleaved:
    """One window under two rankings, and the list that their teams drafted from it.

    rankings: by team, of the same candidates in the same rows. drafted: rows with their teams, in
    the order of the list. What is pinned stands before them and is no team's pick: both would
    show it there.
    """

    rankings: Mapping[Team, Ranked]
    versions: Mapping[Team, str]
    drafted: tuple[tuple[int, Team], ...]

    @property
    def scores(self) -> LegScores:
        """Return the candidates."""
        return self.rankings["A"].scores

    def order(self) -> list[int]:
        """Return the rows, pinned ones first, the others as drafted."""
        pinned = range(self.rankings["A"].first_pinned, len(self.scores.product_ids))
        return [*pinned, *(row for row, _ in self.drafted)]

    def key(self, row: int) -> tuple[float, str]:
        """Return [score of its team, product id], for a cursor."""
        return self.rankings[dict(self.drafted).get(row, "A")].key(row)


def interleave(a: Ranked, b: Ranked, versions: tuple[str, str], seed: str) -> Interleaved:
    """Return the list that two rankings of the same candidates draft. seed: of the coins."""
    ids = a.scores.product_ids
    orders = [[ids[row] for row in ranked.own_order()] for ranked in (a, b)]
    rows = {product_id: row for row, product_id in enumerate(ids)}
    drafted = team_draft(orders[0], orders[1], seed, len(ids))
    return Interleaved(
        rankings={"A": a, "B": b},
        versions={"A": versions[0], "B": versions[1]},
        drafted=tuple((rows[product_id], team) for product_id, team in drafted),
    )


def place_after(ranked: Ranked | Interleaved, order: Sequence[int], start: Cursor) -> int:
    """Return the place in the order where a page begins.

    The scores of two models are in no order together, so an interleaved list goes on behind the
    product that was the last one, or, should that be gone, where it stood.
    """
    if isinstance(ranked, Ranked):
        return page.place_after(ranked, order, start)
    if not start.after:
        return min(start.position, len(order))
    behind = page.place_behind(ranked.scores, order, start.after[1])
    return min(max(0, start.position - 1), len(order)) if behind is None else behind


def build_hits(
    ranked: Ranked | Interleaved,
    rows: Sequence[int],
    products: Mapping[str, Mapping[str, Any]],
    *,
    first: int,
    explain: bool,
    photos: Photos = MappingProxyType({}),
) -> list[Hit]:
    """Return the hits of those rows, of an interleaved list each as its team's model sees it.

    photos: of each product, by which of its photos a leg found it. first: place of the first of
    the rows in the whole order, from 0.
    """
    if isinstance(ranked, Ranked):
        return page.build_hits(ranked, rows, products, first=first, explain=explain, photos=photos)
    seen = {
        team: {
            hit.id: replace(hit, team=ranked.versions[team])
            for hit in page.build_hits(
                own, rows, products, first=first, explain=explain, photos=photos
            )
        }
        for team, own in ranked.rankings.items()
    }
    teams = dict(ranked.drafted)
    ids = ranked.scores.product_ids
    return [
        seen[teams[row]][ids[row]] if row in teams else replace(seen["A"][ids[row]], team=None)
        for row in rows
        if ids[row] in products
    ]
