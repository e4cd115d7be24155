"""The vectors of a query: which leg looks for what, in which field of the index.

Words and photos find text and photos: four vector legs. An index has those whose vectors can be
compared. Words are compared with photos by the text encoder's own vector where the encoder of
photos was aligned with it (`text_space`), else by the words' part of that encoder, if it has one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from indexer.encoders.base import TextEncoder
from mappings.errors import InvalidQuery
from mappings.index_lifecycle import LiveIndex
from mappings.product import IMAGE_VECTOR, PHOTO_VECTOR, PHOTOS, TEXT_VECTOR, Vector
from service.retrieval.lexical import Groups
from service.retrieval.vectors import VectorLeg
from service.search_results import (
    PHOTO_FINDS_PHOTOS,
    PHOTO_FINDS_TEXT,
    WORDS_FIND_PHOTOS,
    WORDS_FIND_TEXT,
)

Embedding = NDArray[np.float32]

PHOTO_LEGS = (PHOTO_FINDS_PHOTOS, PHOTO_FINDS_TEXT)
"""Legs that a photo makes."""


@dataclass(frozen=True)
class IndexEncoders:
    """What encodes the queries of one index.

    text: the encoder that filled its text vectors, None when it is not ours. words: encodes
    words into the space of the photos, None when that is the text encoder's own or there is none.
    absent: legs of words that the index has and that we have no encoder for at present.
    """

    text: TextEncoder | None = None
    words: TextEncoder | None = None
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class QueryVectors:
    """What a query brings or is made of.

    terms: phrase to weight. brought: vector field to unit vectors, float32 [n, dims], of the
    request itself or of a product. photo: unit vector of the request's photo, float32 [dims].
    synonyms: phrases of the terms to their words in groups, of those that have synonyms.
    beside: texts whose vectors are mixed into that of the terms, with their weights.
    """

    terms: Mapping[str, float]
    brought: Mapping[str, Embedding]
    photo: Embedding | None = None
    synonyms: Groups = field(default_factory=dict)
    beside: Mapping[str, float] = field(default_factory=dict)


Pending = Mapping[str, Callable[[], VectorLeg | None]]
"""Leg to what makes its vector, in the order of the legs; encoding waits until that is asked."""


def vector_legs(query: QueryVectors, live: LiveIndex, encoders: IndexEncoders) -> Pending:
    """Return the vector legs that the query and the index have in common.

    A vector that the request brings takes the place of ours. What a leg's maker gives is None
    when weighted words cancel each other out.
    """
    known: dict[int, Embedding | None] = {}

    def worded(encoder: TextEncoder) -> Embedding | None:
        if id(encoder) not in known:  # the same words for two legs are mixed once
            known[id(encoder)] = _encoded({**query.beside, **query.terms}, encoder)
        return known[id(encoder)]

    legs: dict[str, Callable[[], VectorLeg | None]] = {}
    of_text = _of_text(query, encoders, worded)
    if of_text is not None:
        legs[WORDS_FIND_TEXT] = _leg(of_text, TEXT_VECTOR)
    if live.image_encoder is not None:
        if encoders.words is not None and query.terms:
            own = encoders.words
            legs[WORDS_FIND_PHOTOS] = _leg(lambda: worded(own), PHOTO_VECTOR, PHOTOS)
        elif of_text is not None and shares_space(live):
            legs[WORDS_FIND_PHOTOS] = _leg(of_text, PHOTO_VECTOR, PHOTOS)
    photo = query.photo[None] if query.photo is not None else query.brought.get(IMAGE_VECTOR)
    if photo is not None:
        legs[PHOTO_FINDS_PHOTOS] = (
            _leg(lambda: photo, PHOTO_VECTOR, PHOTOS)
            if live.image_encoder is not None
            else _leg(lambda: photo, IMAGE_VECTOR)
        )
        if shares_space(live):
            legs[PHOTO_FINDS_TEXT] = _leg(lambda: photo, TEXT_VECTOR)
    return legs


def shares_space(live: LiveIndex) -> bool:
    """Whether text vectors and photo vectors of an index can be compared with each other."""
    text, image = live.text_encoder, live.image_encoder
    return (
        text is not None
        and image is not None
        and bool(image.text_space)
        and image.text_space == text.revision
        and image.dims == text.dims
    )


def brought_vectors(
    vectors: Mapping[Literal["text_vector", "image_vector"], Vector], live: LiveIndex
) -> dict[str, Embedding]:
    """Return field to unit vector, float32 [1, dims], of those that a request brings itself.

    Raises InvalidQuery for one that the index does not have, or of other length.
    """
    found: dict[str, Embedding] = {}
    for name, values in vectors.items():
        path = f"vectors.{name}"
        spec = live.encoders.get(name)
        if spec is None:
            raise InvalidQuery(f"{path}: index {live.name!r} has no such vectors", field=path)
        if len(values) != spec.dims:
            raise InvalidQuery(
                f"{path}: should have {spec.dims} components, got {len(values)}", field=path
            )
        found[name] = _unit(np.asarray(values, dtype=np.float64), path)[None]
    return found


def _of_text(
    query: QueryVectors,
    encoders: IndexEncoders,
    worded: Callable[[TextEncoder], Embedding | None],
) -> Callable[[], Embedding | None] | None:
    if TEXT_VECTOR in query.brought:
        return lambda: query.brought[TEXT_VECTOR]
    text = encoders.text
    if text is None or not query.terms:
        return None
    return lambda: worded(text)


def _leg(
    make: Callable[[], Embedding | None], field: str, path: str = ""
) -> Callable[[], VectorLeg | None]:
    def leg() -> VectorLeg | None:
        vectors = make()
        return None if vectors is None else VectorLeg(field, vectors, path)

    return leg


def _unit(vector: NDArray[np.float64], path: str) -> Embedding:
    with np.errstate(over="ignore"):  # an overflow is what the next line looks for
        length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or length == 0.0:
        raise InvalidQuery(f"{path}: has no length of a usual size", field=path)
    return (vector / length).astype(np.float32)


def _encoded(terms: Mapping[str, float], encoder: TextEncoder) -> Embedding | None:
    embeddings = encoder.encode(list(terms))  # [terms, dims]
    mixed = np.asarray(list(terms.values()), dtype=np.float32) @ embeddings  # [dims]
    length = float(np.linalg.norm(mixed))
    return (mixed / length)[None] if length > 0 else None
