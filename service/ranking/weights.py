"""Ranking weights as data: read from versioned files, never written in code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import orjson

from mappings.encoder_spec import EncoderSpec
from service.calibration import Calibration
from service.search_results import LEXICAL

_ANY_ENCODER = "*"


@dataclass(frozen=True)
class VectorScale:
    """Cosines of one encoder: 0 at `low`, 1 at `high`; neighbours under `floor` are left out."""

    low: float
    high: float
    floor: float


@dataclass(frozen=True)
class RankingWeights:
    """A version of the weights, with what is needed to make the legs comparable.

    weights: fusion method to leg to weight, 0 and up. lexical: calibration of BM25 scores.
    scales: encoder name to the scale of its cosines; `*` for one that is not named.
    """

    version: str
    weights: Mapping[str, Mapping[str, float]]
    lexical: Calibration
    scales: Mapping[str, VectorScale]

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> RankingWeights:
        """Read a version from its file's JSON object."""
        return cls(
            version=raw["version"],
            weights=dict(raw["weights"]),
            lexical=Calibration(**raw["lexical"]),
            scales={name: VectorScale(**scale) for name, scale in raw["encoders"].items()},
        )

    def weights_of(self, fusion: str) -> Mapping[str, float]:
        """Return leg to weight for a fusion method."""
        return self.weights[fusion]

    def scale_of(self, spec: EncoderSpec) -> VectorScale:
        """Return the scale of an encoder's cosines."""
        return self.scales.get(spec.name, self.scales[_ANY_ENCODER])

    def calibrations(self, encoders: Mapping[str, EncoderSpec]) -> dict[str, Calibration]:
        """Return the calibration of every leg of an index."""
        found = {LEXICAL: self.lexical}
        for field, spec in encoders.items():
            scale = self.scale_of(spec)
            found[field] = Calibration("linear", low=scale.low, high=scale.high)
        return found

    def floors(self, encoders: Mapping[str, EncoderSpec]) -> dict[str, float]:
        """Return the least cosine of a neighbour by vector field."""
        return {field: self.scale_of(spec).floor for field, spec in encoders.items()}


def load_default() -> RankingWeights:
    """Return the weights that are shipped with the package."""
    text = files("service").joinpath("ranking/versions/default.json").read_bytes()
    return RankingWeights.from_json(orjson.loads(text))
