"""Versions of the ranking weights, and which is active, in an index of the cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from elasticsearch import Elasticsearch

from mappings.errors import InvalidQuery, UnknownWeights
from service.versions.store import KEYWORD, MAX_LISTED, UNREAD, VersionStore, utc_now
from service.weights.documents import WeightsDocument, check_document
from service.weights.experiments import Experiment
from service.weights.state import WeightsState

__all__ = ["MAX_LISTED", "WEIGHTS_INDEX", "WeightsStore"]

WEIGHTS_INDEX = "shelfwise-weights"


class WeightsStore(VersionStore[WeightsState]):
    """Keeps the versions of every shop's weights, and the experiment that compares two of them.

    What a rollback or a deactivation changes, it changes for everybody: an experiment ends.
    """

    what = "weights"
    heavy = "model"
    state_class = WeightsState
    unknown = UnknownWeights
    fields = {
        "fusion": KEYWORD,
        "model": UNREAD,
        "features": {"type": "keyword", "index": False, "doc_values": False},
        "training": UNREAD,
        "metrics": UNREAD,
        "note": {"type": "text", "index": False},
        "experiment": UNREAD,
    }

    def __init__(
        self,
        client: Elasticsearch,
        *,
        name: str = WEIGHTS_INDEX,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__(client, name=name, now=now)

    def version_prefix(self, index: str) -> str:
        """Return what stands before the number: `products` in `products-3`."""
        return index

    def save(self, document: object) -> str:
        """Keep a weights document as a new version, and return its name: `products-3`.

        Raises InvalidQuery as `check_document` does.
        """
        checked = check_document(document)
        return self._save(checked["index"], checked)

    def get(self, index: str, version: str) -> WeightsDocument:
        """Return a version with its model; raises UnknownWeights that lists near names."""
        return self.document(index, version)

    def start_experiment(self, index: str, experiment: Experiment) -> WeightsState:
        """Let two versions be compared, and return the state.

        Raises UnknownWeights, and InvalidQuery when an experiment runs already.
        """

        def change(state: WeightsState) -> WeightsState:
            for version in experiment.versions:
                self._require(state, version)
            if state.experiment is not None:
                raise InvalidQuery(
                    f"an experiment of {' and '.join(state.experiment.versions)} runs already "
                    f"on {index!r}: stop it first",
                    field="index",
                )
            return replace(state, experiment=experiment)

        return self._update(index, change)

    def stop_experiment(self, index: str) -> Experiment:
        """End the experiment, and return it; raises InvalidQuery when none runs."""
        ended: list[Experiment] = []

        def change(state: WeightsState) -> WeightsState:
            if state.experiment is None:
                raise InvalidQuery(f"no experiment runs on {index!r}", field="index")
            ended.append(state.experiment)
            return replace(state, experiment=None)

        self._update(index, change)
        return ended[-1]

    def _check_activation(self, state: WeightsState, version: str) -> None:
        # The versions of an experiment answer whatever is active.
        if state.experiment is not None:
            raise InvalidQuery(
                f"an experiment of {' and '.join(state.experiment.versions)} runs on "
                f"{state.index!r}: stop it before {version!r} becomes active",
                field="version",
            )

    def _ended(self, state: WeightsState) -> WeightsState:
        return replace(state, experiment=None)

    def _way_out(self) -> str:
        return "activate another, or stop the experiment,"
