"""The photo of a query, from what the request names to its vector, within a deadline.

Where there are words besides, they answer alone rather than wait, or fail, for the photo.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from mappings.errors import EncoderFailed, InvalidQuery
from mappings.index_lifecycle import LiveIndex
from mappings.product import IMAGE_VECTOR
from service.deadlines import Deadline, TooSlow, encode_within
from service.query_encoders import QueryEncoders
from service.query_photos import QueryPhoto, QueryPhotos, Uploads
from service.query_vectors import PHOTO_LEGS, Embedding, shares_space
from service.search_request import SearchRequest
from service.search_results import PHOTO_FINDS_PHOTOS
from service.search_watch import DropReason, SearchWatch

_NO_PHOTO_ENCODER = "the encoder of photos is not available"


@dataclass(frozen=True)
class PhotoVectors:
    """Takes in photos of queries. photos: None refuses them. deadline: None for no limit."""

    encoders: QueryEncoders
    photos: QueryPhotos | None
    deadline: Deadline | None

    def read(
        self, live: LiveIndex, request: SearchRequest, uploads: Uploads, watch: SearchWatch
    ) -> QueryPhoto | None:
        """Return the photo of a request, None when it has none or it came too late.

        Raises InvalidQuery where the index has no photos of ours, and what reading raises.
        """
        photo = request.image
        if photo is None or (not photo.weight and request.terms):
            return None
        if live.image_encoder is None or self.photos is None:
            raise InvalidQuery(
                f"image: index {live.name!r} has no photos of an encoder of ours"
                + ("; send vectors.image_vector" if IMAGE_VECTOR in live.encoders else ""),
                field="image",
            )
        read = partial(self.photos.read, photo, uploads)
        with watch.measure("photo"):
            if not request.terms or self.deadline is None:
                return read()  # within the limits of photos themselves
            try:
                return self.deadline.call(read)
            except TooSlow as error:
                _drop(live, "slow", f"the photo was {error}", watch)
                return None

    def encode(
        self, live: LiveIndex, request: SearchRequest, photo: QueryPhoto | None, watch: SearchWatch
    ) -> Embedding | None:
        """Return the photo's vector. Raises EncoderFailed when there are no words besides."""
        if photo is None or self.photos is None:
            return None
        encoder = self.encoders.photos(live)
        try:
            if encoder is None:
                raise EncoderFailed(_NO_PHOTO_ENCODER, field="image")
            open_photo = partial(self.photos.open, photo)
            encode = partial(encoder.encode_photo, photo.data, open_photo, crop=photo.crop)
            if self.deadline is None:
                return encode()
            return encode_within(self.deadline, encoder.spec.name, encode)
        except EncoderFailed as error:
            if not request.terms:
                raise
            why: DropReason = "no_encoder" if encoder is None else "encoder_failed"
            _drop(live, "slow" if error.is_slow else why, error.message, watch)
            return None


def _drop(live: LiveIndex, why: DropReason, message: str, watch: SearchWatch) -> None:
    for leg in PHOTO_LEGS if shares_space(live) else (PHOTO_FINDS_PHOTOS,):
        watch.drop(leg, why, message)
