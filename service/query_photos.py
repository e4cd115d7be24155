"""The photo of a query: its bytes, within limits of size and time, and its pixels.

Whatever is wrong with a photo is the caller's to mend, so every fault is a RequestError that
names the part of the request: `image.url`, `image.base64` or `image.upload`.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from indexer.images.addresses import AddressPolicy
from indexer.images.decoding import crop, decode
from indexer.images.failures import FIELD
from indexer.images.fetcher import FetchLimits, ImageFetcher
from indexer.images.inline_data import decode_base64, read_data_url
from indexer.images.networks import parse_networks, parse_ports
from mappings.errors import (
    ImageRefused,
    ImageUnavailable,
    InvalidQuery,
    MissingSetting,
    PhotoRefused,
    PhotoUnavailable,
    TooManyPhotos,
)
from service.photo_request import Box, PhotoRequest
from service.settings import ServiceSettings

if TYPE_CHECKING:
    from PIL import Image

Uploads = Mapping[str, bytes]
"""Files of a multipart body by the names of their parts."""

_DECODED_AT_ONCE = 2
"""Photos of a process that are decoded at one time: each takes up to 13 bytes a pixel."""

_FETCHING_SHARE = 0.5
"""Share of the process's threads that may wait for photos of others' servers."""

_NOT_ALLOWED = "leads to an address that photos are not fetched from"

_LEAST_SIDE = 768
"""Pixels of the shorter side that the largest encoders make something of, and a reserve."""


@dataclass(frozen=True)
class QueryPhoto:
    """The file of a photo query.

    sha256: of the data, hex. crop: the part that is meant. field: of the request, for errors.
    """

    data: bytes = field(repr=False)
    sha256: str
    crop: Box | None
    field: str


class QueryPhotos:
    """Takes in photos of queries; one per process, thread-safe.

    Raises MissingSetting when the CA bundle of the settings cannot be read.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self._max_bytes = settings.service_image_max_bytes
        self._max_pixels = settings.service_image_max_pixels
        self._fetching = threading.BoundedSemaphore(
            max(1, int(settings.service_threads * _FETCHING_SHARE))
        )
        self._decoding = threading.BoundedSemaphore(_DECODED_AT_ONCE)
        self._fetcher = _fetcher(settings)

    def read(self, photo: PhotoRequest, uploads: Uploads) -> QueryPhoto:
        """Return the photo's file, not decoded yet.

        Raises PhotoRefused, PhotoUnavailable, InvalidQuery for a part that is not there, and
        TooManyPhotos while as many as are allowed are being fetched.
        """
        with _named(photo.field):
            data = self._data(photo, uploads)
            if not data:
                raise ImageRefused(f"{FIELD}: the file is empty", reason="empty", field=FIELD)
            if len(data) > self._max_bytes:
                raise ImageRefused(
                    f"{FIELD}: photo is larger than {self._max_bytes:,} bytes",
                    reason="too_large",
                    field=FIELD,
                )
        return QueryPhoto(data, hashlib.sha256(data).hexdigest(), photo.crop, photo.field)

    def open(self, photo: QueryPhoto) -> Image.Image:
        """Return the part of the photo that is meant: 8-bit RGB, upright.

        Raises PhotoRefused.
        """
        with _named(photo.field), self._decoding:
            image = decode(
                photo.data, max_pixels=self._max_pixels, least_side=_least_side(photo.crop)
            )
            return crop(image, photo.crop) if photo.crop else image

    def close(self) -> None:
        """Close idle connections to servers of photos."""
        self._fetcher.close()

    def _data(self, photo: PhotoRequest, uploads: Uploads) -> bytes:
        if photo.url is not None:
            return self._fetch(photo.url)
        if photo.base64 is not None:
            text = photo.base64
            if text[:5].lower() == "data:":
                return read_data_url(text, max_bytes=self._max_bytes).data
            return decode_base64(text, max_bytes=self._max_bytes)
        name = str(photo.upload)
        if name not in uploads:
            parts = ", ".join(sorted(uploads)) or "none"
            raise InvalidQuery(
                f"{photo.field}: the body has no file part {name!r}; it has {parts[:200]}. "
                "Send multipart/form-data with the search as JSON in a part named request",
                field=photo.field,
            )
        return uploads[name]

    def _fetch(self, url: str) -> bytes:
        # Without waiting: whoever waits holds a thread too, which searches by words need.
        if not self._fetching.acquire(blocking=False):
            raise TooManyPhotos("too many photos are being fetched", retry_after_seconds=1)
        try:
            return self._fetcher.fetch(url).data
        finally:
            self._fetching.release()


@contextmanager
def _named(part: str) -> Iterator[None]:
    """Say of every fault of a photo in which part of the request it lies."""
    try:
        yield
    except ImageRefused as error:
        # What an internal name resolves to is nobody's business who may only search.
        message = _NOT_ALLOWED if error.reason == "address_refused" else error.message
        raise PhotoRefused(_renamed(message, part), field=part) from error
    except ImageUnavailable as error:
        raise PhotoUnavailable(_renamed(error.message, part), field=part) from error


def _renamed(message: str, part: str) -> str:
    return f"{part}: {message.removeprefix(f'{FIELD}: ').removeprefix('box: ')}"


def _least_side(box: Box | None) -> int:
    """Return the pixels of the whole photo's shorter side that its part needs."""
    if box is None:
        return _LEAST_SIDE
    x0, y0, x1, y1 = box
    return round(_LEAST_SIDE / max(min(x1 - x0, y1 - y0), 0.01))


def _fetcher(settings: ServiceSettings) -> ImageFetcher:
    policy = AddressPolicy(
        parse_networks(settings.service_image_allowed_networks),
        parse_ports(settings.service_image_allowed_ports),
    )
    limits = FetchLimits(
        max_bytes=settings.service_image_max_bytes,
        timeout_seconds=settings.service_image_timeout_seconds,
        attempts=2,
        backoff_seconds=0.2,
        connections_per_host=settings.service_threads,
        delay_seconds=0.0,
    )
    try:
        return ImageFetcher(policy, limits, ca_certs=settings.service_image_ca_certs)
    except OSError as error:
        raise MissingSetting(
            "SHELFWISE_SERVICE_IMAGE_CA_CERTS: cannot read "
            f"{settings.service_image_ca_certs!r}: {error}"
        ) from error
