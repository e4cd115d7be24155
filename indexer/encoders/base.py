"""What every text encoder promises, and what a line of the registry points to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mappings.encoder_spec import EncoderSpec

if TYPE_CHECKING:  # so that a service without photos need not load Pillow
    from PIL import Image

Embeddings = NDArray[np.float32]

SMALLEST_NORM = 1e-12
"""Length under which a vector has no direction."""


@runtime_checkable
class TextEncoder(Protocol):
    """Encodes product texts and queries into one space. Safe to call from several threads.

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
        Text beyond the encoder's token limit is cut off.
        """
        ...


@runtime_checkable
class WordList(Protocol):
    """A text encoder whose vocabulary tells the words of its language."""

    def is_word(self, text: str) -> bool:
        """Return whether a text is one whole word of the vocabulary, which has the usual ones."""
        ...


@runtime_checkable
class ImageEncoder(Protocol):
    """Encodes photos of products and of queries. Safe to call from several threads.

    spec: the identity that the index keeps; its template is empty, and its `text_space` names
    the text encoder whose vectors may be compared with these, if there is one.
    """

    @property
    def spec(self) -> EncoderSpec:
        """Return the identity, of which every vector's length is `spec.dims`."""
        ...

    def encode_images(self, images: Sequence[Image.Image]) -> Embeddings:
        """Return one unit vector a photo, float32 [len(images), dims], in the photos' order.

        images: 8-bit RGB of any size from 1 x 1 pixel, as `indexer.images.decoding` gives them.
        The same photo gives the same vector, alone or in any batch, to cosine 0.9999.
        No photos give an array of shape [0, dims].
        """
        ...


@dataclass(frozen=True)
class LoadOptions:
    """How a worker runs an encoder.

    device: `auto` (CUDA when there is one, else CPU) or a torch device such as `cuda:1`.
    batch_size: most texts in one batch; None takes the device's default.
    precision: `auto` (the fastest that keeps cosine 0.999), `float32`, `bfloat16`, `float16`.
    threads: CPU threads of torch for the whole process; None leaves torch's choice.
    """

    device: str = "auto"
    batch_size: int | None = None
    precision: str = "auto"
    threads: int | None = None


class EncoderFamily(Protocol):
    """What the registry names: how encoders of one kind are identified, loaded and exported."""

    what: str
    licence: str
    needs: str

    def spec(self, name: str, *, template: str, model_directory: Path) -> EncoderSpec:
        """Return the identity without loading a model; EncoderUnavailable when unknown."""
        ...

    def load_text_encoder(self, name: str, *, template: str, options: LoadOptions) -> TextEncoder:
        """Return the worker's encoder of product texts."""
        ...

    def load_query_encoder(
        self, name: str, *, template: str, model_directory: Path, threads: int
    ) -> TextEncoder:
        """Return the service's encoder of queries, without torch."""
        ...

    def export(self, name: str, *, template: str, model_directory: Path) -> Path:
        """Write what `load_query_encoder` reads, and return its folder."""
        ...


class ImageEncoderFamily(Protocol):
    """As EncoderFamily, for encoders of photos."""

    what: str
    licence: str
    needs: str

    def spec(self, name: str, *, model_directory: Path) -> EncoderSpec:
        """Return the identity without loading a model; EncoderUnavailable when unknown."""
        ...

    def load_image_encoder(self, name: str, *, options: LoadOptions) -> ImageEncoder:
        """Return the worker's encoder of product photos."""
        ...

    def load_query_image_encoder(
        self, name: str, *, model_directory: Path, threads: int
    ) -> ImageEncoder:
        """Return the service's encoder of photo queries, without torch."""
        ...

    def load_words_encoder(
        self, name: str, *, model_directory: Path, threads: int
    ) -> TextEncoder | None:
        """Return the service's encoder of words into the space of the photos, without torch.

        None when the spec's `text_space` names the encoder of words, or when there is none.
        """
        ...

    def export(self, name: str, *, model_directory: Path) -> Path:
        """Write what the service's loaders read, and return its folder."""
        ...


def unit_rows(matrix: NDArray[np.floating]) -> Embeddings:
    """Return the rows scaled to length 1 as float32; a zero row becomes the first axis."""
    rows = matrix.astype(np.float32)  # a copy: the argument is not changed
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    directionless = norms[:, 0] < SMALLEST_NORM
    rows[directionless, 0] = 1.0
    norms[directionless] = 1.0
    rows /= norms
    return rows
