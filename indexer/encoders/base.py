"""What every text encoder promises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mappings.encoder_spec import EncoderSpec

Embeddings = NDArray[np.float32]


@runtime_checkable
class TextEncoder(Protocol):
    """Encodes product texts and queries into one space.

    spec: the identity that the index keeps; its template is the caller's.
    """

    @property
    def spec(self) -> EncoderSpec:
        """Return the identity, of which every vector's length is `spec.dims`."""
        ...

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """Return one unit vector a text, float32 [len(texts), dims], in the texts' order.

        The same text gives the same vector, alone or in any batch, to cosine 0.9999.
        An empty text gives a unit vector too. No texts give an array of shape [0, dims].
        """
        ...
