"""Photos that were fetched before, kept on disk: by address, and once per content.

An address leads to the digest of what it gave and to the server's marks of it (ETag,
Last-Modified). While a copy is fresh it is used as it is; afterwards the server is asked whether
it has changed. A cache that fails is a miss and a warning, never the end of a fetch.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import orjson
import structlog

from indexer.images.cache_folder import CacheFolder
from indexer.images.failures import shown
from indexer.images.fetched import FetchedImage, Validators
from indexer.images.fetcher import ImageFetcher
from indexer.settings import IndexerSettings

_log = structlog.get_logger(__name__)

_MEGABYTE = 1_000_000
_CACHED_SCHEMES = ("http:", "https:")


@dataclass(frozen=True)
class _Entry:
    """What is known of an address; `checked` is in seconds since 1970."""

    sha256: str
    content_type: str
    url: str
    etag: str | None
    last_modified: str | None
    checked: float


class ImageCache:
    """Photos in a folder that the worker processes of one machine share; thread-safe.

    max_bytes: of all files together; those used longest ago go first. clock: seconds since 1970.
    """

    def __init__(
        self, directory: Path, *, max_bytes: int, clock: Callable[[], float] = time.time
    ) -> None:
        self._folder = CacheFolder(directory, max_bytes=max_bytes)
        self._clock = clock

    def find(self, url: str) -> tuple[FetchedImage, float] | None:
        """Return the copy of an address and its age in seconds since it was last checked.

        None when there is none, or when the content is gone or damaged.
        """
        try:
            return self._find(url)
        except OSError as error:
            _log.warning("photo_cache_unreadable", error=str(error))
            return None

    def content(self, sha256: str) -> bytes | None:
        """Return a photo's bytes by their digest (64 hexadecimal digits), or None.

        Raises ValueError if that is no such digest.
        """
        if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
            raise ValueError(f"sha256: {sha256[:80]!r} should be 64 hexadecimal digits")
        try:
            return self._content(sha256)
        except OSError as error:
            _log.warning("photo_cache_unreadable", error=str(error))
            return None

    def keep(self, url: str, image: FetchedImage) -> None:
        """Keep a photo under the address that was asked for, as checked just now."""
        entry = _Entry(
            image.sha256,
            image.content_type,
            image.url,
            image.etag,
            image.last_modified,
            self._clock(),
        )
        try:
            # The content first: an address that leads nowhere would be a miss for nothing.
            if self._folder.read(image.sha256) != image.data:
                self._folder.write(image.sha256, image.data)
            self._folder.write(_address_name(url), orjson.dumps(asdict(entry)))
        except OSError as error:
            _log.warning("photo_cache_unwritable", error=str(error))

    def _find(self, url: str) -> tuple[FetchedImage, float] | None:
        text = self._folder.read(_address_name(url))
        entry = _read_entry(text) if text else None
        if entry is None:
            return None
        data = self._content(entry.sha256)
        if data is None:
            return None
        image = FetchedImage(
            data, entry.content_type, entry.sha256, entry.url, entry.etag, entry.last_modified
        )
        return image, max(0.0, self._clock() - entry.checked)

    def _content(self, sha256: str) -> bytes | None:
        data = self._folder.read(sha256)
        if data is not None and hashlib.sha256(data).hexdigest() != sha256:
            # A crash of the machine may leave a renamed file without its content.
            _log.warning("photo_cache_damaged", sha256=sha256)
            self._folder.remove(sha256)
            return None
        return data


class CachedImageFetcher:
    """Fetches like ImageFetcher, and takes from the cache what is there.

    fresh_seconds: how long after its last check a copy is used without asking its server.
    """

    def __init__(self, fetcher: ImageFetcher, cache: ImageCache, *, fresh_seconds: float) -> None:
        self._fetcher = fetcher
        self._cache = cache
        self._fresh_seconds = fresh_seconds

    def fetch(self, url: str) -> FetchedImage:
        """Return a photo. Raises what ImageFetcher raises; a copy never hides a fault.

        `file:` and `data:` addresses are read each time: they cost no network.
        """
        if not url.lower().startswith(_CACHED_SCHEMES):
            return self._fetcher.fetch(url)
        found = self._cache.find(url)
        if found is None:
            image = self._fetcher.fetch(url)
        else:
            copy, age_seconds = found
            if age_seconds < self._fresh_seconds:
                return copy
            image = self._checked(url, copy)
        self._cache.keep(url, image)
        return image

    def _checked(self, url: str, copy: FetchedImage) -> FetchedImage:
        validators = Validators(copy.url, copy.etag, copy.last_modified)
        fetched = self._fetcher.fetch_if_changed(url, validators)
        _log.debug("photo_checked", address=shown(url), changed=fetched is not None)
        return copy if fetched is None else fetched


def fetcher_from_settings(settings: IndexerSettings) -> ImageFetcher | CachedImageFetcher:
    """Make a fetcher, with a cache if the settings give it a size.

    Raises MissingSetting when a setting names a file that cannot be read.
    """
    fetcher = ImageFetcher.from_settings(settings)
    if settings.indexer_image_cache_megabytes == 0:
        return fetcher
    cache = ImageCache(
        Path(settings.indexer_image_cache_directory),
        max_bytes=settings.indexer_image_cache_megabytes * _MEGABYTE,
    )
    return CachedImageFetcher(
        fetcher, cache, fresh_seconds=settings.indexer_image_cache_fresh_seconds
    )


def _address_name(url: str) -> str:
    # Hashed: addresses may hold keys, and are longer than file names may be.
    return f"{hashlib.sha256(url.encode('utf-8', 'surrogatepass')).hexdigest()}.json"


def _read_entry(text: bytes) -> _Entry | None:
    try:
        values = orjson.loads(text)
        entry = _Entry(**{field.name: values[field.name] for field in fields(_Entry)})
    except (ValueError, TypeError, KeyError):
        return None
    digest = entry.sha256
    usable = isinstance(digest, str) and len(digest) == 64 and digest.isalnum()
    return entry if usable and isinstance(entry.checked, float | int) else None
