"""Which version of the weights is active for an index, and what was active before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from service.versions.state import HISTORY_ENTRIES, Action, Change, VersionState
from service.weights.experiments import Experiment

__all__ = ["HISTORY_ENTRIES", "Action", "Change", "WeightsState"]


@dataclass(frozen=True)
class WeightsState(VersionState):
    """The state of one index; experiment: the one that runs, None without."""

    experiment: Experiment | None = None

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        experiment = raw.get("experiment")
        known = super().from_json(raw)
        if experiment is None:
            return known
        return replace(known, experiment=Experiment.from_json(experiment))

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON."""
        experiment = None if self.experiment is None else self.experiment.to_json()
        return {**super().to_json(), "experiment": experiment}

    @property
    def in_use(self) -> tuple[str, ...]:
        """Versions that answer searches: the active one and those of an experiment."""
        compared = () if self.experiment is None else self.experiment.versions
        return tuple(dict.fromkeys([*super().in_use, *compared]))
