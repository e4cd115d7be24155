"""Ranking weights as data: read from versioned files, never written in code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import orjson

from mappings.encoder_spec import EncoderSpec
from mappings.product import IMAGE_VECTOR, TEXT_VECTOR
from service.calibration import Calibration
from service.search_results import (
    LEXICAL,
    PHOTO_FINDS_PHOTOS,
    PHOTO_FINDS_TEXT,
    WORDS_FIND_PHOTOS,
    WORDS_FIND_TEXT,
)

_FIELDS = {
    WORDS_FIND_TEXT: TEXT_VECTOR,
    WORDS_FIND_PHOTOS: IMAGE_VECTOR,
    PHOTO_FINDS_PHOTOS: IMAGE_VECTOR,
    PHOTO_FINDS_TEXT: IMAGE_VECTOR,
}
"""Vector leg to the vector field by whose encoder its cosines are scaled: words and photos are
compared in the space that the encoder of photos was trained for."""

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
    scales: vector leg to encoder name to the scale of its cosines; `*` for an encoder that is
    not named. The same encoder has one scale for each leg: cosines of words and photos are low,
    even of the best match.
    """

    version: str
    weights: Mapping[str, Mapping[str, float]]
    lexical: Calibration
    scales: Mapping[str, Mapping[str, VectorScale]]

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> RankingWeights:
        """Read a version from its file's JSON object."""
        return cls(
            version=raw["version"],
            weights=dict(raw["weights"]),
            lexical=Calibration(**raw["lexical"]),
            scales={
                leg: {name: VectorScale(**scale) for name, scale in by_encoder.items()}
                for leg, by_encoder in raw["scales"].items()
            },
        )

    def weights_of(self, fusion: str) -> Mapping[str, float]:
        """Return leg to weight for a fusion method."""
        return self.weights[fusion]

    def scale_of(self, leg: str, spec: EncoderSpec) -> VectorScale:
        """Return the scale of a leg's cosines by an encoder."""
        scales = self.scales[leg]
        return scales.get(spec.name, scales[_ANY_ENCODER])

    def calibrations(self, encoders: Mapping[str, EncoderSpec]) -> dict[str, Calibration]:
        """Return the calibration of every leg that an index may have.

        encoders: by vector field.
        """
        found = {LEXICAL: self.lexical}
        for leg, scale in self._scales_of(encoders).items():
            found[leg] = Calibration("linear", low=scale.low, high=scale.high)
        return found

    def floors(self, encoders: Mapping[str, EncoderSpec]) -> dict[str, float]:
        """Return the least cosine of a neighbour by vector leg. encoders: by vector field."""
        return {leg: scale.floor for leg, scale in self._scales_of(encoders).items()}

    def _scales_of(self, encoders: Mapping[str, EncoderSpec]) -> dict[str, VectorScale]:
        return {
            leg: self.scale_of(leg, encoders[field])
            for leg, field in _FIELDS.items()
            if field in encoders
        }


def load_default() -> RankingWeights:
    """Return the weights that are shipped with the package."""
    text = files("service").joinpath("ranking/versions/default.json").read_bytes()
    return RankingWeights.from_json(orjson.loads(text))
