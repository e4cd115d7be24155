"""Where a search gets learned weights from."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from mappings.errors import UnknownWeights
from service.feature_ranking import LearnedRanking
from service.interleaving import Arm
from service.search_request import SearchRequest
from service.search_results import PHOTO_FINDS_PHOTOS, WORDS_FIND_PHOTOS
from service.search_watch import SearchWatch
from service.weights.active import Current


class LearnedRankings(Protocol):
    """Knows the learned weights of each index."""

    def get(self, index: str) -> LearnedRanking | None:
        """Return the active version, None for the weights that are shipped. Never raises."""
        ...

    def current(self, index: str) -> Current[LearnedRanking | None]:
        """Return the active version with the experiment that runs. Never raises."""
        ...

    def get_version(self, index: str, version: str) -> LearnedRanking | None:
        """Return a version by name. Raises UnknownWeights."""
        ...


class NothingLearned:
    """For a service that ranks by the weights that are shipped."""

    def get(self, index: str) -> None:
        """Return nothing."""

    def current(self, index: str) -> Current[LearnedRanking | None]:
        """Return that nothing is active, and no experiment runs."""
        return Current(None)

    def get_version(self, index: str, version: str) -> None:
        """Raise UnknownWeights: there are no versions."""
        raise UnknownWeights(f"index {index!r} has no weights {version!r}", field="version")


def misses(watch: SearchWatch, arm: Arm | None, learned: LearnedRanking | None) -> bool:
    """Return whether a leg is left out that a model knows: it would weigh the others wrongly."""
    models = [model for model in (learned, arm.other if arm else None) if model is not None]
    return any(model.knows(one.leg) for model in models for one in watch.dropped)


def brings(request: SearchRequest) -> set[str]:
    """Return the legs that a request makes by more than its words."""
    return set(request.vectors) | ({PHOTO_FINDS_PHOTOS} if request.image else set())


def unknown_legs(arm: Arm | None, learned: LearnedRanking | None) -> Collection[str]:
    """Return the leg of words that costs for nothing: what ranks was trained without photos."""
    models = [model for model in (learned, arm.other if arm else None) if model is not None]
    if not models or any(model.knows(WORDS_FIND_PHOTOS) for model in models):
        return set()
    return {WORDS_FIND_PHOTOS}
