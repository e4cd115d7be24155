"""Addresses to pixels, several at a time, while the encoder works on those that came before."""

from __future__ import annotations

import copy
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

import structlog
from PIL import Image

from indexer.images.cache import fetcher_from_settings
from indexer.images.decoding import decode, thumbnail
from indexer.images.failures import shown
from indexer.images.fetched import FetchedImage
from indexer.photos.photo_state import Failure
from indexer.settings import IndexerSettings
from mappings.errors import ImageRefused, ImageUnavailable

LARGEST_SIDE = 1_024
"""Pixels; encoders see 100 to 500 of them, and photos that wait for them take memory."""

MAX_HOST_FAILURES = 5
HOST_PAUSE_SECONDS = 60.0
"""How long a host that failed so often in a row is left alone: a server that does not answer
would hold all threads for the whole timeout, again and again."""

_SCHEMES = ("http:", "https:", "file:", "data:")
_log = structlog.get_logger(__name__)

Fetch = Callable[[str], FetchedImage]


@dataclass(frozen=True)
class DecodedPhoto:
    """A photo that was fetched. content: sha256 (hex) of its bytes.

    image: 8-bit RGB, its longer side at most LARGEST_SIDE; None when the content was known.
    """

    content: str
    image: Image.Image | None


Ready = SimpleQueue[tuple[str, Future[DecodedPhoto | Failure]]]


class PhotoIntake:
    """Fetches and decodes in threads of its own, which all tasks of a process share.

    fetch: raises ImageRefused and ImageUnavailable. threads: photos at a time. decoders: of these,
    how many may be decoding; each takes up to 13 bytes a pixel. max_pixels: of a photo.
    has_folder: whether an address without a scheme is a file of the folder of photos.
    """

    def __init__(
        self,
        fetch: Fetch,
        *,
        threads: int,
        max_pixels: int,
        decoders: int | None = None,
        has_folder: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._threads = threads
        self._max_pixels = max_pixels
        self._has_folder = has_folder
        self._clock = clock
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="photos")
        self._decoding = threading.BoundedSemaphore(decoders or os.cpu_count() or 1)
        self._hosts = _HostPauses(clock)

    @classmethod
    def from_settings(cls, settings: IndexerSettings) -> PhotoIntake:
        """Make one as it is configured. Raises MissingSetting for an unreadable CA bundle."""
        return cls(
            fetcher_from_settings(settings).fetch,
            threads=settings.indexer_photo_threads,
            max_pixels=settings.indexer_image_max_pixels,
            has_folder=settings.indexer_image_directory is not None,
        )

    def take(
        self,
        addresses: Mapping[str, str],
        known: Collection[str],
        *,
        waiting: int,
        deadline: float,
        leave_at: float | None = None,
    ) -> Iterator[tuple[str, DecodedPhoto | Failure]]:
        """Yield what becomes of each address, by its key, in the order in which they are ready.

        known: contents that need not be decoded; it may grow meanwhile. waiting: photos that may
        be ready before they are asked for. deadline: of the clock; nothing is begun after it, and
        what was not begun is not yielded. leave_at: of the clock; nothing is waited for after it,
        and what has begun may go on in vain. None waits for all that was begun.
        """
        left = iter(addresses.items())
        # A queue, since `concurrent.futures.wait` looks at every one that is under way each time.
        ready: Ready = SimpleQueue()
        running: dict[str, Future[DecodedPhoto | Failure]] = {}
        while True:
            while len(running) < self._threads + waiting and self._clock() < deadline:
                item = next(left, None)
                if item is None:
                    break
                key, address = item
                future = self._pool.submit(self._taken, address, known)
                running[key] = future
                future.add_done_callback(partial(_put, ready, key))
            if not running:
                return
            try:
                key, future = self._next(ready, leave_at)
            except Empty:
                for late in running.values():
                    late.cancel()
                return
            del running[key]
            yield key, future.result()

    def beside(self) -> PhotoIntake:
        """Return one with threads of its own, which shares the rest, the decoders' turns too."""
        other = copy.copy(self)
        other._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="photos-ahead")
        return other

    def host_of(self, address: str) -> str | None:
        """Return the host that a photo comes from, None for a file or one in the address."""
        return _host_of(self._completed(address))

    def close(self) -> None:
        """End the threads once they are idle."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _next(
        self, ready: Ready, leave_at: float | None
    ) -> tuple[str, Future[DecodedPhoto | Failure]]:
        """Return what is ready next. Raises Empty when nothing is in time."""
        if leave_at is None:
            return ready.get()
        left = leave_at - self._clock()
        return ready.get(timeout=left) if left > 0 else ready.get_nowait()

    def _taken(self, address: str, known: Collection[str]) -> DecodedPhoto | Failure:
        url = self._completed(address)
        host = _host_of(url)
        try:
            if host is not None and self._hosts.is_paused(host):
                raise ImageUnavailable(f"images: {shown(url)}: {host} has not answered lately")
            image = self._fetch(url)
            self._hosts.note(host, failed=False)
            return self._decoded(image, known)
        except ImageRefused as error:
            self._hosts.note(host, failed=False)
            return Failure(error.reason, error.message, lasting=True)
        except ImageUnavailable as error:
            self._hosts.note(host, failed=True)
            return Failure(
                "unavailable", error.message, False, retry_after_seconds=error.retry_after_seconds
            )
        except Exception as error:  # a fault that nobody thought of harms its photo alone
            _log.exception("photo_failed", address=shown(url))
            return Failure("failed", f"{type(error).__name__}: {error}", lasting=False)

    def _decoded(self, image: FetchedImage, known: Collection[str]) -> DecodedPhoto:
        if image.sha256 in known:
            return DecodedPhoto(image.sha256, None)
        with self._decoding:
            pixels = decode(image.data, max_pixels=self._max_pixels)
            if max(pixels.size) > LARGEST_SIDE:
                pixels = thumbnail(pixels, LARGEST_SIDE)
        return DecodedPhoto(image.sha256, pixels)

    def _completed(self, address: str) -> str:
        is_plain = not address.lower().startswith(_SCHEMES) and "://" not in address
        return f"file:{address}" if self._has_folder and is_plain else address


class _HostPauses:
    """Which hosts are left alone for a while."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: dict[str, tuple[int, float]] = {}

    def is_paused(self, host: str) -> bool:
        with self._lock:
            count, last = self._failures.get(host, (0, 0.0))
            return count >= MAX_HOST_FAILURES and self._clock() - last < HOST_PAUSE_SECONDS

    def note(self, host: str | None, *, failed: bool) -> None:
        if host is None:
            return
        with self._lock:
            count, last = self._failures.get(host, (0, 0.0))
            if not failed:
                self._failures.pop(host, None)
            elif count < MAX_HOST_FAILURES or self._clock() - last >= HOST_PAUSE_SECONDS:
                # What a pause itself makes fail does not make it longer.
                self._failures[host] = (count + 1, self._clock())


def _put(ready: Ready, key: str, future: Future[DecodedPhoto | Failure]) -> None:
    ready.put((key, future))


def _host_of(url: str) -> str | None:
    if not url.lower().startswith(("http:", "https:")):
        return None
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
