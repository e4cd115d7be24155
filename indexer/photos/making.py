"""Addresses to vectors: photos are encoded in batches while the next ones are fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from PIL import Image

from indexer.encoders.base import ImageEncoder
from indexer.photos.encoding import encode_photos
from indexer.photos.intake import DecodedPhoto, PhotoIntake
from indexer.photos.photo_state import Failure, Taken, Vector
from indexer.vector_cache import VectorCache

Made = dict[str, Taken | Failure]
"""By hash of the address, what became of a photo."""


@dataclass(frozen=True)
class Until:
    """When making photos ends, by the intake's clock.

    begin: nothing is begun after it. wait: what is not ready then is left as it is, None to wait
    for all that was begun.
    """

    begin: float
    wait: float | None = None


class PhotoMaker:
    """Makes vectors of photos. Safe to use from several threads.

    batch_size: photos in one run of the encoder. cache: vectors of photos that some worker
    encoded lately.
    """

    def __init__(
        self, intake: PhotoIntake, *, batch_size: int, cache: VectorCache | None = None
    ) -> None:
        self._intake = intake
        self._batch_size = batch_size
        self._cache = cache

    def batches(
        self,
        addresses: Mapping[str, str],
        encoder: Callable[[], ImageEncoder],
        *,
        known: dict[str, Vector],
        until: Until,
    ) -> Iterator[Made]:
        """Yield what became of the photos, batch by batch as the encoder takes them.

        addresses: by their hash. encoder: asked for with the first photo that is to be encoded.
        known: content to vector of photos that are there; what is made is added. What was not
        begun or not waited for is left out. Raises what `encode_photos` raises.
        """
        size = self._batch_size
        batch = _Batch()
        for key, photo in self._intake.take(
            addresses, known, waiting=size, deadline=until.begin, leave_at=until.wait
        ):
            batch.add(key, photo, known)
            if len(batch.images) >= size:
                yield batch.encoded(encoder(), self._cache, known)
                batch = _Batch()
        yield batch.encoded(encoder(), self._cache, known) if batch.images else batch.made


class _Batch:
    """Photos on their way into one run. keys: of the addresses of each content."""

    def __init__(self) -> None:
        self.made: Made = {}
        self.images: dict[str, Image.Image] = {}
        self._keys: dict[str, list[str]] = {}

    def add(self, key: str, photo: DecodedPhoto | Failure, known: Mapping[str, Vector]) -> None:
        if isinstance(photo, Failure):
            self.made[key] = photo
        elif photo.content in known:
            self.made[key] = Taken(photo.content, known[photo.content])
        elif photo.image is not None:
            self._keys.setdefault(photo.content, []).append(key)
            self.images[photo.content] = photo.image

    def encoded(
        self, encoder: ImageEncoder, cache: VectorCache | None, known: dict[str, Vector]
    ) -> Made:
        for content, found in encode_photos(encoder, self.images, cache).items():
            if not isinstance(found, Failure):
                known[content] = found
            for key in self._keys[content]:
                self.made[key] = found if isinstance(found, Failure) else Taken(content, found)
        return self.made
