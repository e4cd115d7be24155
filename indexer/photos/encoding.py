"""Photos to vectors; one that breaks the encoder harms only itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import structlog
from PIL import Image

from indexer.documents import photo_digest
from indexer.encoders.base import ImageEncoder
from indexer.photos.photo_state import Failure, Vector
from indexer.vector_cache import VectorCache
from mappings.errors import PermanentIndexingError, ShelfwiseError
from mappings.tracing import span

_log = structlog.get_logger(__name__)


def encode_photos(
    encoder: ImageEncoder, images: Mapping[str, Image.Image], cache: VectorCache | None = None
) -> dict[str, Vector | Failure]:
    """Return a vector, or why there is none, for each photo, by its content (sha256, hex).

    cache: asked first, and told what was encoded. Raises what the encoder raises of our own tree.
    """
    if not images:
        return {}
    digests = {content: photo_digest(encoder.spec, content) for content in images}
    cached = cache.get_many(list(digests.values())) if cache else {}
    found: dict[str, Vector | Failure] = {
        content: cached[digest]
        for content, digest in digests.items()
        if digest in cached and _is_vector(cached[digest], encoder.spec.dims)
    }
    unknown = [content for content in images if content not in found]
    fresh = _encode(encoder, {content: images[content] for content in unknown})
    if cache:
        cache.put_many(
            {
                digests[content]: vector
                for content, vector in fresh.items()
                if not isinstance(vector, Failure)
            }
        )
    return found | fresh


def _encode(
    encoder: ImageEncoder, images: Mapping[str, Image.Image]
) -> dict[str, Vector | Failure]:
    if not images:
        return {}
    try:
        vectors = _checked(encoder, list(images.values()))
    except ShelfwiseError:
        raise
    except Exception as error:  # any model may fail in any way on a photo it has never met
        if len(images) == 1:
            reason = f"photo cannot be encoded: {type(error).__name__}: {error}"
            return dict.fromkeys(images, Failure("encoding_failed", reason, lasting=True))
        _log.warning("photos_one_by_one", photos=len(images), error=repr(error))
        return {
            content: vector
            for name, image in images.items()
            for content, vector in _encode(encoder, {name: image}).items()
        }
    return {
        content: vector
        if np.isfinite(vector).all()
        else Failure("encoding_failed", "the vector has values that are no numbers", lasting=True)
        for content, vector in zip(images, vectors, strict=True)
    }


def _checked(encoder: ImageEncoder, images: Sequence[Image.Image]) -> Sequence[Vector]:
    with span("worker.photos.encode", photos=len(images)):
        vectors = encoder.encode_images(images)
    expected = (len(images), encoder.spec.dims)
    if vectors.shape != expected:
        raise PermanentIndexingError(
            f"encoder {encoder.spec.name!r} gave an array of shape {vectors.shape}, not {expected}"
        )
    return list(vectors)


def _is_vector(values: Vector, dims: int) -> bool:
    return values.shape == (dims,) and bool(np.isfinite(values).all())
