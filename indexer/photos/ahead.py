"""Photos that can be had at once, made before their product is written, so that it is once.

What is not ready in time goes the other way: the product is written without it, and the photos'
lane writes it once more.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

import structlog

from indexer.photos.encoders import ImageEncoderPool
from indexer.photos.hints import PhotoHints
from indexer.photos.intake import PhotoIntake
from indexer.photos.making import Made, PhotoMaker, Until
from indexer.photos.photo_state import (
    Failure,
    PhotoRules,
    PhotoState,
    ProductPhotos,
    Vector,
    missing,
    settled,
)
from indexer.photos.photo_task import OnPhotosDone
from indexer.vector_cache import VectorCache
from mappings.errors import ShelfwiseError
from mappings.index_lifecycle import LiveIndex

SLOW_HOST_SECONDS = 60.0
"""How long photos of a host that were not there in time are left to the photos' lane, without
waiting for them once more."""

_log = structlog.get_logger(__name__)


class PhotosAhead:
    """Makes photos of products that are about to be written. Safe to use from several threads.

    intake: with threads of its own, which no slow photo of the lane holds. hints: counts starts,
    so that a photo over which this worker dies is left to the photos' lane, which finds it.
    seconds: how long the products of a batch wait for their photos; a run of the encoder that
    has begun then is waited for. on_done: told of an index, how many photos were made, and of
    the failures by code.
    """

    def __init__(
        self,
        intake: PhotoIntake,
        encoders: ImageEncoderPool,
        hints: PhotoHints,
        *,
        seconds: float,
        batch_size: int,
        cache: VectorCache | None = None,
        rules: PhotoRules | None = None,
        on_done: OnPhotosDone = lambda index, photos, failures: None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._intake = intake
        self._maker = PhotoMaker(intake, batch_size=batch_size, cache=cache)
        self._encoders = encoders
        self._hints = hints
        self._seconds = seconds
        self._rules = rules or PhotoRules()
        self._on_done = on_done
        self._clock = clock
        self._now = now
        self._slow_hosts = _SlowHosts(clock)

    def settled(
        self, live: LiveIndex, products: Mapping[str, ProductPhotos]
    ) -> dict[str, PhotoState]:
        """Return the states of photos after what could be made in time, by product id.

        live: an index whose photos an encoder of ours fills. What was not made stays due, also
        when nothing can be made here: an error is logged and never raised.
        """
        states = {name: one.state for name, one in products.items()}
        try:
            wanted = self._wanted(live, products)
            made = self._counted(live, products, wanted) if wanted else {}
        except ShelfwiseError as error:  # e.g. no such encoder on this machine
            _log.warning("photos_not_made_ahead", index=live.index, reason=error.message)
            return states
        except Exception:  # whatever it was, the lane finds the photo, and the words are written
            _log.exception("photos_not_made_ahead", index=live.index)
            return states
        now = self._now()
        for name, addresses in wanted.items():
            mine: Made = {key: made[key] for key in addresses if key in made}
            if mine:
                one = products[name]
                states[name] = settled(one.images, one.state, mine, now=now, rules=self._rules)
        return states

    def close(self) -> None:
        """End the threads once they are idle."""
        self._intake.close()

    def _wanted(
        self, live: LiveIndex, products: Mapping[str, ProductPhotos]
    ) -> dict[str, dict[str, str]]:
        """Return hash to address of what is to be made, by product id.

        A product that will be written twice anyhow, as a photo of it has to wait, is left out.
        So is one over whose photos a worker has died, or has at this moment.
        """
        now = self._now()
        wanted: dict[str, dict[str, str]] = {}
        for name, one in products.items():
            addresses = missing(one.images, one.state, now=now, rules=self._rules)
            hosts = map(self._intake.host_of, addresses.values())
            if addresses and not self._slow_hosts.has_any(hosts):
                wanted[name] = addresses
        if not wanted:
            return {}
        starts = self._hints.starts(live.name, list(wanted))
        return {name: one for name, one in wanted.items() if not starts[name]}

    def _counted(
        self,
        live: LiveIndex,
        products: Mapping[str, ProductPhotos],
        wanted: Mapping[str, Mapping[str, str]],
    ) -> Made:
        self._hints.begin(live.name, list(wanted))
        try:
            return self._made(live, products, wanted)
        finally:
            # Not when the process dies. The marks are the lane's, and tell what is on its way.
            self._hints.end(live.name, list(wanted), keep_marks=True)

    def _made(
        self,
        live: LiveIndex,
        products: Mapping[str, ProductPhotos],
        wanted: Mapping[str, Mapping[str, str]],
    ) -> Made:
        spec = live.image_encoder
        if spec is None:
            return {}
        addresses = {key: url for one in wanted.values() for key, url in one.items()}
        known: dict[str, Vector] = {
            photo.content: photo.vector for name in wanted for photo in products[name].state.photos
        }
        deadline = self._clock() + self._seconds
        made: Made = {}
        for batch in self._maker.batches(
            addresses,
            lambda: self._encoders.encoder(live.index, spec),
            known=known,
            until=Until(deadline, deadline),
        ):
            made |= batch
        failures = Counter(one.code for one in made.values() if isinstance(one, Failure))
        self._on_done(live.name, len(made) - failures.total(), failures)
        late = [url for key, url in addresses.items() if key not in made]
        if late:
            hosts = self._slow_hosts.note(map(self._intake.host_of, late))
            _log.info("photos_late", index=live.index, photos=len(late), hosts=hosts)
        return made


class _SlowHosts:
    """Hosts whose photos were not there in time lately."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}

    def has_any(self, hosts: Iterable[str | None]) -> bool:
        now = self._clock()
        with self._lock:
            return any(self._until.get(host, 0.0) > now for host in hosts if host is not None)

    def note(self, hosts: Iterable[str | None]) -> list[str]:
        """Remember hosts and return them; files and photos in the address have none."""
        now = self._clock()
        with self._lock:
            slow = sorted({host for host in hosts if host is not None})
            self._until = {host: at for host, at in self._until.items() if at > now}
            self._until |= dict.fromkeys(slow, now + SLOW_HOST_SECONDS)
        return slow
