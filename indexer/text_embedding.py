"""Texts of many products to vectors; a text that breaks the encoder harms only its product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import structlog
from numpy.typing import NDArray

from indexer.documents import text_digest
from indexer.encoders.base import Embeddings, TextEncoder
from indexer.vector_cache import VectorCache
from mappings.errors import PermanentIndexingError, ShelfwiseError
from mappings.tracing import span

Vector = NDArray[np.float32]

_log = structlog.get_logger(__name__)


def encode_texts(
    encoder: TextEncoder, texts: Mapping[str, str], cache: VectorCache | None = None
) -> tuple[dict[str, Vector], dict[str, str]]:
    """Return vectors and refusals, both by product id.

    texts: product id to text; equal texts are encoded once.
    cache: asked first, and told what was encoded.
    """
    distinct = list(dict.fromkeys(texts.values()))
    if cache is None:
        vectors, refused = _encode(encoder, distinct)
    else:
        vectors, refused = _encode_unknown(encoder, distinct, cache)
    return (
        {name: vectors[text] for name, text in texts.items() if text in vectors},
        {name: refused[text] for name, text in texts.items() if text in refused},
    )


def _encode_unknown(
    encoder: TextEncoder, texts: Sequence[str], cache: VectorCache
) -> tuple[dict[str, Vector], dict[str, str]]:
    digests = {text: text_digest(encoder.spec, text) for text in texts}
    found = cache.get_many(list(digests.values()))
    known = {
        text: found[digest]
        for text, digest in digests.items()
        if digest in found and _is_vector(found[digest], encoder.spec.dims)
    }
    vectors, refused = _encode(encoder, [text for text in texts if text not in known])
    cache.put_many({digests[text]: vector for text, vector in vectors.items()})
    return known | vectors, refused


def _is_vector(values: Vector, dims: int) -> bool:
    return values.shape == (dims,) and bool(np.isfinite(values).all())


def _encode(
    encoder: TextEncoder, texts: Sequence[str]
) -> tuple[dict[str, Vector], dict[str, str]]:
    if not texts:
        return {}, {}
    try:
        embeddings = _checked(encoder, texts)
    except ShelfwiseError:
        raise
    except Exception as error:  # any model may fail in any way on a text it has never met
        if len(texts) == 1:
            return {}, {texts[0]: f"text cannot be encoded: {type(error).__name__}: {error}"}
        _log.warning("encoding_one_by_one", texts=len(texts), error=repr(error))
        return _one_by_one(encoder, texts)
    _log.info("texts_encoded", texts=len(texts), encoder=encoder.spec.name)
    vectors: dict[str, Vector] = {}
    refused: dict[str, str] = {}
    for text, vector in zip(texts, embeddings, strict=True):
        if np.isfinite(vector).all():
            vectors[text] = vector
        else:
            refused[text] = "text cannot be encoded: the vector has values that are no numbers"
    return vectors, refused


def _one_by_one(
    encoder: TextEncoder, texts: Sequence[str]
) -> tuple[dict[str, Vector], dict[str, str]]:
    vectors: dict[str, Vector] = {}
    refused: dict[str, str] = {}
    for text in texts:
        found, failed = _encode(encoder, [text])
        vectors.update(found)
        refused.update(failed)
    return vectors, refused


def _checked(encoder: TextEncoder, texts: Sequence[str]) -> Embeddings:
    with span("worker.encode", texts=len(texts)):
        embeddings = encoder.encode(texts)
    expected = (len(texts), encoder.spec.dims)
    if embeddings.shape != expected:
        raise PermanentIndexingError(
            f"encoder {encoder.spec.name!r} gave an array of shape {embeddings.shape}, "
            f"not {expected}"
        )
    return embeddings
